"""Figures of one person's work: how much, how fast, how consistently, and how well on gold diaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.connection import one, rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """A person's newest decisions, newest first, including those taken back since, because they took time too.

    Attributes:
        seconds: (n,) float64, from the diary's appearance to the press.
        characters: (n,) int64, length of the diary.
    """

    seconds: NDArray[np.float64]
    characters: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HitCounts:
    """How many answers there are, and how many of them match what they were compared with."""

    n: int
    same: int


def list_people(db: Database) -> list[tuple[int, str]]:
    """Return id and name of the people who have decided anything, by name."""
    sql = """
        select a.id, a.name from annotators a
        where a.kind = 'person' and exists (select 1 from decisions d where d.annotator_id = a.id) order by a.name
    """
    return [(int(i), str(name)) for i, name in rows(db, sql)]


def count_kinds(db: Database) -> dict[int, dict[str, int]]:
    """Count the decisions in force of everybody, by annotator and kind."""
    counts: dict[int, dict[str, int]] = {}
    for person, kind, count in rows(db, "select annotator_id, kind, count(*) from standing group by 1, 2"):
        counts.setdefault(int(person), {})[str(kind)] = int(count)
    return counts


def list_pace(db: Database, annotator_id: int, *, limit: int) -> ResponseTimes:
    """Return how long a person took for their newest decisions, as far as known."""
    sql = """
        select d.seconds, length(y.text) from decisions d join diaries y on y.id = d.diary_id
        where d.annotator_id = :annotator and d.kind <> 'undo' and d.source = 'person' and d.seconds is not null
        order by d.id desc limit :limit
    """
    table = np.array(rows(db, sql, annotator=annotator_id, limit=limit), np.float64).reshape(-1, 2)
    return ResponseTimes(table[:, 0], table[:, 1].astype(np.int64))


def count_repeated(db: Database, annotator_id: int) -> HitCounts:
    """Count the labels that a person was asked for twice, and those that were the same both times."""
    sql = """
        select count(*), coalesce(sum(
            r.kind = 'label' and coalesce(a.merged_into, a.id) = coalesce(b.merged_into, b.id)), 0)
        from repeats r join decisions d on d.id = r.decision_id
            join labels a on a.id = d.label_id left join labels b on b.id = r.label_id
        where r.annotator_id = :annotator and r.undone_at is null
    """
    return HitCounts(*one(db, sql, annotator=annotator_id) or (0, 0))


def count_gold(db: Database, annotator_id: int) -> HitCounts:
    """Count a person's labels on gold diaries and the right ones; diaries that they made gold are left out."""
    sql = """
        select count(*), coalesce(sum(s.label_id = coalesce(l.merged_into, l.id)), 0)
        from gold g join standing s on s.diary_id = g.diary_id and s.annotator_id = :annotator
            join labels l on l.id = g.label_id
        where s.kind = 'label' and g.annotator_id <> :annotator
    """
    return HitCounts(*one(db, sql, annotator=annotator_id) or (0, 0))
