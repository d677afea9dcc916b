"""Query strategies: which diaries of the pool to ask about first. Pure functions on arrays.

A score says of each diary alone how much its label would teach; higher = ask sooner. A strategy is a score and
a way of filling batches with it (`learner.active_learning.batch_selection`): the best scored are often alike, and a
batch of like diaries teaches little. `choose` is the only way in, for rounds, simulations and benchmarks alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from learner.active_learning import batch_selection, draws
from learner.classification.classifier import softmax
from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Head

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

Strategy = Callable[["FloatArray", "FloatArray"], "FloatArray"]
"""Returns scores of probabilities, (n, k), and of a draw for each diary, (n,)."""


def random(proba: FloatArray, drawn: FloatArray) -> FloatArray:
    """Score each diary by its draw, uniform in [0, 1], which looks at nothing but its number."""
    _check(proba)
    return drawn


def least_confidence(proba: FloatArray, drawn: FloatArray) -> FloatArray:
    """Score each diary by how unlikely its likeliest label is: 1 - largest probability, in [0, 1 - 1/k].

    Source: Settles (2009), Active Learning Literature Survey, sec. 3.1.
    """
    _check(proba)
    return np.asarray(1 - proba.max(axis=1, initial=0), np.float32)


def margin(proba: FloatArray, drawn: FloatArray) -> FloatArray:
    """Score each diary by how close its two likeliest labels are: 1 - (largest - second largest), in [0, 1].

    Source: Scheffer et al. (2001), Active Hidden Markov Models for Information Extraction ("breaking ties").
    """
    _check(proba)
    if not len(proba):
        return np.zeros(0, np.float32)
    second, first = np.partition(proba, -2, axis=1)[:, -2:].T
    return np.asarray(1 - (first - second), np.float32)


def entropy(proba: FloatArray, drawn: FloatArray) -> FloatArray:
    """Score each diary by the entropy of its probabilities over its largest possible value, in [0, 1].

    Source: Settles (2009), sec. 3.1; Shannon (1948).
    """
    _check(proba)
    logs = np.log(np.maximum(proba, 1e-12))
    # Rounding lifts the entropy of equal probabilities slightly above 1.
    return np.asarray(np.minimum(-(proba * logs).sum(axis=1) / np.log(proba.shape[1]), 1), np.float32)


@dataclass(frozen=True, slots=True)
class Pool:
    """What a strategy may look at.

    Attributes:
        proba: (n, k), k >= 2, rows sum to 1, columns in label order: the serving model on the undecided diaries.
        features: returns what the head reads for some places of the pool, (m, features); asked for few of them.
        label_counts: (k,) decided diaries of each label.
        committee: heads trained on bootstrapped labels, (weight (k, features), bias (k,)) each.
        numbers: (n,) ascending, by which diaries are drawn; None for their places.
    """

    proba: FloatArray
    features: Callable[[IntArray], FloatArray]
    label_counts: IntArray
    committee: Sequence[Head] = field(default=())
    numbers: IntArray | None = None


@dataclass(frozen=True, slots=True)
class _Recipe:
    """A strategy: how it scores diaries, and how it fills batches.

    Attributes:
        spread: take batches from a shortlist so that its diaries differ.
        balance: keep half of a batch for the labels with fewest decisions.
        committee: let the heads of the committee doubt, too.
        typical: ask for the most typical diaries of clusters, whatever the model says.
        thin: pass over near-duplicates of diaries that are in the batch already.
    """

    score: Strategy
    spread: bool = False
    balance: bool = False
    committee: bool = False
    typical: bool = False
    thin: bool = True


STRATEGIES: dict[str, _Recipe] = {
    "margin": _Recipe(margin),
    "diverse_margin": _Recipe(margin, spread=True),
    "balanced_margin": _Recipe(margin, balance=True),
    "committee_margin": _Recipe(margin, committee=True),
    "least_confidence": _Recipe(least_confidence),
    "entropy": _Recipe(entropy),
    "typical": _Recipe(random, typical=True),
    # Uniform draws stay uniform: what is measured by them has to be.
    "random": _Recipe(random, thin=False),
}
"""Every strategy by its stored name."""

DEFAULT = "margin"

BATCH = 20
"""Diaries that are chosen together: about as many as people label before a round computes new scores."""

CHOSEN = 1000
"""Diaries at the head of an order that are chosen in batches; behind them the score alone decides."""

_REACH = 5
"""A batch is picked from a shortlist this many times as long."""


def choose(name: str, pool: Pool, *, size: int, seed: int, batch: int = BATCH) -> IntArray:
    """Return places of the pool in the order of asking, (min(size, n),).

    Only the serving model's probabilities are looked at for the whole pool; features, committee and duplicates
    for a shortlist. So a million diaries take about as long as their scores.

    Args:
        name: key of `STRATEGIES`.
        size: how many places to return.
        batch: how many are chosen together.

    Raises:
        LearnerError: for an unknown name, fewer than two labels, or NaN.
    """
    scores = score(name, pool.proba, numbers=pool.numbers, seed=seed)
    recipe, n = STRATEGIES[name], len(pool.proba)
    head = min(n, CHOSEN, size)
    chosen = np.zeros(0, np.int64)
    if recipe.typical and head:
        chosen = batch_selection.typical(pool.features, _numbers(pool.numbers, n), size=head, batch=batch, seed=seed)
    elif recipe.thin and head:
        chosen = _choose_head(recipe, pool, scores, size=head, batch=batch)
    rest = largest(np.delete(scores, chosen), size - len(chosen))
    return np.concatenate([chosen, np.delete(np.arange(n), chosen)[rest]])


def _choose_head(recipe: _Recipe, pool: Pool, scores: FloatArray, *, size: int, batch: int) -> IntArray:
    """Choose the head of the order batch by batch, each from the best of what is left."""
    places = largest(scores, min(len(scores), reach_of(size, batch=batch)))
    features = pool.features(places)
    head_scores = scores[places]
    if recipe.committee:
        head_scores = _doubted_by_any(features, pool.proba[places], pool.committee)
    shortlist = batch_selection.BatchSelector(
        head_scores,
        features,
        pool.proba[places],
        pool.label_counts,
        reach=_REACH,
        spread=recipe.spread,
        balance=recipe.balance,
    )
    return places[shortlist.pick(size, batch=batch)]


def _doubted_by_any(features: FloatArray, proba: FloatArray, committee: Sequence[Head]) -> FloatArray:
    """Score diaries by the smallest margin that any head of the committee gives them.

    Source: Jiang and Gupta (2019), Minimum-Margin Active Learning.
    """
    heads = [softmax(features @ weight.T + bias) for weight, bias in committee]
    return np.asarray(np.max([margin(p, proba[:, 0]) for p in (proba, *heads)], axis=0), np.float32)


def largest(scores: FloatArray, size: int) -> IntArray:
    """Return the places of the largest scores, largest first, ties in pool order."""
    size = max(0, min(size, len(scores)))
    if 0 < size < len(scores):
        # Sorting a million scores takes longer than all the rest; ties at the edge are kept for the order.
        edge = np.partition(scores, len(scores) - size)[len(scores) - size]
        likely = np.flatnonzero(scores >= edge)
    else:
        likely = np.arange(len(scores))
    return np.asarray(likely[np.argsort(-scores[likely], kind="stable")][:size], np.int64)


def score(name: str, proba: FloatArray, *, numbers: IntArray | None = None, seed: int) -> FloatArray:
    """Score a pool by the first criterion of a strategy.

    Args:
        name: key of `STRATEGIES`.
        proba: (n, k), k >= 2, rows sum to 1, columns in label order.
        numbers: see `Pool`.

    Returns:
        (n,) float32; higher = ask sooner.

    Raises:
        LearnerError: for an unknown name, fewer than two labels, or NaN.
    """
    if name not in STRATEGIES:
        raise LearnerError("strategy_unknown", name=name, known=", ".join(STRATEGIES))
    if not np.isfinite(proba).all():
        raise LearnerError("vectors_not_finite", count=int((~np.isfinite(proba).all(axis=1)).sum()))
    drawn = draws.draw(_numbers(numbers, len(proba)), seed=seed, purpose="score")
    return STRATEGIES[name].score(proba, drawn.astype(np.float32))


def reach_of(size: int, *, batch: int = BATCH) -> int:
    """Return how many of the best scored diaries `choose` may look at beyond their scores."""
    return size + 2 * _REACH * max(batch, BATCH)


def _numbers(numbers: IntArray | None, n: int) -> IntArray:
    return np.arange(n) if numbers is None else numbers


def interleave(ranked: IntArray, drawn: IntArray, *, share: float) -> IntArray:
    """Mix ranked diaries with randomly drawn ones, so that each stretch holds its share of both.

    The first diary is a ranked one. When one side runs out, the rest of the other follows.

    Args:
        ranked, drawn: ids in the order in which they shall be asked.
        share: in [0, 1]: share of drawn ones among those asked.
    """
    both = np.concatenate([ranked, drawn])
    if not len(drawn) or not 0 < share < 1:
        return both
    ranked_places = np.arange(len(ranked)) / (1 - share)
    drawn_places = (np.arange(len(drawn)) + 0.999) / share
    return both[np.argsort(np.concatenate([ranked_places, drawn_places]), kind="stable")]


def _check(proba: FloatArray) -> None:
    if proba.ndim != 2 or proba.shape[1] < 2:
        raise LearnerError("labels_too_few", count=proba.shape[1] if proba.ndim == 2 else 0)
