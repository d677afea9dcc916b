"""A text of one's own, every word of it tagged by the dictionary. It is not stored."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from annotator.dictionary import entries
from pages.widgets.tables import draw_rows
from pages.widgets.text import say

if TYPE_CHECKING:
    from annotator.dictionary.entries import Token
    from annotator.project import Database

_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;font-size:1.05rem;line-height:2.2"
_TAGGED = "border-bottom:3px solid {colour};padding:0 .1em"
_NAME = "font-size:.72em;opacity:.85;margin-left:.2em"


def draw_tryout(db: Database) -> None:
    """Draw a box for a text, and its words with their labels."""
    text = st.text_area(
        say("dictionary.tryout"), key="dictionary_tryout", height=150, max_chars=entries.MOST_CHARACTERS
    )
    st.caption(say("dictionary.tryout_help"))
    if not text or not text.strip():
        return
    tokens = entries.tag_text(db, text)
    words = [token for token in tokens if token.word]
    tagged = [token for token in words if token.label is not None]
    st.html(f"<div style='{_TEXT}' lang='ko'>{''.join(map(_markup, tokens))}</div>")
    st.caption(say("dictionary.tryout_count", words=len(words), tagged=len(tagged)))
    draw_rows([_row(token) for token in words], hide_index=True, key="dictionary_tokens")


def _markup(token: Token) -> str:
    """Return a piece of the text; a word with a label has a line in its colour and its name in letters."""
    text = escape(token.text)
    if token.label is None:
        return text
    style = _TAGGED.format(colour=escape(token.label.colour, quote=True))
    return f"<span style='{style}'>{text}<span style='{_NAME}'>[{escape(token.label.name)}]</span></span>"


def _row(token: Token) -> dict[str, str]:
    label = say("dictionary.no_emotion") if token.label is None else token.label.name
    return {
        say("dictionary.column_token"): token.text,
        say("dictionary.column_word"): token.word,
        say("dictionary.column_label"): label if token.is_known or token.label else say("dictionary.unknown"),
    }
