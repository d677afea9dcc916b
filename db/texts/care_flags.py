"""Diaries that contain a phrase of the care list, and who has looked after them. Flags go only with their diaries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db import clock, settings
from db.connection import one, rows, scalar, write
from db.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

Filter = Literal["open", "handled"]

_SCANNED = "care_scanned"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flagged diary.

    Attributes:
        handled_by, handled_at: who looked after it, and when; None while it waits.
    """

    diary_id: int
    found_at: str
    handled_by: str | None
    handled_at: str | None
    note: str


def scanned_up_to(db: Database, list_hash: str) -> int:
    """Return the newest diary that was scanned with a list; 0 for none."""
    stored = settings.load(db).get(_SCANNED)
    return int(stored["up_to"]) if isinstance(stored, dict) and stored.get("hash") == list_hash else 0


def list_texts_after(db: Database, diary_id: int, *, limit: int) -> list[tuple[int, str]]:
    """Return the diaries after a given one, ordered by id."""
    sql = "select id, text from diaries where id > :after order by id limit :limit"
    return [(int(later_id), str(text)) for later_id, text in rows(db, sql, after=diary_id, limit=limit)]


def flag(db: Database, diary_ids: Sequence[int], *, list_hash: str, up_to: int) -> None:
    """Flag diaries, and note how far the list has been applied. Tabs that hold one of them lose it.

    A diary that was flagged before keeps its notes.
    """
    statement = """
        insert into care_flags (diary_id, found_at, list_hash) select id, ?, ? from diaries where id = ?
        on conflict (diary_id) do update set list_hash = excluded.list_hash
    """
    returned = """
        delete from leases where diary_id in (
            select value from json_each(:ids) where value not in (select diary_id from care_flags))
    """
    with write(db):
        db.conn.execute(returned, {"ids": json.dumps([int(i) for i in diary_ids])})
        db.conn.executemany(statement, [(clock.now(), list_hash, int(i)) for i in diary_ids])
        settings.store(db, **{_SCANNED: {"hash": list_hash, "up_to": up_to}})


def add(db: Database, diary_id: int) -> None:
    """Flag one diary that somebody worries about; tabs that hold it lose it. One that was flagged keeps its notes."""
    statement = "insert or ignore into care_flags (diary_id, found_at, list_hash) values (?, ?, '')"
    with write(db):
        db.conn.execute(statement, (diary_id, clock.now()))
        db.conn.execute("delete from leases where diary_id = ?", (diary_id,))


_FLAG = """
    select f.diary_id, f.found_at, a.name, f.handled_at, f.note
    from care_flags f left join annotators a on a.id = f.handled_by
"""


def find_flag(db: Database, diary_id: int) -> Flag | None:
    """Return a diary's flag, if it has one."""
    row = one(db, f"{_FLAG} where f.diary_id = :id", id=diary_id)
    return None if row is None else Flag(*row)


def list_flags(db: Database, *, which: Filter, limit: int, after: int = 0) -> list[Flag]:
    """Return flagged diaries that wait, or were looked after, ordered by id."""
    state = "is null" if which == "open" else "is not null"
    sql = f"{_FLAG} where f.handled_at {state} and f.diary_id > :after order by f.diary_id limit :limit"
    return [Flag(*row) for row in rows(db, sql, after=after, limit=limit)]


def count_flags(db: Database) -> tuple[int, int]:
    """Return how many flagged diaries wait, and how many were looked after."""
    waiting = int(scalar(db, "select count(*) from care_flags where handled_at is null"))
    return waiting, int(scalar(db, "select count(*) from care_flags")) - waiting


def handle(db: Database, diary_id: int, *, annotator_id: int, note: str) -> None:
    """Record who has looked after a diary.

    Raises:
        NotFoundError: for a diary that is not flagged.
    """
    statement = "update care_flags set handled_by = ?, handled_at = ?, note = ? where diary_id = ?"
    with write(db):
        if not db.conn.execute(statement, (annotator_id, clock.now(), note, diary_id)).rowcount:
            raise NotFoundError("care_flag_missing", id=diary_id)
