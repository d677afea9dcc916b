"""Labels that a model doubts, and what people said when they looked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db import clock
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class NewDoubt:
    """A label that a model doubts.

    Attributes:
        quality: how likely the given label is right, in [0, 1].
        suggested_label_id: the likeliest other one.
        flagged: whether it is taken for a mistake.
    """

    decision_id: int
    diary_id: int
    quality: float
    suggested_label_id: int
    flagged: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubted label that nobody has looked at again yet.

    Attributes:
        label_id, annotator_name, decided_at: what was decided, by whom, when.
    """

    model_id: int
    decision_id: int
    diary_id: int
    quality: float
    suggested_label_id: int
    flagged: bool
    label_id: int
    annotator_name: str
    decided_at: str


@dataclass(frozen=True, slots=True)
class DoubtCount:
    """How many doubts of the newest round there are, and how many of them were looked at."""

    done: int
    total: int


_OPEN = """
    not exists (select 1 from label_checks c where c.decision_id = d.decision_id)
    and exists (select 1 from standing s where s.decision_id = d.decision_id)
    and not exists (
        select 1 from standing s where s.diary_id = d.diary_id and s.kind = 'label' and s.decision_id > d.decision_id)
"""
"""Not kept, still in force, and nobody labelled the diary since: a newer label is itself a second look."""

_NEWEST = "d.model_id = (select max(model_id) from label_doubts)"


def store_doubts(db: Database, model_id: int, doubts: Sequence[NewDoubt]) -> None:
    """Keep what a model doubts, in place of what earlier ones did."""
    statement = """
        insert into label_doubts (model_id, decision_id, diary_id, quality, suggested_label_id, flagged)
        values (?, ?, ?, ?, ?, ?)
    """
    found = [
        (model_id, d.decision_id, d.diary_id, float(d.quality), d.suggested_label_id, int(d.flagged)) for d in doubts
    ]
    with write(db):
        db.conn.execute("delete from label_doubts where model_id <= ?", (model_id,))
        db.conn.executemany(statement, found)


def find_next(db: Database) -> Doubt | None:
    """Return the label to look at next, if one is left.

    Pool diaries come first, the least likely label ahead; then test diaries in the order of their decisions,
    which tells nothing of what the model thinks of them.
    """
    sql = f"""
        select d.model_id, d.decision_id, d.diary_id, d.quality, d.suggested_label_id, d.flagged, e.label_id,
            a.name, e.decided_at
        from label_doubts d join decisions e on e.id = d.decision_id
            join annotators a on a.id = e.annotator_id join diaries y on y.id = d.diary_id
        where {_NEWEST} and {_OPEN}
        order by y.part = 'test', case when y.part = 'test' then d.decision_id else 0 end,
            d.flagged desc, d.quality, d.decision_id
        limit 1
    """  # noqa: S608 - constants
    row = one(db, sql)
    if row is None:
        return None
    values = list(row)
    values[5] = bool(row[5])
    return Doubt(*values)


def is_open(db: Database, decision_id: int) -> bool:
    """Say whether a doubted label still waits for a second look."""
    sql = f"select 1 from label_doubts d where d.decision_id = :id and {_NEWEST} and {_OPEN}"  # noqa: S608
    return scalar(db, sql, id=decision_id) is not None


def count(db: Database) -> DoubtCount:
    """Count the doubts of the newest round."""
    sql = f"select count(*), coalesce(sum(not ({_OPEN})), 0) from label_doubts d where {_NEWEST}"  # noqa: S608
    total, done = rows(db, sql)[0]
    return DoubtCount(int(done), int(total))


def add_check(db: Database, decision_id: int, *, annotator_id: int) -> None:
    """Note that somebody looked at a label again and kept it; a second call changes nothing."""
    statement = """
        insert into label_checks (decision_id, annotator_id, checked_at) values (?, ?, ?)
        on conflict (decision_id) do nothing
    """
    with write(db):
        db.conn.execute(statement, (decision_id, annotator_id, clock.now()))


def remove_check(db: Database, decision_id: int) -> None:
    """Take back that a label was kept."""
    with write(db):
        db.conn.execute("delete from label_checks where decision_id = ?", (decision_id,))


def list_checked(db: Database) -> NDArray[np.int64]:
    """Return the decisions that somebody looked at again and kept, ascending."""
    found = rows(db, "select decision_id from label_checks order by decision_id")
    return np.fromiter((row[0] for row in found), np.int64, len(found))
