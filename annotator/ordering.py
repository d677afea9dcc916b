"""In which order diaries are asked for: at import at random, after a round by the query strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from db import decisions, diaries, queue
from learner import query_strategies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database
    from db.diaries import Imported
    from db.models import Model

STRATEGIES = tuple(query_strategies.STRATEGIES)
"""Names of the query strategies that people can choose from, the default first."""

QUEUE_LENGTH = 20_000
"""Diaries ranked by a round. A longer pool is ranked again long before its queue runs out."""


def enqueue_import(db: Database, imported: Imported) -> None:
    """Put the undecided diaries of an import at the end of the queue, in random order, test diaries among them."""
    pool = diaries.list_undecided(db, imported.batch_id, part="pool")
    test = diaries.list_undecided(db, imported.batch_id, part="test")
    share = project_settings.load(db).test_share
    order = query_strategies.interleave(pool, test, test_share=share)
    queue.append_to_queue(db, order.tolist(), strategy="random")


def rank_pool(
    db: Database, model: Model, proba: NDArray[np.float32], *, strategy: str, seed: int, test_share: float
) -> list[queue.QueueEntry]:
    """Return the queue that a model's probabilities ask for.

    Args:
        proba: (rows, k); row i belongs to diary i + 1; NaN where there is no prediction.
    """
    decided = decisions.decided_ids(db)
    pool = _undecided(diaries.list_ids(db, "pool"), decided)
    test = _undecided(diaries.list_ids(db, "test"), decided)
    known = pool[(pool <= len(proba))]
    known = known[~np.isnan(proba[known - 1]).any(axis=1)]
    scores = query_strategies.score(strategy, proba[known - 1], seed=seed)
    order = query_strategies.rank(scores)[:QUEUE_LENGTH]
    ranked = dict(zip(known[order].tolist(), scores[order].tolist(), strict=True))
    # Diaries that have no vector yet wait behind the ranked ones.
    later = np.setdiff1d(pool, known)[: max(0, QUEUE_LENGTH - len(order))]
    asked = query_strategies.interleave(np.concatenate([known[order], later]), test, test_share=test_share)
    return [
        queue.QueueEntry(int(i), strategy, ranked[int(i)])
        if int(i) in ranked
        else queue.QueueEntry(int(i), "random", 0.0)
        for i in asked
    ]


def _undecided(ids: NDArray[np.int64], decided: NDArray[np.int64]) -> NDArray[np.int64]:
    return ids[~np.isin(ids, decided)]
