"""What the model says of a text, to look at: drawn by the parts of the label board, without anything to decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import streamlit as st

from annotator import messages
from pages.components import inline
from pages.components.label_board import board_strings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.messages import Language


class LabelData(TypedDict):
    """A label of the answer; `colour` is ``#rrggbb``."""

    name: str
    colour: str
    definition: str


class TrialData(TypedDict):
    """All that is shown.

    Attributes:
        labels: in the order of the columns of the answer; none while there is no answer.
        item: see `annotator.try_out.Shown`.
    """

    strings: dict[str, str]
    labels: Sequence[LabelData]
    item: dict[str, Any]


_HERE = Path(__file__).parent
_SHARED = _HERE.with_name("label_board")

_mount = st.components.v2.component(
    "maeumgyeol_try_out_board",
    html='<div class="board trial"></div>',
    css="\n".join(file.read_text("utf-8") for file in (_SHARED / "board.css", _HERE / "trial.css")),
    # One module for the browser: inline components can't import from each other.
    js="\n".join(
        [
            (_SHARED / f"{part}.js").read_text("utf-8")
            for part in ("painted", "diary", "why", "arc", "caring", "controls")
        ]
        + [(_HERE / "trial.js").read_text("utf-8")]
    ),
)


def trial_board(data: TrialData, *, key: str) -> None:
    """Draw as much of an answer as there is."""
    _mount(key=key, data=inline.unsearched(data))


def trial_strings(language: Language) -> dict[str, str]:
    """Return the texts of the parts that are shared, and those of this board."""
    return board_strings(language) | messages.below("try_out.board", language)
