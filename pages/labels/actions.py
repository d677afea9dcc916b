"""What is done with the label set when a button is pressed: read the fields, do it, say so, close the panel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location
from annotator.accounts.permissions import require
from annotator.label_sets import editing
from annotator.label_sets.editing import NewLabel
from pages.widgets import session
from pages.widgets.boundary import callback_boundary
from pages.widgets.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.project import Database

OPEN = "labels_open"
"""The draft that says which label is open: its id, `ADDING` for a new one, None for none."""

ADDING = 0

ROWS = """<style>
.st-key-labels_rows [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; }
.st-key-labels_rows [data-testid="stHorizontalBlock"] > :first-child { min-width: 0; }
</style>"""
"""Keeps the button of a row beside it on a phone too, in containers with the key ``labels_rows``."""


@contextmanager
def acting() -> Iterator[tuple[Database, int]]:
    """Yield the open database and the acting person, whose role may have changed since the page was drawn."""
    with callback_boundary(), project_location.opened() as db:
        person = session.person(db)
        require(person, "review")
        yield db, person.annotator_id


def toggle(label_id: int) -> None:
    """Open a label, or close it if it is open."""
    session.keep_draft(OPEN, None if session.draft(OPEN) == label_id else label_id)


def field(prefix: str, name: str) -> str:
    """Return the text in a field of a panel; empty for one that is not drawn."""
    return str(st.session_state.get(f"{prefix}_{name}") or "")


def _done(words: str) -> None:
    session.keep_draft(OPEN, None)
    st.toast(words, icon=":material/check:")


def edit(label_id: int) -> None:
    """Save the fields of a label."""
    prefix = f"labels_{label_id}"
    with acting() as (db, me):
        fields = {name: field(prefix, name) for name in ("name", "definition", "key", "colour")}
        editing.edit(db, {label_id: fields}, annotator_id=me, note=field(prefix, "note"))
        _done(say("labels.saved"))


def add() -> None:
    """Add the label that the fields describe."""
    with acting() as (db, me):
        name, definition, key = (field("labels_new", part) for part in ("name", "definition", "key"))
        new = NewLabel(name, definition, key=key.lower())
        editing.add(db, new, annotator_id=me, note=field("labels_new", "note"))
        for part in ("name", "definition", "key", "note"):
            st.session_state[f"labels_new_{part}"] = ""  # the next one begins empty
        _done(say("labels.saved"))


def reorder(label_ids: Sequence[int]) -> None:
    """Put the labels in another order; the panel stays open, since one step is seldom enough."""
    with acting() as (db, me):
        editing.reorder(db, label_ids, annotator_id=me)


def merge(label_id: int, target_id: int) -> None:
    """Merge a label into another one."""
    with acting() as (db, me):
        editing.merge(db, label_id, target_id, annotator_id=me, note=field(f"labels_{label_id}", "note"))
        _done(say("labels.merged"))


def split(label_id: int) -> None:
    """Split a label into the parts that were written down."""
    prefix = f"labels_{label_id}"
    with acting() as (db, me):
        lines = [line.partition(":") for line in field(prefix, "parts").splitlines() if line.strip()]
        parts = [NewLabel(name.strip(), definition.strip()) for name, _, definition in lines]
        keep = bool(st.session_state.get(f"{prefix}_keep"))
        editing.split(db, label_id, parts, keep=keep, annotator_id=me, note=field(prefix, "note"))
        _done(say("labels.split_done"))


def retire(label_id: int) -> None:
    """Take a label out of the set."""
    with acting() as (db, me):
        editing.retire(db, label_id, annotator_id=me, note=field(f"labels_{label_id}", "note"))
        _done(say("labels.retired"))


def undo(change_id: int) -> None:
    """Take a change back."""
    with acting() as (db, me):
        editing.undo(db, change_id, annotator_id=me)
        _done(say("labels.undone"))
