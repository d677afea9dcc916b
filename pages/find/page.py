"""찾기: every diary within reach, by words, filters and likeness; and a diary's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access
from annotator.finding import query
from pages.find import address, changed, diary, form, groups, map_view, over_time, results
from pages.widgets import session
from pages.widgets.boundary import boundary
from pages.widgets.text import keyed, say

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from annotator.project import Database

_VIEWS = ("list", "map", "groups", "changed", "time")
_OF_HITS = ("list", "map", "groups")
"""Views of what is looked for: it stays when one goes from one to the other."""


def _draw() -> None:
    with project_location.opened() as db:
        person = session.person(db)
        actor = diary_access.actor_of(person)
        if (diary_id := address.diary_id()) is not None:
            with boundary():
                diary.draw(db, actor, person, diary_id)
            return
        st.title(say("frame.find"))
        view = _draw_views() if diary_access.has_right(db, actor, "review") else _VIEWS[0]
        with boundary():
            _draw_view(db, actor, view)


def _draw_views() -> str:
    """Draw the choice between the list and what else reviewers look at, and return the one that is open."""
    asked = address.values().get("view", "")
    current = asked if asked in _VIEWS else _VIEWS[0]
    chosen = st.segmented_control(
        say("find.views"),
        _VIEWS,
        default=current,
        required=True,
        format_func=lambda view: say(f"find.view_{view}"),
        key=keyed(f"find_view_{current}"),
        label_visibility="collapsed",
    )
    # Not once, when it is chosen: a redrawing that began before brings the former address back.
    if chosen != current:
        _open_view(chosen)
        st.rerun()
    return current


def _open_view(view: str) -> None:
    kept = address.search() if view in _OF_HITS and address.values().get("view", _VIEWS[0]) in _OF_HITS else {}
    address.go({**kept, "after": "", "view": "" if view == _VIEWS[0] else view})


def _draw_view(db: Database, actor: Actor, view: str) -> None:
    if view == "changed":
        changed.draw(db, actor)
        return
    if view == "groups":
        groups.draw(db, actor)
        return
    if view == "time":
        over_time.draw(db, actor)
        return
    if view == "map":
        map_view.draw(db, actor)
        return
    form.draw(db, actor)
    with boundary():
        asked = query.read(address.values())
        results.draw(db, actor, asked, results.vector_of(asked))


_draw()
