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


def choose_columns(table: Preview, key: str) -> ColumnMap:
    """Ask for the role of each column of a file; the key tells the fields of one upload from those of another."""
    guess = table.remembered or table.guess
    boxes = st.columns(len(_ROLES))
    chosen = {role: _choose_column(box, table, role, key, guess) for box, role in zip(boxes, _ROLES, strict=True)}
    text, label, date, author = chosen.values()
    more, annotator = _choose_further(table, chosen, key, guess)
    wide = _choose_wide(table, chosen, key, guess) if label is None else ColumnMap(None)
    st.caption(say("import_page.other_columns"))
    return replace(wide, text=text, label=label, date=date, author=author, more_text=more, annotator=annotator)


def _choose_several(what: str, columns: Sequence[str], guess: Sequence[str], key: str) -> list[str]:
    return st.multiselect(
        say(f"import_page.column_{what}"),
        columns,
        default=[column for column in guess if column in columns],
        placeholder=say("import_page.no_column"),
        help=say(f"import_page.{what}_help"),
        key=keyed(f"import_{what}_{key}"),
    )


def _choose_wide(table: Preview, chosen: dict[str, str | None], key: str, guess: ColumnMap) -> ColumnMap:
    """Ask which columns stand for a person, or for a label, each; only tables of several columns have any."""
    rest = [column for column in table.columns if column not in (*chosen.values(), table.said)]
    if len(rest) < _LEAST_WIDE:
        return ColumnMap(None)
    boxes = st.columns(3)
    with boxes[0]:
        people = _choose_several("people", rest, guess.people, key)
    with boxes[1]:
        marked = _choose_several("labels", [name for name in rest if name not in people], guess.label_columns, key)
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
