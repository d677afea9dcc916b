"""The order in which people get diaries: random after an import, by the query strategy after a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.label_sets import projection
from db.answers import decisions, queue
from db.forgetting import forgotten
from db.texts import diaries
from learner.active_learning import query_strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from annotator.settings import Settings
    from db import Database
    from db.models.models import Model
    from db.texts.batches import Imported
    from learner.classification.classifier import Head

STRATEGIES = tuple(query_strategies.STRATEGIES)
"""Names of the query strategies that people can choose from, the default first."""

QUEUE_LENGTH = 20_000
"""Diaries that an import or a round puts in the queue. The worker adds others before they run out."""


def enqueue_import(db: Database, imported: Imported) -> None:
    """Put the undecided diaries of an import at the end of the queue, in random order, test diaries among them."""
    pool = diaries.list_undecided(db, imported.batch_id, part="pool", limit=QUEUE_LENGTH)
    test = diaries.list_undecided(db, imported.batch_id, part="test", limit=QUEUE_LENGTH)
    share = project_settings.load(db).test_share
    order = query_strategies.interleave(pool, test, share=share)[:QUEUE_LENGTH]
    queue.append_to_queue(db, order.tolist(), strategy="random")


def rank_pool(
    db: Database,
    model: Model,
    proba: NDArray[np.float32],
    *,
    features: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    committee: Sequence[Head],
    settings: Settings,
    seed: int,
) -> list[queue.QueueEntry]:
    """Return the queue that a model's probabilities ask for.

    Args:
        proba: (rows, k) of the model; row i belongs to diary i + 1; NaN where there is no prediction.
        features: returns what the model's head reads for diaries, (n, features), by their ids; asked for few.
        committee: the model's bootstrapped heads, if it has any.
        settings: name the strategy, the share of pool diaries that are drawn uniformly instead and marked as
            ``random``, and that of test diaries.
    """
    known, unknown = _waiting(db, proba)
    counts = decisions.count_by_label(db, part="pool")
    columns = projection.current_projection(db, model)
    pool = query_strategies.Pool(
        columns.proba(proba[known - 1]),
        features=lambda places: features(known[places]),
        label_counts=np.array([counts.get(label_id, 0) for label_id in columns.label_ids], np.int64),
        committee=committee,
    )
    order = query_strategies.choose(settings.strategy, pool, size=QUEUE_LENGTH, seed=seed)
    scores = query_strategies.score(settings.strategy, pool.proba[order], seed=seed)
    drawn = _draw(known, round(settings.uniform_share * min(len(known), QUEUE_LENGTH)), seed=seed)
    not_drawn = ~np.isin(known[order], drawn)
    ranked = dict(zip(known[order][not_drawn].tolist(), scores[not_drawn].tolist(), strict=True))
    chosen = query_strategies.interleave(known[order][not_drawn], drawn, share=settings.uniform_share)
    # Diaries without a vector come after the others.
    later = diaries.keep_known(db, _draw(unknown, max(0, QUEUE_LENGTH - len(chosen)), seed=seed))
    test = diaries.list_undecided_test(db, limit=QUEUE_LENGTH)
    asked = query_strategies.interleave(np.concatenate([chosen, later]), test, share=settings.test_share)
    return [
        queue.QueueEntry(i, settings.strategy, ranked[i]) if i in ranked else queue.QueueEntry(i, "random", 0.0)
        for i in asked[:QUEUE_LENGTH].tolist()
    ]


def _waiting(db: Database, proba: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the undecided diaries of the pool with and without a prediction, ascending; the latter may not exist."""
    rows = diaries.last_diary_id(db)
    in_pool = ~diaries.mark_test(db)
    in_pool[decisions.list_decided_ids(db) - 1] = False
    in_pool[forgotten.list_ids(db) - 1] = False
    predicted = np.zeros(rows, np.bool_)
    predicted[: len(proba)] = ~np.isnan(proba[:rows, 0])
    return np.flatnonzero(in_pool & predicted) + 1, np.flatnonzero(in_pool & ~predicted) + 1


def _draw(ids: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Draw some of the diaries uniformly at random, in random order."""
    return np.random.default_rng(seed).permutation(ids)[:count] if count else ids[:0]
