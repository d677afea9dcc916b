"""The role of each column of a file: guessed, and corrected by people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import ColumnMap
from pages.widgets.text import keyed, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamlit.delta_generator import DeltaGenerator

    from annotator.importing import Preview, Scale

_NO_COLUMN = ""  # no column has an empty name; an option that is None can't be told from no choice
_ROLES = ("text", "label", "date", "author")
_LEAST_WIDE = 2
_SCALES: tuple[Scale, ...] = ("yes", "strength")


def choose_columns(found: Preview, key: str) -> ColumnMap:
    """Ask for the role of each column of a file; the key tells the fields of one upload from those of another."""
    guess = found.remembered or found.guess
    boxes = st.columns(len(_ROLES))
    chosen = {role: _choose_column(box, found, role, key, guess) for box, role in zip(boxes, _ROLES, strict=True)}
    text, label, date, author = chosen.values()
    more, annotator = _choose_further(found, chosen, key, guess)
    wide = _choose_wide(found, chosen, key, guess) if label is None else ColumnMap(None)
    st.caption(say("import_page.other_columns"))
    return replace(wide, text=text, label=label, date=date, author=author, more_text=more, annotator=annotator)


def _choose_wide(found: Preview, chosen: dict[str, str | None], key: str, guess: ColumnMap) -> ColumnMap:
    """Ask which columns stand for a person, or for a label, each; only tables of several columns have any."""
    rest = [column for column in found.columns if column not in (*chosen.values(), found.said)]
    if len(rest) < _LEAST_WIDE:
        return ColumnMap(None)
    boxes = st.columns(3)
    people = boxes[0].multiselect(
        say("import_page.column_people"),
        rest,
        default=[column for column in guess.people if column in rest],
        placeholder=say("import_page.no_column"),
        help=say("import_page.people_help"),
        key=keyed(f"import_people_{key}"),
    )
    left = [column for column in rest if column not in people]
    marked = boxes[1].multiselect(
        say("import_page.column_labels"),
        left,
        default=[column for column in guess.label_columns if column in left],
        placeholder=say("import_page.no_column"),
        help=say("import_page.labels_help"),
        key=keyed(f"import_labels_{key}"),
    )
    scale: Scale = "yes"
    if marked:
        scale = boxes[2].selectbox(
            say("import_page.scale"),
            _SCALES,
            index=_SCALES.index(guess.scale),
            format_func=lambda each: say(f"import_page.scale_{each}"),
            key=keyed(f"import_scale_{key}"),
        )
    return ColumnMap(None, people=tuple(people), label_columns=tuple(marked), scale=scale)


def _choose_further(
    preview: Preview, chosen: dict[str, str | None], key: str, guess: ColumnMap
) -> tuple[tuple[str, ...], str | None]:
    """Ask which columns follow the text and which says who gave the labels, if the file has any such columns."""
    parts = [column for column in preview.long if column not in (*chosen.values(), preview.said)]
    asks_parts = chosen["text"] is not None and bool(parts)
    asks_annotator = guess.annotator is not None and chosen["label"] not in (None, preview.said)
    if not (asks_parts or asks_annotator):
        return (), None
    left, right = st.columns(2)
    guessed = guess.more_text if chosen["text"] == guess.text else ()
    more = _choose_more(left, parts, guessed, f"{key}_{chosen['text']}") if asks_parts else ()
    return more, _choose_column(right, preview, "annotator", key, guess) if asks_annotator else None


def _choose_more(box: DeltaGenerator, parts: Sequence[str], guessed: Sequence[str], key: str) -> tuple[str, ...]:
    """Ask which columns are to be joined to the text."""
    more = box.multiselect(
        say("import_page.column_more_text"),
        parts,
        default=[column for column in guessed if column in parts],
        placeholder=say("import_page.no_column"),
        help=say("import_page.more_text_help"),
        key=keyed(f"import_more_{key}"),
    )
    return tuple(more)


def _choose_column(box: DeltaGenerator, preview: Preview, role: str, key: str, guess: ColumnMap) -> str | None:
    options = [_NO_COLUMN, *preview.columns]
    column = box.selectbox(
        say(f"import_page.column_{role}"),
        options,
        index=options.index(getattr(guess, role) or _NO_COLUMN),
        format_func=lambda name: name or say("import_page.no_column"),
        key=keyed(f"import_{role}_{key}"),
    )
    return column or None
