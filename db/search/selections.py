"""Diaries that somebody chose on a page, kept so that a link can lead to them. Whatever is forgotten goes from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from db import clock
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

MOST_ROWS = 500_000
"""Rows of all numbered selections together, about 20 MB; beyond, the oldest go."""

_NUMBERED = "numbered-"
"""How the tokens of selections begin."""


def add_numbered(db: Database, annotator_id: int, diary_ids: Sequence[int]) -> int:
    """Store a selection, which all find by its number, and return this: the same one for the same diaries.

    The oldest ones give way to it, see `MOST_ROWS`.
    """
    ids = sorted({int(i) for i in diary_ids})
    # Of the ids alone: it says nothing of a text.
    token = _NUMBERED + hashlib.blake2b(",".join(map(str, ids)).encode(), digest_size=16).hexdigest()
    with write(db):
        known = scalar(db, "select id from selections where token = :token", token=token)
        if known is not None:
            return int(known)
        number = _insert(db, annotator_id, ids, token)
        _drop_oldest(db, number)
    return number


def is_numbered(db: Database, number: int) -> bool:
    """Return whether there is a selection that all find by this number."""
    sql = "select 1 from selections where id = :id and token like 'numbered-%'"
    return scalar(db, sql, id=number) is not None


def _insert(db: Database, annotator_id: int, diary_ids: Sequence[int], token: str) -> int:
    stored = "insert into selections (token, annotator_id, made_at) values (?, ?, ?) returning id"
    members = "insert into selected (selection_id, place, diary_id) select ?, ?, id from diaries where id = ?"
    (number,) = db.conn.execute(stored, (token, annotator_id, clock.now())).fetchone()
    db.conn.executemany(members, [(number, place, int(i)) for place, i in enumerate(diary_ids)])
    return int(number)


def _drop(db: Database, ids: Sequence[Any]) -> None:
    db.conn.executemany("delete from selected where selection_id = ?", ids)
    db.conn.executemany("delete from selections where id = ?", ids)


def _drop_oldest(db: Database, newest: int) -> None:
    """Drop numbered selections but the newest until all together are no more than may be."""
    sizes = rows(
        db,
        """
        select s.id, (select count(*) from selected m where m.selection_id = s.id) from selections s
        where s.token like 'numbered-%' order by s.id desc
        """,
    )
    total, gone = 0, []
    for number, size in sizes:
        total += size
        if total > MOST_ROWS and number != newest:
            gone.append((number,))
    _drop(db, gone)
