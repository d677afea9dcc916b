"""Keeping the queue ranked by the serving model and long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.labelling import board, queueing
from annotator.pool import pools, stages
from annotator.worker.round import pool as pool_of_round
from annotator.worker.tasks.progress import HEAD, Progress
from db.answers import queue
from db.connection import write
from db.models import facts, predictions
from db.pool import members
from db.texts import diaries
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


def rank(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Rank the queue by the serving model if a person, not a round, has put that in force."""
    serving = runtime.serving(db)
    if serving is None or serving.model.tier == "zero":
        return None
    is_whole = _ranked_partly_but_now_whole(runtime, db, serving)
    if queue.ranked_by(db) == serving.model.id and not is_whole:
        return None
    settings = runtime.settings(db)
    if pools.find_in_force(db) is not None:
        return _rank_shards(runtime, db, serving)
    entries = queueing.rank_pool(
        db,
        serving.model,
        predictions.load_predictions(db, serving.model),
        features=lambda ids: runtime.features(db, serving, ids),
        committee=serving.classifier.committee,
        settings=settings,
        seed=int(settings.seed[:8], 16),
    )
    with write(db):
        queue.replace_queue(db, entries, model_id=serving.model.id)
        if is_whole:
            facts.clear_partly_ranked(db)
    return Progress("rank", 1, 1)


def _rank_shards(runtime: WorkerRuntime, db: Database, serving: Serving) -> Progress | None:
    """Rank the pool in force. One out of reach leaves the queue as it is until somebody chooses a version anew."""
    pool = pools.get_pool(db)
    try:
        with pool_of_round.working(runtime, db, pool) as engine:
            stages.predict(runtime, db, pool, engine, serving.model)
        seed = int(runtime.settings(db).seed[:8], 16)
        entries, waiting, _ = pool_of_round.order(runtime, db, pool, serving, seed=seed)
    except PoolError:
        entries = [queue.QueueEntry(i, "random", 0.0) for i in queue.list_head(db, queueing.QUEUE_LENGTH)]
        waiting = members.list_waiting(db, pool.id, limit=queueing.QUEUE_LENGTH)
    with write(db):
        queue.replace_queue(db, entries, model_id=serving.model.id)
        members.replace_waiting(db, pool.id, waiting)
    return Progress("rank", 1, 1)


def _ranked_partly_but_now_whole(runtime: WorkerRuntime, db: Database, serving: Serving) -> bool:
    """Return whether a round with a new encoder ranked only the first diaries, and all are predicted by now."""
    if not facts.is_partly_ranked(db, serving.model.id):
        return False
    count = diaries.count_diaries(db)
    if runtime.vectors_of(serving).present(diaries.last_diary_id(db)).sum() < count:
        return False
    proba = predictions.load_predictions(db, serving.model)
    return int((~np.isnan(proba).any(axis=1)).sum()) >= count


def refill(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Keep the queue longer than what people can decide before the next look."""
    rules = board.rules_of(runtime.settings(db))
    if queue.count_waiting(db, limit=HEAD * 4, rules=rules) >= HEAD * 4:
        return None
    more = queue.list_unqueued_ids(db, limit=1000, rules=rules)
    if not more:
        return None
    queue.append_to_queue(db, more, strategy="random")
    return Progress("refill", 1, 1)
