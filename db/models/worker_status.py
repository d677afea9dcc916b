"""The running worker, as it reports itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import clock
from db.connection import one, write

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What the worker last reported about itself.

    Attributes:
        silent_seconds: time since its last report.
        step: message key of what it is doing; empty when idle.
        done, total: progress of that step.
        error: message code and details of the last failure, if it has not been overcome.
    """

    pid: int
    host: str
    started_at: str
    silent_seconds: float
    step: str
    done: int
    total: int
    error: dict[str, Any] | None


def report_worker(
    db: Database,
    *,
    pid: int,
    host: str,
    started_at: str,
    step: str,
    done: int,
    total: int,
    error: dict[str, Any] | None,
) -> None:
    """Record that the worker is alive, and what it is doing."""
    with write(db):
        db.conn.execute(
            """
            insert or replace into worker (id, pid, host, started_at, seen_at, step, done, total, error)
            values (1, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                pid,
                host,
                started_at,
                clock.now(),
                step,
                done,
                total,
                None if error is None else json.dumps(error, ensure_ascii=False),
            ),
        )


def find_worker(db: Database) -> WorkerState | None:
    """Return the worker's last report, if one ever ran."""
    sql = "select pid, host, started_at, seen_at, step, done, total, error from worker"
    row = one(db, sql)
    if row is None:
        return None
    values = list(row)
    values[3] = clock.seconds_since(row[3])
    values[7] = None if row[7] is None else json.loads(row[7])
    return WorkerState(*values)
