"""Notes elsewhere that quote a diary which is being forgotten: the quotation goes, the note stays."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

from db.connection import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlite_utils import Database

FEWEST_CHARACTERS = 12
"""A shorter sentence may be anybody's."""

GAP = "…"
"""What stands where a quotation was."""

NOTES = (
    ("decisions", "memo"),
    ("reviews", "comment"),
    ("care_flags", "note"),
    ("guidelines", "text"),
    ("guidelines", "examples"),
    ("labels", "definition"),
    ("label_history", "note"),
    ("label_history", "before"),
    ("label_history", "after"),
)
"""Columns that hold what people write in their own words, some within JSON."""

_TEXTS_AT_A_TIME = 2_000
_ENDS = re.compile(r"(?<=[.!?…。！？])\s+|\n+")

_Heads = dict[str, list[str]]


def remove_quotes(db: Database) -> int:
    """Take sentences of diaries that are being forgotten out of every note; return how many notes had one.

    Works within the transaction of `db.forgetting.forgetting`.
    """
    changed: set[tuple[str, str, int]] = set()
    notes = {place: _notes(db, *place) for place in NOTES}
    if not any(notes.values()):
        return 0
    for texts in _texts(db):
        heads = _heads(texts)
        for (table, column), found in notes.items():
            for row_id, note in list(found.items()):
                if (left := _without(note, heads)) != note:
                    found[row_id] = left
                    changed.add((table, column, row_id))
    for table, column, row_id in changed:
        statement = f"update {table} set {column} = ? where rowid = ?"  # noqa: S608 - constants
        db.conn.execute(statement, (notes[table, column][row_id], row_id))
    return len(changed)


def pieces_of(text: str) -> list[str]:
    """Return the whole text and its sentences, those that are too short to be known again left out; longest first."""
    found = {text.strip(), *(piece.strip() for piece in _ENDS.split(text))}
    return sorted((piece for piece in found if len(piece) >= FEWEST_CHARACTERS), key=len, reverse=True)


def _notes(db: Database, table: str, column: str) -> dict[int, str]:
    sql = f"select rowid, {column} from {table} where length({column}) >= {FEWEST_CHARACTERS}"  # noqa: S608
    return {int(row_id): str(note) for row_id, note in rows(db, sql)}


def _texts(db: Database) -> Iterator[list[str]]:
    sql = "select text from diaries where id in (select id from temp.going_diaries)"
    found = db.conn.execute(sql)
    while some := found.fetchmany(_TEXTS_AT_A_TIME):
        yield [text for (text,) in some]


def _heads(texts: Iterable[str]) -> _Heads:
    """Return the sentences of texts, as people may have typed them and as JSON has them, by how they begin."""
    heads: _Heads = defaultdict(list)
    for text in texts:
        for piece in pieces_of(text):
            forms = {piece, unicodedata.normalize("NFC", piece), unicodedata.normalize("NFD", piece)}
            for form in forms | {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}:
                heads[form[:FEWEST_CHARACTERS]].append(form)
    return heads


def _without(note: str, heads: _Heads) -> str:
    """Return a note with a gap where it quotes one of the sentences."""
    at = 0
    while at <= len(note) - FEWEST_CHARACTERS:
        known = heads.get(note[at : at + FEWEST_CHARACTERS], ())
        quoted = next((piece for piece in known if note.startswith(piece, at)), None)
        if quoted is not None:
            note = note[:at] + GAP + note[at + len(quoted) :]
        at += 1
    return note
