"""Replaying labelled data: what a project's learning curve would have looked like under each query strategy.

The replay asks, trains and measures with the functions that rounds use. Only the answers come from a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.active_learning import query_strategies
from learner.classification import classifier, first_prior, metrics
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Head

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

TEST_SHARE = 0.3
"""Share of the rows that are drawn at random, by groups where there are any, to measure on, anew with each seed."""

_FEWEST_GROUPS = 10
"""Groups below which rows are dealt one by one: too few could be tested on to stand for all."""

FULL_SHARE = 0.95
"""The goal that labels are counted to: this share of the score of a head that learned from the whole pool."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One simulated project.

    Attributes:
        counts: (points,) labels known at each point.
        macro_f1, accuracy: (points,) on the test rows.
        asked: (labels,) places in the order in which they were asked for.
    """

    counts: IntArray
    macro_f1: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    asked: IntArray


Asking = Callable[["State"], "tuple[IntArray, FloatArray]"]
"""Returns the places to ask for next, out of `State.waiting`, and probabilities of the test rows, (test, k)."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known before a batch is asked for.

    Attributes:
        features: (n, features) of all rows.
        labels: (n,) columns; only those of `known` may be looked at.
        known, waiting, test: places of rows.
        batch: how many to ask for; 0 at the end, when only the test rows are answered.
        seed: of this batch.
        groups: (n,) of all rows; see `replay`.
    """

    features: FloatArray
    labels: IntArray
    k: int
    known: IntArray
    waiting: IntArray
    test: IntArray
    batch: int
    seed: int
    groups: IntArray | None = None


def asking(strategy: str, *, first: FloatArray | None = None) -> Asking:
    """Return how a project of this software asks under a query strategy.

    Args:
        first: (k, width) weights of the model that needs no label, which heads are drawn towards as in rounds; None
            where it does not know the labels.
    """

    def ask(state: State) -> tuple[IntArray, FloatArray]:
        head = _train(state, first)
        pool = query_strategies.Pool(
            proba=head.proba(state.features[state.waiting]),
            features=lambda places: state.features[state.waiting[places]],
            label_counts=np.bincount(state.labels[state.known], minlength=state.k),
            committee=_committee(state, head) if query_strategies.STRATEGIES[strategy].committee else (),
        )
        chosen = query_strategies.choose(strategy, pool, size=state.batch, seed=state.seed, batch=state.batch)
        return state.waiting[chosen], head.proba(state.features[state.test])

    return ask


def _train(state: State, first: FloatArray | None) -> classifier.Classifier:
    labels = state.labels[state.known]
    if len(np.unique(labels)) < 2:
        return _constant(int(labels[0]), state)
    features, targets = state.features[state.known], classifier.one_hot(labels, state.k)
    groups = None if state.groups is None else state.groups[state.known]
    nothing = np.zeros(1, np.float32)
    prior_mean = None
    if first is not None:
        strength = first_prior.choose_strength(first, features, targets, seed=state.seed, groups=groups)
        prior_mean = first_prior.mean_of(first, strength)
    return classifier.train(
        features, targets, mean=nothing, text_space="", seed=state.seed, groups=groups, prior_mean=prior_mean
    ).classifier


def _constant(column: int, state: State) -> classifier.Classifier:
    """Return a head that knows only one label and always answers it."""
    weight = np.zeros((state.k, state.features.shape[1]), np.float32)
    bias = np.where(np.arange(state.k) == column, 1, 0).astype(np.float32)
    return classifier.Classifier(np.zeros(1, np.float32), weight, bias, 1.0, "")


def _committee(state: State, head: classifier.Classifier) -> tuple[Head, ...]:
    labels = state.labels[state.known]
    if len(np.unique(labels)) < 2:
        return ()
    targets = classifier.one_hot(labels, state.k)
    return classifier.bootstrap(state.features[state.known], targets, start=head, seed=state.seed)


def replay(
    features: FloatArray,
    labels: IntArray,
    ask: Asking,
    *,
    k: int,
    batch: int,
    budget: int,
    seed: int,
    groups: IntArray | None = None,
) -> Replay:
    """Replay one project: a random first batch, then batches that `ask` chooses.

    The test rows and the first batch depend on the seed alone, so all ways of asking begin alike.

    Args:
        features: (n, features) finite.
        labels: (n,) columns in [0, k).
        budget: labels after which the replay ends.
        groups: (n,) rows of the same number are all tested on or none; see `learner.classification.groups`.

    Raises:
        LearnerError: ``simulation_too_small`` if the pool is smaller than two batches.
    """
    test, pool = deal(len(labels), seed, groups)
    if len(pool) < 2 * batch or not len(test):
        raise LearnerError("simulation_too_small", rows=len(labels), batch=batch)
    asked, points, ended = pool[:batch], [], False
    while not ended:
        waiting = pool[~np.isin(pool, asked)]
        ended = len(asked) >= budget or not len(waiting)
        count = 0 if ended else min(batch, len(waiting))
        chosen, proba = ask(State(features, labels, k, asked, waiting, test, count, seed + len(asked), groups))
        measured = metrics.evaluate(proba, labels[test])
        points.append((len(asked), measured.macro_f1, measured.accuracy))
        asked = np.concatenate([asked, chosen])
    counts, macro_f1, accuracy = np.array(points).T
    return Replay(counts.astype(np.int64), macro_f1, accuracy, asked)


def deal(n: int, seed: int, groups: IntArray | None = None) -> tuple[IntArray, IntArray]:
    """Return the places of the test rows and of the pool, both in random order.

    Whole groups are tested on, in random order, up to the share: those that leave room for others. Where these are few,
    rows are dealt one by one.
    """
    rng = np.random.default_rng(seed)
    order, cut = rng.permutation(n), round(TEST_SHARE * n)
    _, group_of, sizes = np.unique(np.arange(n) if groups is None else groups, return_inverse=True, return_counts=True)
    small = rng.permutation(np.flatnonzero(sizes <= max(1, cut // 2)))
    if groups is None or len(small) < _FEWEST_GROUPS:
        return order[:cut], order[cut:]
    is_test = np.isin(group_of[order], small[np.cumsum(sizes[small]) <= cut])
    return order[is_test], order[~is_test]


def full_pool(
    features: FloatArray, labels: IntArray, *, k: int, seed: int, groups: IntArray | None = None
) -> tuple[float, float]:
    """Return macro F1 and accuracy of a head that learned from the whole pool of a replay with this seed."""
    test, pool = deal(len(labels), seed, groups)
    weight, bias = classifier.fit_head(features[pool], labels[pool], k=k)
    measured = metrics.evaluate(classifier.softmax(features[test] @ weight.T + bias), labels[test])
    return measured.macro_f1, measured.accuracy


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of several replays of one strategy.

    Attributes:
        counts: (points,) labels.
        macro_f1, accuracy: (seeds, points).
        aulc_macro_f1, aulc_accuracy: mean area under the curve, over the labels spent, in [0, 1].
        areas_macro_f1: (seeds,) area under each curve of macro F1.
        macro_f1_interval, accuracy_interval: 95 % interval of the mean areas; see `mean_interval`.
        labels_to_95: labels at which the mean curve of macro F1 reaches `FULL_SHARE` of the full pool's for good;
            None where the budget does not reach it.
    """

    counts: IntArray
    macro_f1: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    areas_macro_f1: NDArray[np.float64]
    aulc_macro_f1: float
    aulc_accuracy: float
    macro_f1_interval: tuple[float, float]
    accuracy_interval: tuple[float, float]
    labels_to_95: int | None


