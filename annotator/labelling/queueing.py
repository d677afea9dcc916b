"""The order in which people get diaries: random after an import, by the query strategy after a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.label_sets import projection
from db.answers import decisions, queue
from db.forgetting import forgotten
from db.texts import diaries
from learner.active_learning import draws, query_strategies

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


@dataclass(frozen=True, slots=True)
class Candidates:
    """The diaries that an order is made of, by their numbers: their ids, or their places in a pool of shards.

    Attributes:
        pool: what the strategy looks at, with its numbers: all undecided diaries that have a prediction, or as many of
            the best as an order takes.
        uniform: numbers of those of the pool that are drawn uniformly, in random order.
        later: numbers of undecided diaries without a prediction, in random order.
        test: numbers of undecided test diaries, in random order.
    """

    pool: query_strategies.Pool
    numbers: NDArray[np.int64]
    uniform: NDArray[np.int64]
    later: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A diary in the order of asking, by its number, with the strategy that placed it and its score."""

    number: int
    strategy: str
    score: float


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
    pool = make_pool(db, model, proba[known - 1], known, features=features, committee=committee)
    uniform = draw_uniformly(known, uniform_count(settings, len(known)), seed=seed)
    # Diaries without a vector come after the others.
    later = diaries.keep_known(db, draw_uniformly(unknown, max(0, QUEUE_LENGTH - len(known)), seed=seed))
    test = diaries.list_undecided_test(db, limit=QUEUE_LENGTH)
    asked = arrange(Candidates(pool, known, uniform, later, test), settings=settings, seed=seed)
    return [queue.QueueEntry(each.number, each.strategy, each.score) for each in asked]


def make_pool(
    db: Database,
    model: Model,
    proba: NDArray[np.float32],
    numbers: NDArray[np.int64],
    *,
    features: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    committee: Sequence[Head],
) -> query_strategies.Pool:
    """Return what a strategy looks at.

    Args:
        proba: (n, k) of the model on the diaries.
        numbers: (n,) of the diaries, ascending.
        features: by these numbers, as in `rank_pool`.
    """
    counts = decisions.count_said(db)
    columns = projection.current_projection(db, model)
    return query_strategies.Pool(
        columns.proba(proba),
        features=lambda places: features(numbers[places]),
        label_counts=np.array([counts.get(label_id, 0) for label_id in columns.label_ids], np.int64),
        committee=committee,
        numbers=numbers,
    )


def uniform_count(settings: Settings, count: int) -> int:
    """Return how many diaries of a pool of `count` are drawn uniformly."""
    return round(settings.uniform_share * min(count, QUEUE_LENGTH))


def arrange(candidates: Candidates, *, settings: Settings, seed: int) -> list[Asked]:
    """Return the order of asking: chosen by the strategy, with uniform draws and test diaries mixed in."""
    pool, numbers, uniform = candidates.pool, candidates.numbers, candidates.uniform
    order = query_strategies.choose(settings.strategy, pool, size=QUEUE_LENGTH, seed=seed)
    scores = query_strategies.score(settings.strategy, pool.proba[order], numbers=numbers[order], seed=seed)
    not_drawn = ~np.isin(numbers[order], uniform)
    ranked = dict(zip(numbers[order][not_drawn].tolist(), scores[not_drawn].tolist(), strict=True))
    chosen = query_strategies.interleave(numbers[order][not_drawn], uniform, share=settings.uniform_share)
    asked = np.concatenate([chosen, candidates.later])
    mixed = query_strategies.interleave(asked, candidates.test, share=settings.test_share)[:QUEUE_LENGTH].tolist()
    return [Asked(i, settings.strategy, ranked[i]) if i in ranked else Asked(i, "random", 0.0) for i in mixed]


def _waiting(db: Database, proba: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the undecided diaries of the pool with and without a prediction, ascending; the latter may not exist."""
    rows = diaries.last_diary_id(db)
    in_pool = ~diaries.mark_test(db)
    in_pool[decisions.list_decided_ids(db) - 1] = False
    in_pool[forgotten.list_ids(db) - 1] = False
    predicted = np.zeros(rows, np.bool_)
    predicted[: len(proba)] = ~np.isnan(proba[:rows, 0])
    return np.flatnonzero(in_pool & predicted) + 1, np.flatnonzero(in_pool & ~predicted) + 1


def draw_uniformly(numbers: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Draw some of the diaries uniformly at random, by their numbers, in random order."""
    return numbers[draws.smallest(draws.draw(numbers, seed=seed, purpose="uniform"), count)]
