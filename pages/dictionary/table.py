"""The list of words, a page at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.widgets import session
from pages.widgets.tables import draw_rows
from pages.widgets.text import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.dictionary.entries import Label
    from annotator.dictionary.evidence import EvidenceTable, Row

CHOSEN = "dictionary_word"
"""Draft of the word that was chosen in the list."""

_PAGE = "dictionary_page_number"
_ROWS_A_PAGE = 20
_IDS_WIDTH = 300  # pixels: five numbers of six digits


def first_page() -> None:
    """Go back to the beginning of the list, and to its first word."""
    session.keep_draft(_PAGE, None)
    session.keep_draft(CHOSEN, None)


def page_of(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the words of the page that is open."""
    last = (len(rows) - 1) // _ROWS_A_PAGE
    number = min(session.draft(_PAGE, 0), last)
    return rows[number * _ROWS_A_PAGE : (number + 1) * _ROWS_A_PAGE]


def draw_table(rows: Sequence[Row], basis: EvidenceTable | None, labels: Sequence[Label]) -> None:
    """Draw a page of words; a row can be selected for a decision."""
    name_of = {label.id: label.name for label in labels}
    label_ids = () if basis is None else basis.label_ids
    texts = ("word", "state", "label", "count", "diaries")
    columns: dict[str, Any] = {key: say(f"dictionary.column_{key}") for key in texts}
    number = partial(st.column_config.NumberColumn, format="%+.2f", help=say("dictionary.mean_help"))
    strength = say("dictionary.column_strength")
    columns["strength"] = st.column_config.NumberColumn(strength, format="%+.2f", help=say("dictionary.strength_help"))
    columns |= {f"mean_{i}": number(name_of.get(i, "?")) for i in label_ids}
    columns["ids"] = st.column_config.TextColumn(say("dictionary.column_ids"), width=_IDS_WIDTH)
    table = [
        {
            "word": row.word,
            "state": say(f"dictionary.state_{row.state}"),
            "label": name_of.get(row.label_id or 0, "–"),
            "strength": row.strength,
            "count": row.count,
            "diaries": row.diary_count,
            **{f"mean_{i}": mean for i, mean in zip(label_ids, row.means or (), strict=False)},
            "ids": ", ".join(f"#{i}" for i in row.diary_ids),
        }
        for row in rows
    ]
    draw_rows(
        table,
        hide_index=True,
        column_config=columns,
        placeholder="–",
        key="dictionary_table",
        selection_mode="single-row",
        on_select=partial(_choose, [row.word for row in rows]),
    )
    st.caption(say("dictionary.table_help"))


def _choose(words: Sequence[str]) -> None:
    chosen = st.session_state["dictionary_table"]["selection"]["rows"]
    session.keep_draft(CHOSEN, words[chosen[0]] if chosen and chosen[0] < len(words) else None)


def draw_pager(count: int) -> None:
    """Draw the buttons to the other pages, if there are any.

    Args:
        count: of the words on all pages.
    """
    last = (count - 1) // _ROWS_A_PAGE
    number = min(session.draft(_PAGE, 0), last)
    if not last:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, to, is_end in (("previous", number - 1, number == 0), ("next", number + 1, number == last)):
            st.button(
                say(f"dictionary.turn_{name}"), key=f"dictionary_{name}", disabled=is_end, on_click=_turn, args=(to,)
            )
        st.caption(say("dictionary.page", number=number + 1, last=last + 1, count=count))


def _turn(number: int) -> None:
    session.keep_draft(_PAGE, number)
    session.keep_draft(CHOSEN, None)
