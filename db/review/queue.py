"""The audit queue: decided diaries that are worth a second look, the likeliest mistake first.

The worker fills it; whether a review holds is read from `settled` at the time of the query.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db import clock, settings
from db.connection import rows, scalar, write
from db.review.reviews import HOLDS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

    from db.texts.diaries import Part

State = Literal["open", "settled", "returned", "ambiguous"]

_MADE_FROM = "audit_made_from"
_ROWS_A_PIECE = 2_000


@dataclass(frozen=True, slots=True)
class Suspect:
    """A decided diary that is worth a second look.

    Attributes:
        expected_error: probability that its label is wrong, in [0, 1].
        signals: strength in [0, 1] of each signal that fired, by name.
    """

    diary_id: int
    expected_error: float
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the queue as a reviewer sees it; `label_ids` are the distinct labels of the decisions in force."""

    diary_id: int
    expected_error: float
    signals: dict[str, float]
    state: State
    part: Part
    label_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows to return; None matches all.

    Attributes:
        signal: a signal that fired.
        above: the strength that the signal has to exceed.
        label_id: the label of a decision in force.
        annotator_id: somebody whose decision is in force.
    """

    state: State | None = "open"
    signal: str | None = None
    label_id: int | None = None
    annotator_id: int | None = None
    part: Part | None = None
    above: float = 0.0


_IS_STATE: dict[State | None, str] = {
    None: "",
    "open": f"and (z.diary_id is null or not {HOLDS})",
    "settled": f"and z.decision_id is not null and {HOLDS}",
    "returned": f"and z.kind = 'return' and {HOLDS}",
    "ambiguous": "and z.kind = 'ambiguous'",
}


def _where(requested: Filter) -> tuple[str, dict[str, Any]]:
    """Return the condition for `audit_queue q left join settled z`, and its parameters."""
    parts = ["1", _IS_STATE[requested.state]]
    if requested.signal is not None:
        parts.append("and json_extract(q.signals, '$.' || :signal) > :above")
    if requested.label_id is not None:
        parts.append("and exists (select 1 from standing s where s.diary_id = q.diary_id and s.label_id = :label)")
    if requested.annotator_id is not None:
        parts.append(
            "and exists (select 1 from standing s where s.diary_id = q.diary_id and s.annotator_id = :annotator)"
        )
    if requested.part is not None:
        parts.append("and exists (select 1 from diaries y where y.id = q.diary_id and y.part = :part)")
    values = {
        "signal": requested.signal,
        "above": requested.above,
        "label": requested.label_id,
        "annotator": requested.annotator_id,
        "part": requested.part,
    }
    return " ".join(parts), values


_FROM = "from audit_queue q left join settled z on z.diary_id = q.diary_id"


def list_rows(db: Database, criteria: Filter, *, after: tuple[float, int] | None = None, limit: int = 25) -> list[Row]:
    """Return the next rows, largest expected error first, ties by diary id.

    Args:
        after: expected error and diary id of the row after which to continue.
    """
    where, values = _where(criteria)
    error, diary = after or (2.0, 0)
    # Only the first condition lets SQLite start in the middle of the index.
    sql = f"""
        select q.diary_id, q.expected_error, q.signals,
            case when z.diary_id is null or not {HOLDS} then 'open' when z.kind = 'ambiguous' then 'ambiguous'
                when z.kind = 'return' then 'returned' else 'settled' end,
            (select y.part from diaries y where y.id = q.diary_id),
            (select json_group_array(distinct s.label_id) from standing s
                where s.diary_id = q.diary_id and s.label_id is not null)
        {_FROM}
        where q.expected_error <= :error and (q.expected_error < :error or q.diary_id > :diary) and {where}
        order by q.expected_error desc, q.diary_id limit :limit
    """  # noqa: S608 - constants
    records = rows(db, sql, **values, error=error, diary=diary, limit=limit)
    return [
        Row(i, e, json.loads(signals), state, part, tuple(json.loads(ids)))
        for i, e, signals, state, part, ids in records
    ]


def count(db: Database, criteria: Filter) -> int:
    """Count the rows."""
    where, values = _where(criteria)
    return int(scalar(db, f"select count(*) {_FROM} where {where}", **values))


def find_row(db: Database, diary_id: int) -> Suspect | None:
    """Return a diary's row, if it is in the queue."""
    sql = "select diary_id, expected_error, signals from audit_queue where diary_id = :diary"
    records = rows(db, sql, diary=diary_id)
    return Suspect(records[0][0], records[0][1], json.loads(records[0][2])) if records else None


@dataclass(frozen=True, slots=True)
class Agreed:
    """A row of which one label has the most decisions in force; the decision is the newest of them."""

    diary_id: int
    decision_id: int
    label_id: int
    expected_error: float


