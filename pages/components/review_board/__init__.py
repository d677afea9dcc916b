"""The review board: the rows of the queue, one diary in full, and a key for each thing that a reviewer does.

The diary and its explanation are drawn by the parts of the label board, so that a reviewer sees what annotators see.
The browser sends one event at a time, as a trigger: ``act``, ``undo``, ``gold``, ``open`` (a diary), ``more`` or
``first`` (rows); keys are refused, with a notice, until the answer is there and while the text is out of sight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import streamlit as st

from annotator import messages
from pages.components import inline

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.messages import Language


class RowData(TypedDict):
    """A row of the queue: how its `text` begins, and how likely its label is wrong.

    `labels` are name and colour of the decisions in force, `signals` words for what fired.
    """

    diary_id: int
    text: str
    percent: int
    labels: list[dict[str, str]]
    signals: list[str]


class ReviewData(TypedDict):
    """All that the board shows.

    Attributes:
        labels: those that a diary can be given, in order.
        rows: of the queue; `has_more` and `has_before` say whether others come after and before them.
        case: the diary on screen, fields of `annotator.review.case.Case`; None where there is none.
        me: whose labels need no note to be changed.
        notice: what has just been done.
        answered: ``at`` of the newest event that was dealt with since the page was opened; None before the first.
    """

    strings: dict[str, str]
    labels: list[dict[str, Any]]
    rows: list[RowData]
    has_more: bool
    has_before: bool
    case: dict[str, Any] | None
    me: str
    notice: str
    answered: int | None


_mount = st.components.v2.component(
    "maeumgyeol_review_board",
    html='<div class="board review"></div>',
    css=inline.join("label_board/board.css", "review_board/review.css", "label_board/pointer.css"),
    js=inline.join(
        *(f"label_board/{part}.js" for part in ("painted", "diary", "why", "arc", "controls", "room", "mounting")),
        *(f"review_board/{part}.js" for part in ("aside", "review")),
    ),
)


def review_board(data: ReviewData, *, key: str, on_event: Callable[[], None]) -> None:
    """Draw the board; `inline.read_event` returns what the browser sent when `on_event` is called."""
    _mount(key=key, data=inline.unsearched(data), on_event_change=on_event)


def board_strings(language: Language) -> dict[str, str]:
    """Return the texts of this board and of the parts that it shares."""
    return messages.below("board", language) | messages.below("review.board", language)
