"""The best of each shard by a query strategy's score; the best of all are among them.

A strategy looks beyond scores only at the best of the whole pool, so the best of every shard are all that it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.active_learning import draws, query_strategies
from learner.classification.label_columns import project
from learner.pool import shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.pool.storage import Storage

    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RankRequest:
    """What is asked of every shard.

    Attributes:
        strategy, seed: see `learner.active_learning.query_strategies.choose`.
        sources, label_count: how the columns of the version become those of the labels in force; see
            `learner.classification.label_columns`.
        size: how many of the best, by score.
        uniform: how many of those with the smallest draws.
        test: how many undecided test texts, by their draws.
        sample: how many of those with the smallest draws for a sample.
    """

    strategy: str
    seed: int
    sources: list[int]
    label_count: int
    size: int
    uniform: int
    test: int
    sample: int


@dataclass(frozen=True, slots=True)
class Best:
    """The best of a shard, or of all of them.

    Attributes:
        count: texts of the pool part that nobody has decided.
        ranked, scores: numbers and their scores, best first; ties by number.
        uniform, uniform_draws: numbers with the smallest draws, smallest first.
        test, test_draws: numbers of undecided test texts with the smallest draws, smallest first.
        sample, sample_draws: likewise of the pool part, for strategies that look at a sample.
    """

    count: int
    ranked: IntArray
    scores: NDArray[np.float32]
    uniform: IntArray
    uniform_draws: NDArray[np.float64]
    test: IntArray
    test_draws: IntArray
    sample: IntArray
    sample_draws: NDArray[np.float64]


def rank(
    storage: Storage,
    shard: int,
    request: RankRequest,
    *,
    source: str,
    predictions: tuple[str, str],
    rows_a_shard: int,
    excluded: Sequence[int],
    test_moved: Sequence[int] = (),
    pool_moved: Sequence[int] = (),
) -> Best:
    """Return the best of a shard.

    Args:
        source: digest of its texts.
        predictions: stage and digest of the version's answers.
        excluded: rows that somebody has decided.
        test_moved, pool_moved: rows whose diary has been moved to the other part since.
    """
    texts = shards.read_columns(storage, shard, ("draw", "is_test"), digest=source)
    stage, digest = predictions
    values = shards.open_rows(storage, stage, shard, digest=digest).values
    proba = project(values, np.array(request.sources, np.int64), request.label_count)
    is_free = ~np.isnan(proba[:, 0])
    is_test = texts["is_test"].copy()
    is_test[list(test_moved)], is_test[list(pool_moved)] = True, False
    is_free[list(excluded)] = False
    rows = np.flatnonzero(is_free & ~is_test)
    numbers = shard * rows_a_shard + 1 + rows
    scores = query_strategies.score(request.strategy, proba[rows], numbers=numbers, seed=request.seed)
    best = query_strategies.largest(scores, request.size)
    uniform = draws.draw(numbers, seed=request.seed, purpose="uniform")
    drawn = draws.smallest(uniform, request.uniform)
    sample = draws.draw(numbers, seed=request.seed, purpose="sample")
    sampled = draws.smallest(sample, request.sample)
    test_rows = np.flatnonzero(is_free & is_test)
    tested = test_rows[draws.smallest(texts["draw"][test_rows], request.test)]
    return Best(
        count=len(rows),
        ranked=numbers[best],
        scores=scores[best],
        uniform=numbers[drawn],
        uniform_draws=uniform[drawn],
        test=shard * rows_a_shard + 1 + tested,
        test_draws=texts["draw"][tested],
        sample=numbers[sampled],
        sample_draws=sample[sampled],
    )


def nothing() -> Best:
    """Return the best of no shard."""
    none = np.zeros(0, np.int64)
    drawn = np.zeros(0, np.float64)
    return Best(0, none, np.zeros(0, np.float32), none, drawn, none, none, none, drawn)


def merge(one: Best, other: Best, request: RankRequest) -> Best:
    """Return the best of two: exactly what ranking both together would give."""
    ranked, scores = _merge(one.ranked, other.ranked, -one.scores, -other.scores, request.size)
    uniform, uniform_draws = _merge(one.uniform, other.uniform, one.uniform_draws, other.uniform_draws, request.uniform)
    test, test_draws = _merge(one.test, other.test, one.test_draws, other.test_draws, request.test)
    sample, sample_draws = _merge(one.sample, other.sample, one.sample_draws, other.sample_draws, request.sample)
    return Best(
        one.count + other.count, ranked, -scores, uniform, uniform_draws, test, test_draws, sample, sample_draws
    )


def _merge(
    one: IntArray, other: IntArray, one_keys: NDArray[Any], other_keys: NDArray[Any], size: int
) -> tuple[IntArray, NDArray[Any]]:
    numbers, keys = np.concatenate([one, other]), np.concatenate([one_keys, other_keys])
    order = np.lexsort((numbers, keys))[:size]
    return numbers[order], keys[order]


def to_bytes(best: Best) -> bytes:
    """Return what a worker sends of a shard's best."""
    from safetensors.numpy import save

    values: dict[str, Any] = {name: getattr(best, name) for name in Best.__slots__[1:]}
    counted = {"count": np.array([best.count], np.int64)}
    return bytes(save({**counted, **{name: np.ascontiguousarray(value) for name, value in values.items()}}))


def from_bytes(content: bytes) -> Best:
    """Return the best that a worker sent."""
    from safetensors.numpy import load

    values = load(content)
    return Best(int(values["count"][0]), *(values[name] for name in Best.__slots__[1:]))