def list_agreed(
    db: Database, criteria: Filter, *, up_to: int, limit: int, diary_ids: Collection[int] | None = None
) -> list[Agreed]:
    """Return the rows in which one label has the most decisions in force, the least expected error first.

    This leaves out diaries on which two labels tie, and those on which anything was decided after the decision `up_to`.

    Args:
        diary_ids: only of these; None for all.
    """
    where, values = _where(criteria)
    sql = f"""
        with wanted as materialized (
            select q.diary_id, q.expected_error {_FROM} where {where}
                and (:ids is null or q.diary_id in (select value from json_each(:ids)))
        ), votes as (
            select w.diary_id, w.expected_error, s.label_id, count(*) as n, max(s.decision_id) as decision_id
            from wanted w join standing s on s.diary_id = w.diary_id where s.kind = 'label'
            group by w.diary_id, s.label_id
        ), ranked as (
            select *, max(n) over each as most from votes window each as (partition by diary_id)
        )
        select diary_id, max(decision_id), label_id, expected_error from ranked r where n = most and not exists (
            select 1 from decisions d where d.diary_id = r.diary_id and d.id > :up_to)
        group by diary_id having count(*) = 1 order by expected_error, diary_id limit :limit
    """  # noqa: S608 - constants
    ids = None if diary_ids is None else json.dumps([int(i) for i in diary_ids])
    return [Agreed(*row) for row in rows(db, sql, **values, up_to=up_to, limit=limit, ids=ids)]


def store(db: Database, suspects: Sequence[Suspect], *, gone: Sequence[int], made_from: dict[str, Any]) -> None:
    """Store the current suspects and delete diaries that no longer are, except those on which a review holds.

    Args:
        made_from: the state that the suspects follow from; `made_from` returns it.
    """
    forget = f"""
        delete from audit_queue where diary_id in (select value from json_each(?)) and not exists (
            select 1 from settled z where z.diary_id = audit_queue.diary_id and {HOLDS})
    """  # noqa: S608 - constants
    keep = """
        insert or replace into audit_queue (diary_id, expected_error, signals, made_at)
        select id, ?, ?, ? from diaries where id = ?
    """
    now = clock.now()
    # In pieces, so that nobody who decides meanwhile waits for all of it. If interrupted, it is done again.
    for at in range(0, len(gone), _ROWS_A_PIECE):
        with write(db):
            db.conn.execute(forget, (json.dumps([int(i) for i in gone[at : at + _ROWS_A_PIECE]]),))
    for at in range(0, len(suspects), _ROWS_A_PIECE):
        part = suspects[at : at + _ROWS_A_PIECE]
        with write(db):
            db.conn.executemany(keep, [(s.expected_error, json.dumps(s.signals), now, s.diary_id) for s in part])
    with write(db):
        settings.store(db, **{_MADE_FROM: made_from})


def made_from(db: Database) -> dict[str, Any]:
    """Return the state that the queue was made from; empty if it was never made."""
    stored: dict[str, Any] = settings.load(db).get(_MADE_FROM, {})
    return stored


def sources(db: Database) -> dict[str, int]:
    """Return numbers that change with the sources of the queue: decisions, doubts, labels, explanations."""
    sql = """
        select (select coalesce(max(id), 0) from decisions),
            (select coalesce(max(model_id), 0) from label_doubts),
            (select coalesce(max(id), 0) from label_history),
            (select count(*) from label_checks),
            (select coalesce(max(e.rowid), 0) from explanations e where e.model_id = (
                select a.model_id from activations a order by a.id desc limit 1))
    """
    names = ("decision", "doubts", "labels", "checks", "explained")
    return {name: int(value) for name, value in zip(names, rows(db, sql)[0], strict=True)}


@dataclass(frozen=True, slots=True)
class Votes:
    """Label decisions in force on diaries whose review is open, oldest first: (n,) int64 each, `is_test` bool."""

    diary_ids: NDArray[np.int64]
    decision_ids: NDArray[np.int64]
    label_ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]


def list_votes(db: Database, diary_ids: Sequence[int] | None = None) -> Votes:
    """Return the label decisions in force on diaries without a review that holds, of all diaries or of some."""
    some = "and s.diary_id in (select value from json_each(:ids))" if diary_ids is not None else ""
    sql = f"""
        select s.diary_id, s.decision_id, s.label_id, y.part = 'test'
        from standing s join diaries y on y.id = s.diary_id left join settled z on z.diary_id = s.diary_id
        where s.kind = 'label' {some} and (z.diary_id is null or not {HOLDS})
        order by s.decision_id
    """  # noqa: S608 - constants
    ids = {} if diary_ids is None else {"ids": json.dumps([int(i) for i in diary_ids])}
    table = np.array(rows(db, sql, **ids), np.int64).reshape(-1, 4)
    return Votes(table[:, 0], table[:, 1], table[:, 2], table[:, 3] == 1)


def list_explained(db: Database, model_id: int, *, after: int = 0, limit: int) -> list[int]:
    """Return decided pool diaries that a model has explained, newest first; `after` as in `sources`."""
    sql = """
        select distinct e.diary_id from explanations e join diaries y on y.id = e.diary_id
        where e.model_id = :model and e.rowid > :after and y.part = 'pool'
            and exists (select 1 from standing s where s.diary_id = e.diary_id and s.kind = 'label')
        order by e.rowid desc limit :limit
    """
    return [int(i) for (i,) in rows(db, sql, model=model_id, after=after, limit=limit)]


def signals_of(db: Database, diary_ids: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return the signals of some diaries, by diary."""
    sql = "select diary_id, signals from audit_queue where diary_id in (select value from json_each(:ids))"
    records = rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))
    return {int(diary_id): json.loads(signals) for diary_id, signals in records}


def list_ids(db: Database) -> list[int]:
    """Return every diary in the queue."""
    return [int(i) for (i,) in rows(db, "select diary_id from audit_queue")]


def list_changed(db: Database, *, after: int) -> list[int]:
    """Return the diaries on which something was decided or taken back after a decision."""
    return [int(i) for (i,) in rows(db, "select distinct diary_id from decisions where id > :after", after=after)]
