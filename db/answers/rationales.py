"""Rationales: spans that a person called evidence for a label, or no evidence. Append-only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from db import clock
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

Verdict = Literal["right", "wrong", "none"]
"""Evidence for the label; no evidence for it; taken back."""


@dataclass(frozen=True, slots=True)
class NewRationale:
    """A mark to be stored.

    Attributes:
        start, end: half-open characters of the diary's text.
        token: a second mark with the same token is a repeat of the same press.
        model_id: whose explanation the person saw.
    """

    diary_id: int
    annotator_id: int
    label_id: int
    start: int
    end: int
    verdict: Verdict
    token: str
    model_id: int | None = None


@dataclass(frozen=True, slots=True)
class Rationale:
    """A mark in force; its verdict is never ``none``."""

    id: int
    diary_id: int
    annotator_id: int
    label_id: int
    start: int
    end: int
    verdict: Verdict
    model_id: int | None


def add(db: Database, rationale: NewRationale) -> int | None:
    """Store a mark; return its id, or None if its token was used before."""
    statement = """
        insert into rationales (diary_id, annotator_id, label_id, span_start, span_end, verdict, model_id, token,
            marked_at)
        values (:diary_id, :annotator_id, :label_id, :start, :end, :verdict, :model_id, :token, :now)
        on conflict (token) do nothing returning id
    """
    parameters = {name: getattr(rationale, name) for name in NewRationale.__dataclass_fields__}
    with write(db):
        added = db.conn.execute(statement, {**parameters, "now": clock.now()}).fetchone()
    return int(added[0]) if added else None


def list_standing(db: Database, diary_id: int, annotator_id: int) -> list[Rationale]:
    """Return one person's marks in force on a diary, in text order."""
    sql = """
        select r.id, r.diary_id, r.annotator_id, coalesce(l.merged_into, l.id), r.span_start, r.span_end, r.verdict,
            r.model_id
        from rationales r join labels l on l.id = r.label_id
        where r.diary_id = :diary and r.annotator_id = :annotator and r.verdict <> 'none'
            and not exists (
                select 1 from rationales n where n.diary_id = r.diary_id and n.annotator_id = r.annotator_id
                    and n.span_start = r.span_start and n.span_end = r.span_end and n.id > r.id)
        order by r.span_start, r.span_end
    """
    return [Rationale(*row) for row in rows(db, sql, diary=diary_id, annotator=annotator_id)]


def list_of_diaries(db: Database, diary_ids: Sequence[int]) -> list[Rationale]:
    """Return everybody's marks in force on some diaries, ordered by diary, text and person."""
    sql = """
        select r.id, r.diary_id, r.annotator_id, coalesce(l.merged_into, l.id), r.span_start, r.span_end, r.verdict,
            r.model_id
        from (
            select max(id) as id from rationales where diary_id in (select value from json_each(:ids))
            group by diary_id, annotator_id, span_start, span_end
        ) newest join rationales r on r.id = newest.id join labels l on l.id = r.label_id
        where r.verdict <> 'none' order by r.diary_id, r.span_start, r.span_end, r.annotator_id
    """
    return [Rationale(*row) for row in rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))]


def list_training(db: Database, *, up_to: int, limit: int) -> list[Rationale]:
    """Return the newest marks in force on pool diaries, oldest first; marks on test diaries never train.

    Args:
        up_to: look at the state right after this rationale id.
        limit: most marks to return.
    """
    sql = """
        select r.id, r.diary_id, r.annotator_id, coalesce(l.merged_into, l.id), r.span_start, r.span_end, r.verdict,
            r.model_id
        from (
            select max(id) as id from rationales where id <= :up_to
            group by diary_id, annotator_id, span_start, span_end
        ) newest join rationales r on r.id = newest.id join diaries y on y.id = r.diary_id
            join labels l on l.id = r.label_id
        where r.verdict <> 'none' and y.part = 'pool' order by r.id desc limit :limit
    """
    return [Rationale(*row) for row in rows(db, sql, up_to=up_to, limit=limit)][::-1]


def keep_known(db: Database, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those ids that are rationales, in force or not, ascending; the others were forgotten."""
    sql = "select id from rationales where id in (select value from json_each(:ids)) order by id"
    records = rows(db, sql, ids=json.dumps(ids.tolist()))
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def last_rationale_id(db: Database) -> int:
    """Return the newest mark's id, 0 if there is none."""
    return int(scalar(db, "select coalesce(max(id), 0) from rationales"))


def count_since(db: Database, rationale_id: int) -> int:
    """Count the words in pool diaries that were marked, or whose mark was taken back, since a rationale."""
    sql = """
        select count(distinct r.diary_id || ' ' || r.annotator_id || ' ' || r.span_start || ' ' || r.span_end)
        from rationales r join diaries y on y.id = r.diary_id where r.id > :id and y.part = 'pool'
    """
    return int(scalar(db, sql, id=rationale_id))
