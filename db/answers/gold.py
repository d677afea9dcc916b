"""Gold diaries: their label is known for sure, and everybody is given each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from db import clock
from db.connection import rows, scalar, write
from db.people import audit_log

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold diary; `annotator_id` is who made it one."""

    diary_id: int
    label_id: int
    annotator_id: int
    set_at: str


def add(db: Database, diary_id: int, label_id: int, *, annotator_id: int) -> None:
    """Make a diary a gold one, or give it another label."""
    statement = """
        insert into gold (diary_id, label_id, annotator_id, set_at) values (:diary, :label, :annotator, :now)
        on conflict (diary_id) do update
            set label_id = excluded.label_id, annotator_id = excluded.annotator_id, set_at = excluded.set_at
    """
    values = {"diary": diary_id, "label": label_id, "annotator": annotator_id, "now": clock.now()}
    with write(db):
        db.conn.execute(statement, values)
        audit_log.add(db, annotator_id, "gold.add", f"diary:{diary_id}", label_id=label_id)


def remove(db: Database, diary_id: int, *, annotator_id: int) -> bool:
    """Make a diary an ordinary one again; return False if it already is. What people said about it stays."""
    with write(db):
        cursor = db.conn.execute("delete from gold where diary_id = ?", (diary_id,))
        if cursor.rowcount:
            audit_log.add(db, annotator_id, "gold.remove", f"diary:{diary_id}")
    return bool(cursor.rowcount)


def find(db: Database, diary_id: int) -> Gold | None:
    """Return a gold diary; None for an ordinary one."""
    records = rows(db, "select diary_id, label_id, annotator_id, set_at from gold where diary_id = :id", id=diary_id)
    return next((Gold(*row) for row in records), None)


def list_gold(db: Database) -> list[Gold]:
    """Return the gold diaries, ordered by id."""
    sql = "select diary_id, label_id, annotator_id, set_at from gold order by diary_id"
    return [Gold(*row) for row in rows(db, sql)]


def find_due(db: Database, annotator_id: int, *, share: float, sees_flagged: bool) -> int | None:
    """Return a random gold diary that a person has not decided yet; None if none is due.

    One in ``1 / share`` of the diaries a person is given is a gold one, as long as there are any left.
    """
    every = ceil(1 / share) if share > 0 else 0
    if not every or not _is_time(db, annotator_id, every):
        return None
    sql = """
        select g.diary_id from gold g
        where not exists (select 1 from standing s where s.diary_id = g.diary_id and s.annotator_id = :annotator)
            and (:sees_flagged or not exists (select 1 from care_flags c where c.diary_id = g.diary_id))
        order by random() limit 1
    """
    diary_id = scalar(db, sql, annotator=annotator_id, sees_flagged=sees_flagged)
    return None if diary_id is None else int(diary_id)


def _is_time(db: Database, annotator_id: int, every: int) -> bool:
    """Return whether a person holds no gold diary, and the last is far enough back for a share of 1 in `every`."""
    # `cross join` keeps SQLite from going through all decisions to find the few on gold diaries.
    sql = """
        select exists (select 1 from gold)
            and not exists (select 1 from leases l join gold g using (diary_id) where l.annotator_id = :annotator)
            and (select id from decisions where annotator_id = :annotator order by id desc limit 1 offset :back)
                > coalesce((
                    select max(s.decision_id) from gold g cross join standing s on s.diary_id = g.diary_id
                    where s.annotator_id = :annotator), 0)
    """
    return bool(scalar(db, sql, annotator=annotator_id, back=max(every - 2, 0)))
