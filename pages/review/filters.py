"""What stands above the review board: which diaries, accepting all at once, and what to do if there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.accounts.permissions import may
from annotator.errors import UserError
from annotator.label_sets import editing
from annotator.review import actions
from annotator.review.actions import Filter
from pages.widgets import session
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.project import Database
    from annotator.review.actions import State

_STATES: tuple[State, ...] = ("open", "returned", "ambiguous", "settled")
_PARTS = ("pool", "test")
_ALL = ""


def reviewer(db: Database) -> int:
    """Return the reviewer. Callbacks run before the frame has checked the current role.

    Raises:
        UserError: ``right_missing`` for somebody who may not.
    """
    person = session.person(db)
    if not may(person, "review"):
        raise UserError("right_missing")
    return person.annotator_id


def draw(db: Database, *, on_change: Callable[[], None]) -> Filter:
    """Draw the filters and return what they ask for; `on_change` is called when one was changed."""
    names = dict(actions.list_names(db))
    label_names = {label.id: label.name for label in editing.list_labels(db)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        state = st.segmented_control(
            say("review.state"),
            _STATES,
            default="open",
            required=True,
            format_func=lambda name: say(f"review.state_{name}"),
            key=keyed("review_state"),
            label_visibility="collapsed",
            on_change=on_change,
        )
        reasons = actions.list_reasons(db)
        reason = _choice("signal", reasons, lambda name: say(f"review.signal_{name}"), on_change)
        label_id = _choice("label", list(label_names), lambda i: label_names[i], on_change)
        with st.popover(say("review.annotator"), icon=":material/tune:", key="review_more"):
            annotator_id = _choice("annotator", list(names), lambda i: names[i], on_change)
            part = _choice("part", list(_PARTS), lambda name: say(f"review.part_{name}"), on_change)
    return actions.with_reason(db, Filter(state, None, label_id, annotator_id, part), reason)


def _choice(name: str, options: list, text_of: Callable, on_change: Callable[[], None]):  # type: ignore[no-untyped-def, type-arg]
    """Draw a choice whose first option asks for all; return None for that."""
    # Streamlit would take an option None for no choice, with a cross to clear it.
    chosen = st.selectbox(
        say(f"review.{name}"),
        [_ALL, *options],
        format_func=lambda value: say(f"review.{name}_any") if value == _ALL else text_of(value),
        key=keyed(f"review_{name}"),
        label_visibility="collapsed",
        width=140,
        on_change=on_change,
    )
    return None if chosen == _ALL else chosen


def draw_empty(db: Database, criteria: Filter) -> None:
    """Say why there is nothing to review, and where to go."""
    is_plain = criteria == Filter()
    key = "none_found" if not is_plain else "all_done" if actions.was_made(db) else "not_made"
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"**{plain(say(f'review.{key}'))}**", text_alignment="center")
        st.caption(say(f"review.{key}_help"), text_alignment="center")
        if is_plain:
            with st.container(horizontal=True, horizontal_alignment="center"):
                st.page_link("pages/label/page.py", label=say("review.go_label"), icon=":material/edit:")
                st.page_link("pages/learn/page.py", label=say("review.go_learn"), icon=":material/model_training:")
