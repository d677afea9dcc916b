"""Query strategies: which diaries of the pool to ask about first. Pure functions on probabilities.

Each returns a score for each diary; higher = ask sooner. `rank` turns scores into an order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

Strategy = Callable[["FloatArray", np.random.Generator], "FloatArray"]


def random(proba: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Score each diary by a draw, uniform in [0, 1), that looks at nothing."""
    _check(proba)
    return rng.random(len(proba), dtype=np.float32)


def least_confidence(proba: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Score each diary by how unlikely its likeliest label is: 1 - largest probability, in [0, 1 - 1/k].

    Source: Settles (2009), Active Learning Literature Survey, sec. 3.1.
    """
    _check(proba)
    return np.asarray(1 - proba.max(axis=1, initial=0), np.float32)


def margin(proba: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Score each diary by how close its two likeliest labels are: 1 - (largest - second largest), in [0, 1].

    Source: Scheffer et al. (2001), Active Hidden Markov Models for Information Extraction ("breaking ties").
    """
    _check(proba)
    if not len(proba):
        return np.zeros(0, np.float32)
    second, first = np.partition(proba, -2, axis=1)[:, -2:].T
    return np.asarray(1 - (first - second), np.float32)


def entropy(proba: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Score each diary by the entropy of its probabilities over its largest possible value, in [0, 1].

    Source: Settles (2009), sec. 3.1; Shannon (1948).
    """
    _check(proba)
    logs = np.log(np.maximum(proba, 1e-12))
    # Rounding takes equal probabilities a little over 1.
    return np.asarray(np.minimum(-(proba * logs).sum(axis=1) / np.log(proba.shape[1]), 1), np.float32)


STRATEGIES: dict[str, Strategy] = {
    "margin": margin,
    "least_confidence": least_confidence,
    "entropy": entropy,
    "random": random,
}
"""Every strategy by its stored name."""

DEFAULT = "margin"


def score(name: str, proba: FloatArray, *, seed: int) -> FloatArray:
    """Score a pool.

    Args:
        name: key of `STRATEGIES`.
        proba: (n, k), k >= 2, rows sum to 1, columns in label order.

    Returns:
        (n,) float32; higher = ask sooner.

    Raises:
        LearnerError: for an unknown name, fewer than two labels, or NaN.
    """
    if name not in STRATEGIES:
        raise LearnerError("strategy_unknown", name=name, known=", ".join(STRATEGIES))
    if not np.isfinite(proba).all():
        raise LearnerError("vectors_not_finite", count=int((~np.isfinite(proba).all(axis=1)).sum()))
    return STRATEGIES[name](proba, np.random.default_rng(seed))


def rank(scores: FloatArray) -> NDArray[np.int64]:
    """Return places in the order of asking, (n,): largest score first, ties in pool order."""
    return np.argsort(-scores, kind="stable")


def interleave(pool: NDArray[np.int64], test: NDArray[np.int64], *, test_share: float) -> NDArray[np.int64]:
    """Mix the ranked pool with the randomly drawn test diaries, so that each stretch holds its share of both.

    The first diary comes from the pool. When one side runs out, the rest of the other follows.

    Args:
        pool, test: ids in the order in which they shall be asked.
        test_share: in [0, 1): share of test diaries among those asked.
    """
    if not len(test) or test_share <= 0:
        return np.concatenate([pool, test])
    pool_places = np.arange(len(pool)) / (1 - test_share)
    test_places = (np.arange(len(test)) + 0.999) / test_share
    order = np.argsort(np.concatenate([pool_places, test_places]), kind="stable")
    return np.concatenate([pool, test])[order]


def _check(proba: FloatArray) -> None:
    if proba.ndim != 2 or proba.shape[1] < 2:
        raise LearnerError("labels_too_few", count=proba.shape[1] if proba.ndim == 2 else 0)
