"""The group board: a grid of short cards, all ticked, and a key for each label that all ticked ones get.

The browser sends one event at a time, as a trigger: ``label`` (what is ticked), ``undo`` (a press, by its token) or
``move`` (to another group). A press that was not answered is kept in the tab and sent again once the page is back: its
token makes it count once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import streamlit as st

from annotator import messages
from pages.components import inline

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.messages import Language


class CardData(TypedDict):
    """A card: how a diary's `text` begins, and what the model `said` of it, in words."""

    id: int
    text: str
    said: str


class GroupData(TypedDict):
    """All that the board shows.

    Attributes:
        scope: whose presses these are, in which project; a tab keeps them under this name.
        labels: those that diaries can be given, in order.
        predicted: the label that the model gives to all of them; None for chosen ones.
        token, kind: of the grid, sent with a press.
        places: where the grid stands: its own number from 0, and how many there are.
        undo: the newest press that can be taken back, with its token and words; None for none.
        notice: what has just been done, or why not.
        answered: ``at`` of the newest event that was dealt with since the page was opened; None before the first.
    """

    scope: str
    strings: dict[str, str]
    labels: list[dict[str, Any]]
    cards: list[CardData]
    predicted: int | None
    token: str
    kind: str
    places: tuple[int, int]
    undo: dict[str, str] | None
    notice: str
    answered: int | None


_mount = st.components.v2.component(
    "maeumgyeol_group_board",
    html='<div class="board groups"></div>',
    css=inline.join("label_board/board.css", "group_board/group.css", "label_board/pointer.css"),
    js=inline.join(
        *(f"label_board/{part}.js" for part in ("painted", "diary", "controls", "mounting")),
        *(f"group_board/{part}.js" for part in ("cards", "group")),
    ),
)


def group_board(data: GroupData, *, key: str, on_event: Callable[[], None]) -> None:
    """Draw the board; `inline.read_event` returns what the browser sent when `on_event` is called."""
    _mount(key=key, data=inline.unsearched(data), on_event_change=on_event)


def board_strings(language: Language) -> dict[str, str]:
    """Return the texts of this board."""
    return messages.below("groups.board", language)
