"""Texts of a pool that become diaries as the queue is worked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.labelling import board
from annotator.pool import ordering, pools
from annotator.worker.tasks.progress import HEAD, Progress
from db.answers import queue
from db.answers.queue import QueueEntry
from db.connection import write
from db.pool import members
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from annotator.pool.pools import Pool
    from annotator.worker.runtime import WorkerRuntime
    from db import Database

_AT_A_TIME = 500


def refill_from_pool(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Make diaries of what comes next in the pool in force, before the queue runs out.

    A pool out of reach leaves the queue as it is; it is tried again at the next look.
    """
    pool = pools.find_in_force(db)
    if pool is None:
        return None
    rules = board.rules_of(runtime.settings(db))
    if queue.count_waiting(db, limit=HEAD * 4, rules=rules) >= HEAD * 4:
        return None
    try:
        return _refill(runtime, db, pool)
    except PoolError:
        return None


def _refill(runtime: WorkerRuntime, db: Database, pool: Pool) -> Progress | None:
    waiting = members.list_waiting(db, pool.id, limit=_AT_A_TIME)
    if not waiting:
        order = ordering.first_order(db, pool, settings=runtime.settings(db))
        if not order:
            return None
        members.replace_waiting(db, pool.id, order)
        waiting = order[:_AT_A_TIME]
    numbers = np.array([each.number for each in waiting if each.number > 0], np.int64)
    ids = ordering.join(runtime, db, pool, numbers)
    entries = [
        QueueEntry(diary_id, each.strategy, each.score)
        for each in waiting
        if (diary_id := ids.get(each.number) if each.number > 0 else -each.number) is not None
    ]
    with write(db):
        queue.append_entries(db, entries)
        members.drop_waiting(db, pool.id, count=len(waiting))
    return Progress("refill", 1, 1)
