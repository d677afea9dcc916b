"""Rounds of training: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from db import clock
from db.connection import one, rows, write
from db.errors import DatabaseError, NotFoundError
from db.forgetting import forgotten

if TYPE_CHECKING:
    from sqlite_utils import Database

Status = Literal["requested", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Round:
    """One round: train, evaluate, rank.

    Attributes:
        tier: ``instant``, ``adapter`` or ``full``: what is trained besides the head.
        step: name of the current or last step.
        progress: 0 to 1 over the whole round.
        last_decision_id: it learned from the state right after this decision.
        report: figures before and after.
        error: message code and details of a failure, as JSON.
    """

    id: int
    number: int
    status: Status
    cancel_asked: bool
    requested_at: str
    started_at: str | None
    ended_at: str | None
    step: str
    progress: float
    last_decision_id: int | None
    previous_model_id: int | None
    model_id: int | None
    report: dict[str, Any]
    error: dict[str, Any] | None
    tier: str


_COLUMNS = """id, number, status, cancel_asked, requested_at, started_at, ended_at, step, progress,
    last_decision_id, previous_model_id, model_id, report, error, tier"""


def _round(row: Any) -> Round:
    values = list(row)
    values[3] = bool(row[3])
    values[12] = json.loads(row[12])
    values[13] = None if row[13] is None else json.loads(row[13])
    return Round(*values)


def request_round(db: Database, *, annotator_id: int | None, tier: str = "instant") -> int:
    """Ask for a round and return its id.

    Raises:
        DatabaseError: ``round_open`` if one is waiting or running.
    """
    statement = """
        insert into rounds (number, status, requested_by, requested_at, tier)
        values ((select coalesce(max(number), 0) + 1 from rounds), 'requested', :annotator, :now, :tier)
    """
    try:
        with write(db):
            cursor = db.conn.execute(statement, {"annotator": annotator_id, "now": clock.now(), "tier": tier})
            return int(cursor.lastrowid or 0)
    except sqlite3.IntegrityError as error:
        raise DatabaseError("round_open") from error


def find_open(db: Database) -> Round | None:
    """Return the round that is waiting or running, if any."""
    row = one(db, f"select {_COLUMNS} from rounds where status in ('requested', 'running')")  # noqa: S608
    return None if row is None else _round(row)


def get_round(db: Database, round_id: int) -> Round:
    """Return one round.

    Raises:
        NotFoundError: if there is no round with that id.
    """
    row = one(db, f"select {_COLUMNS} from rounds where id = :id", id=round_id)  # noqa: S608 - constants
    if row is None:
        raise NotFoundError("round_missing", id=round_id)
    return _round(row)


def find_by_model(db: Database, model_id: int) -> Round | None:
    """Return the round that made a model, if any."""
    row = one(db, f"select {_COLUMNS} from rounds where model_id = :id", id=model_id)  # noqa: S608 - constants
    return None if row is None else _round(row)


def seconds_of(finished: Round) -> float:
    """Return how long a finished round took from its begin to its end, without the time for which it waited."""
    began = datetime.fromisoformat(finished.started_at or finished.requested_at)
    return (datetime.fromisoformat(finished.ended_at or finished.requested_at) - began).total_seconds()


def waited_of(begun: Round) -> float:
    """Return how long a round waited from its request to its begin; 0 for one that never began."""
    began = datetime.fromisoformat(begun.started_at or begun.requested_at)
    return (began - datetime.fromisoformat(begun.requested_at)).total_seconds()


def list_rounds(db: Database) -> list[Round]:
    """Return every round, oldest first."""
    return [_round(row) for row in rows(db, f"select {_COLUMNS} from rounds order by number")]  # noqa: S608


def begin(db: Database, round_id: int, *, last_decision_id: int, previous_model_id: int | None) -> None:
    """Mark a round as running, with the state it learns from; a second call changes nothing."""
    with write(db):
        db.conn.execute(
            """
            update rounds set status = 'running', started_at = ?, last_decision_id = ?, previous_model_id = ?
            where id = ? and status = 'requested'
            """,
            (clock.now(), last_decision_id, previous_model_id, round_id),
        )


def begin_attempt(db: Database, round_id: int) -> int:
    """Count that a worker begins or resumes a round; return how many did before and ended without a word."""
    with write(db):
        statement = "update rounds set attempts = attempts + 1 where id = ? returning attempts - 1"
        return int(db.conn.execute(statement, (round_id,)).fetchone()[0])


def withdraw_attempt(db: Database, round_id: int) -> None:
    """Count the newest attempt no longer: its worker stops in good order, and another resumes the round."""
    with write(db):
        db.conn.execute("update rounds set attempts = max(0, attempts - 1) where id = ?", (round_id,))


def advance(db: Database, round_id: int, *, step: str, progress: float) -> bool:
    """Record how far a round is; return False if it must stop because somebody cancelled it."""
    with write(db):
        db.conn.execute(
            "update rounds set step = ?, progress = ? where id = ? and status = 'running'",
            (step, progress, round_id),
        )
    row = one(db, "select status = 'running' and not cancel_asked from rounds where id = :id", id=round_id)
    return row is not None and bool(row[0])


def store_report(db: Database, round_id: int, report: dict[str, Any]) -> None:
    """Store what a round has measured so far."""
    with write(db):
        report = forgotten.without_forgotten(db, report)
        db.conn.execute("update rounds set report = ? where id = ?", (json.dumps(report, ensure_ascii=False), round_id))


def set_model(db: Database, round_id: int, model_id: int) -> None:
    """Record the model that a round made."""
    with write(db):
        db.conn.execute("update rounds set model_id = ? where id = ?", (model_id, round_id))


def end(
    db: Database,
    round_id: int,
    *,
    status: Literal["done", "failed", "cancelled"],
    report: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
) -> None:
    """Close a round; one that is closed stays as it is."""
    with write(db):
        report = None if report is None else forgotten.without_forgotten(db, report)
        db.conn.execute(
            """
            update rounds set status = ?, ended_at = ?, progress = case ? when 'done' then 1.0 else progress end,
                report = coalesce(?, report), error = ?
            where id = ? and status in ('requested', 'running')
            """,
            (
                status,
                clock.now(),
                status,
                None if report is None else json.dumps(report, ensure_ascii=False),
                None if error is None else json.dumps(error, ensure_ascii=False),
                round_id,
            ),
        )


def ask_cancel(db: Database, round_id: int) -> None:
    """Ask a running round to stop at its next step; one that has not begun ends at once."""
    with write(db):
        db.conn.execute("update rounds set cancel_asked = 1 where id = ? and status = 'running'", (round_id,))
        db.conn.execute(
            "update rounds set status = 'cancelled', ended_at = ? where id = ? and status = 'requested'",
            (clock.now(), round_id),
        )