def summarise(replays: Sequence[Replay], *, full_macro_f1: float) -> Summary:
    """Sum up the replays of one strategy, one a seed.

    Args:
        full_macro_f1: mean macro F1 of `full_pool` over the same seeds.
    """
    counts = replays[0].counts
    macro_f1, accuracy = np.array([r.macro_f1 for r in replays]), np.array([r.accuracy for r in replays])
    areas = [_area(counts, curves) for curves in (macro_f1, accuracy)]
    return Summary(
        counts,
        macro_f1,
        accuracy,
        areas[0],
        float(areas[0].mean()),
        float(areas[1].mean()),
        mean_interval(areas[0]),
        mean_interval(areas[1]),
        _labels_to(counts, macro_f1.mean(axis=0), FULL_SHARE * full_macro_f1),
    )


def _area(counts: IntArray, curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean height of curves, (seeds,): the area by trapezoids over the labels spent."""
    if len(counts) < 2:
        return np.asarray(curves[:, 0])
    return np.asarray(np.trapezoid(curves, counts, axis=1) / (counts[-1] - counts[0]))


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of one score or difference a seed; minus to plus infinity for one seed.

    Student's, with the variance enlarged for what the seeds share: their test and training rows overlap, so that they
    differ less from each other than from what other rows would give.

    Source: Nadeau and Bengio (2003), Inference for the Generalization Error, sec. 4.
    """
    from scipy import stats

    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    shared = TEST_SHARE / (1 - TEST_SHARE)
    half = stats.t.ppf(0.975, n - 1) * math.sqrt((1 / n + shared) * values.var(ddof=1))
    return float(values.mean() - half), float(values.mean() + half)


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much the best strategy is ahead of another, paired by seed; `low` and `high` hold for all others at once.

    Attributes:
        value, low, high: of the areas under the curves of macro F1.
    """

    value: float
    low: float
    high: float


def lead(best: Summary, other: Summary, *, others: int) -> Lead:
    """Return by how much a strategy is ahead of another one, with seeds that begin alike compared with each other.

    Args:
        others: how many strategies it is compared with: the interval is so much wider that in 95 % of reports none of
            them misses.

    Source: Bonferroni's inequality, for the comparisons at once.
    """
    from scipy import stats

    gaps = best.areas_macro_f1 - other.areas_macro_f1
    low, high = mean_interval(gaps)
    value = float(gaps.mean())
    if len(gaps) < 2:
        return Lead(value, low, high)
    quantiles = stats.t.ppf([0.975, 1 - 0.025 / others], len(gaps) - 1)
    half = (high - low) / 2 * float(quantiles[1] / quantiles[0])
    return Lead(value, value - half, value + half)


def _labels_to(counts: IntArray, curve: NDArray[np.float64], goal: float) -> int | None:
    """Return the first count whose score, and the mean of all later ones, reach the goal.

    One lucky point of a noisy curve doesn't count.
    """
    later = np.cumsum(curve[::-1])[::-1] / np.arange(len(curve), 0, -1)
    reached = np.flatnonzero((curve >= goal) & (later >= goal))
    return int(counts[reached[0]]) if len(reached) else None
