"""What people decide about words on this page: each press is saved at once and can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts import annotators
from annotator.dictionary import entries
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from typing import Literal

    from annotator.dictionary.entries import Review

    Proposer = Literal["evidence", "similar"]

_REVIEWS = "dictionary_reviews"
_UNDO_KEY = "Z"
"""No label can have this key: the label page takes back with it too."""


def confirm(word: str, label_id: int | None, source: Proposer, name: str) -> None:
    """Put a word into the dictionary; without a label, as one without emotion."""
    with callback_boundary(), project_location.opened() as db:
        annotator_id = annotators.get_or_create(db, name)
        _remember(entries.confirm(db, word, label_id, annotator_id=annotator_id, source=source))


def reject(word: str, source: Proposer, name: str) -> None:
    """Keep a word out of the dictionary."""
    with callback_boundary(), project_location.opened() as db:
        _remember(entries.reject(db, word, annotator_id=annotators.get_or_create(db, name), source=source))


def add(written: str, label_id: int | None, name: str) -> None:
    """Put a word that somebody wrote into the dictionary."""
    with callback_boundary(), project_location.opened() as db:
        review = entries.add(db, written, label_id, annotator_id=annotators.get_or_create(db, name))
        _remember(review)
        st.toast(say("dictionary.added", word=plain(review.word)), icon=":material/check:")


def _remember(review: Review) -> None:
    session.keep_draft(_REVIEWS, (*session.draft(_REVIEWS, ()), review))


def draw_undo() -> None:
    """Draw the button that takes the last press back, if there was one."""
    if session.draft(_REVIEWS):
        st.button(
            say("dictionary.undo"),
            key="dictionary_undo",
            shortcut=_UNDO_KEY,
            icon=":material/undo:",
            on_click=_undo,
            args=(session.name(),),
        )


def _undo(name: str) -> None:
    reviews = session.draft(_REVIEWS, ())
    if not reviews:
        return
    session.keep_draft(_REVIEWS, reviews[:-1] or None)
    with callback_boundary(), project_location.opened() as db:
        done = entries.undo(db, reviews[-1], annotator_id=annotators.get_or_create(db, name))
        key = "dictionary.undone" if done else "dictionary.overtaken"
        st.toast(say(key, word=plain(reviews[-1].word)), icon=":material/undo:")
