"""Forgetting diaries for good: what would go, one question, and the outcome. For administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import permissions
from annotator.privacy import forgetting
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.privacy.forgetting import Forgotten, Preview, Selection

_ASKED, _DONE = "forgetting_asked", "forgetting_done"

_SHOWN = (
    "decisions",
    "rationales",
    "reviews",
    "repeats",
    "sentences",
    "explanations",
    "attributions",
    "leases",
    "care_flags",
    "gold",
)
"""Tables whose rows are counted on screen, in this order."""


def draw_forgetting(place: str, selection: Selection | None) -> None:
    """Draw the button that asks what would go, and the answer with the button that forgets it.

    Args:
        place: part of the widgets' keys; a question asked in one place is not answered in another.
        selection: None where nothing is chosen yet.
    """
    if (done := session.draft(f"{_DONE}_{place}")) is not None:
        _draw_done(done)
    asked = session.draft(f"{_ASKED}_{place}")
    if asked is not None and asked[0] == selection:
        _draw_preview(place, asked[0], asked[1])
        return
    st.button(
        say("forget.look"),
        key=f"forget_look_{place}",
        disabled=selection is None,
        on_click=_look,
        args=(place, selection),
    )


def _look(place: str, selection: Selection) -> None:
    session.keep_draft(f"{_DONE}_{place}", None)
    with callback_boundary(), st.spinner(say("forget.looking")), project_location.opened() as db:
        permissions.require(session.person(db), "administrate")
        session.keep_draft(f"{_ASKED}_{place}", (selection, forgetting.preview(db, selection)))


def _draw_preview(place: str, selection: Selection, preview: Preview) -> None:
    with st.container(border=True):
        st.markdown(say("forget.diaries", count=preview.diary_count, characters=preview.characters))
        rows = [(name, preview.row_counts.get(name, 0)) for name in _SHOWN]
        table = [{say("forget.table"): say(f"forget.row_{n}"), say("forget.count"): c} for n, c in rows if c]
        if table:
            draw_rows(table, hide_index=True, height="content", key=f"forget_rows_{place}")
        if preview.exports:
            st.markdown(plain(say("forget.exports", names=", ".join(preview.exports))))
        if preview.near_copies:
            st.markdown(say("forget.near_copies", count=preview.near_copies))
        if preview.trained:
            versions = ", ".join(f"{each.version} ({each.diary_count})" for each in preview.trained)
            st.markdown(say("forget.trained", versions=versions))
        st.caption(say("forget.out_of_reach"))
        with st.container(horizontal=True):
            st.button(
                say("forget.confirm", count=preview.diary_count),
                key=f"forget_confirm_{place}",
                type="primary",
                on_click=_forget,
                args=(place, selection),
            )
            st.button(say("forget.cancel"), key=f"forget_cancel_{place}", on_click=_cancel, args=(place,))


def _cancel(place: str) -> None:
    session.keep_draft(f"{_ASKED}_{place}", None)


def _forget(place: str, selection: Selection) -> None:
    _cancel(place)
    with callback_boundary(), project_location.opened() as db:
        session.keep_draft(f"{_DONE}_{place}", forgetting.forget(db, session.person(db), selection))


def _draw_done(done: Forgotten) -> None:
    st.success(say("forget.done", count=done.diary_count), icon=":material/check:")
    if done.quote_count:
        st.markdown(say("forget.quotes", count=done.quote_count))
    if not done.is_finished:
        st.markdown(say("forget.unfinished"))
    if done.is_refused:
        st.markdown(say("forget.refused"))
    if done.trained:
        versions = ", ".join(f"{each.version} ({each.diary_count})" for each in done.trained)
        st.markdown(say("forget.trained", versions=versions))
        st.page_link("pages/learn/page.py", label=say("forget.retrain"), icon=":material/model_training:")
    st.caption(say("forget.out_of_reach"))
