"""Accepting several labels at once: which ones stands below, the surest first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.label_sets import editing
from annotator.review import actions, bulk
from pages.review.filters import reviewer
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.project import Database
    from annotator.review.actions import Filter, Page
    from annotator.review.bulk import Agreed, Surest

_DONE = "review_bulks"
"""Draft: how often labels were accepted at once. It is part of the popover's key, and a new key closes it."""

_ROW = "display:flex;gap:.6rem;align-items:baseline;padding:.35rem 0;border-top:1px solid rgba(128,128,128,.25)"
_TEXT = "flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"


def draw(db: Database, criteria: Filter, page: Page, *, said: Callable[[str], None]) -> None:
    """Draw how to accept several rows of the filter; `said` is called with what was done."""
    if criteria.state != "open" or not page.rows:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(say("review.found", count=actions.count_rows(db, criteria)))
        popover = st.popover(
            say("review.bulk"),
            icon=":material/done_all:",
            key=f"review_bulk_{session.draft(_DONE, 0)}",
            on_change="rerun",
            type="tertiary",
        )
        # The rows are read when somebody wants to see them.
        if popover.open:
            with popover:
                _draw_surest(db, bulk.list_surest(db, criteria, reviewer_id=reviewer(db)), said)


def _draw_surest(db: Database, surest: Surest, said: Callable[[str], None]) -> None:
    if not surest.rows:
        st.caption(say("review.bulk_none"))
        return
    st.markdown(say("review.bulk_which"))
    count = st.segmented_control(
        say("review.bulk_steps"),
        surest.steps,
        default=surest.steps[0],
        required=True,
        format_func=lambda step: say("review.bulk_step", count=step),
        key="review_bulk_count",
        label_visibility="collapsed",
    )
    shown = surest.rows[:count]
    names = {label.id: label.name for label in editing.list_labels(db)}
    with st.container(height=min(260, 44 * len(shown) + 20), border=False):
        st.html("".join(_row(surest.excerpts[row.diary_id], names.get(row.label_id, ""), row) for row in shown))
    st.caption(say("review.bulk_hint"))
    st.button(
        say("review.bulk_do", count=len(shown)),
        key="review_bulk_do",
        type="primary",
        on_click=_accept,
        args=([row.diary_id for row in shown], surest.last_decision_id, said),
    )


def _row(text: str, label: str, row: Agreed) -> str:
    percent = actions.percent_of(row.expected_error)
    return (
        f"<div style='{_ROW}'><b>{escape(label)}</b><span style='{_TEXT}' title='{escape(text, quote=True)}'>"
        f"{escape(text)}</span><span>{percent}%</span></div>"
    )


def _accept(diary_ids: list[int], seen_decision_id: int, notify: Callable[[str], None]) -> None:
    with callback_boundary(), project_location.opened() as db:
        count = bulk.accept(db, diary_ids, reviewer_id=reviewer(db), seen_decision_id=seen_decision_id)
        notify(say("review.bulk_done", count=count))
        session.keep_draft(_DONE, session.draft(_DONE, 0) + 1)
