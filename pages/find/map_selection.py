"""What is selected on the map: kept while one works with it, and led on to the list, the grid and the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from annotator import project_location
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import hits, pool_map, selections, sending
from annotator.finding.filters import Sight
from annotator.finding.query import Query
from annotator.finding.words import Words
from pages.find import address, results
from pages.widgets import session
from pages.widgets.boundary import boundary, callback_boundary
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.pool_map import PoolMap
    from annotator.project import Database

_SELECTED = "find_map_selected"
"""Draft: the diaries that are selected."""

_SENT = "find_map_sent"
"""Draft: an event of the browser that has still to be looked at."""

_SAID = "find_map_said"
"""Draft: what became of diaries that were sent to the queue, shown once."""

_LINES = 3


@dataclass(frozen=True, slots=True)
class Selected:
    """Diaries that are selected.

    Attributes:
        ids: ascending; none where an area holds none.
        corners: of the area that was drawn around, on the layout `number`; None where none was.
    """

    ids: NDArray[np.int64]
    corners: list[list[float]] | None = None
    number: int = 0


def receive(sent: dict[str, Any]) -> None:
    """Remember an event of the browser."""
    session.keep_draft(_SENT, sent)


def choose(diary_ids: NDArray[np.int64]) -> None:
    """Select some diaries, as by the button of a cluster."""
    session.keep_draft(_SELECTED, Selected(diary_ids))


def clear() -> None:
    """Select nothing."""
    session.keep_draft(_SELECTED, None)


def current(shown: PoolMap) -> Selected | None:
    """Return what is selected of what the map shows; None for nothing. Diaries that are gone are left out."""
    if (sent := session.draft(_SENT)) is not None:
        session.keep_draft(_SENT, None)
        with boundary():
            session.keep_draft(_SELECTED, _read(shown, sent))
    selected: Selected | None = session.draft(_SELECTED)
    if selected is None:
        return None
    return Selected(np.intersect1d(selected.ids, shown.ids), selected.corners, selected.number)


def _read(shown: PoolMap, sent: dict[str, Any]) -> Selected | None:
    if sent["type"] == "area":
        if sent.get("number") != shown.state.number:
            return None  # drawn on a map that has been replaced since
        corners = pool_map.read_corners(sent.get("corners"))
        hidden = sent.get("hidden")
        places = [place for place in range(len(shown.kinds)) if isinstance(hidden, list) and place in hidden]
        return Selected(pool_map.select(shown, corners, hidden=places), corners.tolist(), shown.state.number)
    if sent["type"] == "pick":
        # An id that is not on the map, or no id at all, selects nothing.
        return Selected(shown.ids[shown.ids == sent["id"]]) if isinstance(sent.get("id"), int) else None
    return None


def status(selected: Selected | None) -> str:
    """Return how many diaries are selected, in words; empty while nothing is."""
    if selected is None:
        return ""
    return say("find.map.selected", count=len(selected.ids)) if len(selected.ids) else say("find.map.nothing")


def draw(db: Database, actor: Actor, shown: PoolMap, selected: Selected | None) -> None:
    """Draw what is selected, and where it can be taken."""
    if said := session.draft(_SAID):
        session.keep_draft(_SAID, None)
        st.success(said, icon=":material/low_priority:")
    if selected is None:
        return
    with st.container(border=True, key="find_map_selection"):
        if not len(selected.ids):
            st.markdown(f"**{status(selected)}**", text_alignment="center")
            st.caption(say("find.map.nothing_help"), text_alignment="center")
            return
        st.markdown(f"**{status(selected)}**")
        st.caption(plain(_answers(shown, selected.ids)))
        with st.container(horizontal=True):
            draw_ways("selection", selected.ids)
            st.button(say("find.map.clear"), key="find_map_clear", type="tertiary", on_click=clear)
        first = selected.ids[:_LINES].tolist()
        for hit in hits.describe(db, actor, Sight(True, None), Words(), first, None):
            results.draw_hit(hit)


def _answers(shown: PoolMap, ids: NDArray[np.int64]) -> str:
    """Return what the model answers to some diaries, as far as it may be seen."""
    named = pool_map.count_answers(shown, ids)
    if not named:
        return say("find.map.no_answers")
    answers = " · ".join(say("find.map.alt_kind", name=name, count=count) for name, count in named)
    return say("find.map.answers", answered=sum(count for _, count in named), answers=answers)


def draw_ways(name: str, ids: NDArray[np.int64]) -> None:
    """Draw the buttons that lead on with some diaries, in whatever row the caller is.

    Args:
        name: tells the buttons of one selection from those of others.
    """
    diary_ids = ids.tolist()
    is_more = len(ids) > sending.MOST_SENT
    send = say("find.map.send_first", most=sending.MOST_SENT) if is_more else say("find.map.send")
    for way, words, icon, act, args in (
        ("list", say("find.map.to_list"), "list", _open, ("", diary_ids)),
        ("groups", say("find.map.to_groups"), "grid_view", _open, ("groups", diary_ids)),
        ("send", send, "low_priority", _send, (diary_ids,)),
    ):
        st.button(words, key=f"find_map_{way}_{name}", icon=f":material/{icon}:", on_click=act, args=args)


def _keep(db: Database, diary_ids: Sequence[int]) -> int:
    return selections.keep(db, diary_access.actor_of(session.person(db)), diary_ids)


def _open(view: str, diary_ids: Sequence[int]) -> None:
    with callback_boundary(), project_location.opened() as db:
        address.go({"view": view, "selection": str(_keep(db, diary_ids))})


def _send(diary_ids: Sequence[int]) -> None:
    with callback_boundary(), project_location.opened() as db:
        if not diary_ids:
            raise UserError("find_selection_empty")
        actor = diary_access.actor_of(session.person(db))
        asked = Query(selection=_keep(db, diary_ids), sort="id")
        session.keep_draft(_SAID, results.sent_words(sending.send(db, project_location.path(), actor, asked)))
