"""Figures about a classifier on decided diaries, with the intervals that chance allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a classifier did on n diaries.

    Attributes:
        accuracy: share of right answers, in [0, 1]; NaN for n = 0.
        accuracy_low, accuracy_high: 95 % interval.
        macro_f1: mean of `f1` over the labels that occur in truth or answers; NaN for n = 0.
        f1: per label; NaN where it neither occurs nor was answered.
        f1_low, f1_high: 95 % interval of each; 0 and 1 where nothing is known.
        confusion: (k, k) counts; rows truth, columns answer.
    """

    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    f1: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    f1_low: tuple[float, ...] = ()
    f1_high: tuple[float, ...] = ()


def evaluate(proba: FloatArray, truth: IntArray, *, effect: float = 1.0) -> Evaluation:
    """Compare answers with the truth.

    Args:
        proba: (n, k) probabilities; the answer is the likeliest label.
        truth: (n,) columns in [0, k).
        effect: how many diaries are worth an independent one; see `learner.classification.design_effect`.
    """
    k = proba.shape[1]
    answers = proba.argmax(axis=1) if len(proba) else np.zeros(0, np.int64)
    confusion = np.zeros((k, k), np.int64)
    np.add.at(confusion, (truth, answers), 1)
    right = np.diag(confusion)
    f1 = f1_of(confusion)
    n = len(truth)
    low, high = wilson(int(right.sum()) / effect, n / effect)
    seen = confusion.sum(axis=0) + confusion.sum(axis=1)
    bounds = [f1_interval(int(right[i]) / effect, int(seen[i]) / effect) for i in range(k)]
    return Evaluation(
        n=n,
        accuracy=float(right.sum() / n) if n else float("nan"),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(np.nanmean(f1)) if n else float("nan"),
        f1=tuple(map(float, f1)),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        f1_low=tuple(low for low, _ in bounds),
        f1_high=tuple(high for _, high in bounds),
    )


def f1_of(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Return the F1 of each label, (..., k), from counts (..., k, k); NaN where it neither occurs nor was answered."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    seen = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return np.where(seen > 0, 2 * right / np.maximum(seen, 1), np.nan)


def f1_interval(right: float, seen: float) -> tuple[float, float]:
    """Return the 95 % interval of one label's F1, which is 2 right / seen.

    F1 / (2 - F1) is a plain share: of the diaries that truth or answer give the label, those where both do. So it
    has Wilson's interval, and F1, which rises with it, has that interval carried over. A bootstrap of few
    diaries would do worse: it gives 1 to 1 for three right of three.

    Args:
        right: diaries where truth and answer are the label.
        seen: diaries whose truth is the label plus diaries whose answer is; 0 gives (0, 1). Of diaries that depend on
            each other, the effective numbers, which need not be whole.

    Source: Hand, Christen and Kirielle (2021), F*: an interpretable transformation of the F-measure.
    """
    low, high = wilson(right, seen - right)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def wilson(right: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Args:
        right, n: counts; of cases that depend on each other, the effective ones, which need not be whole.

    Returns:
        (low, high) in [0, 1]; (0, 1) for n = 0: nothing is known.

    Source: Wilson (1927), as in Brown, Cai and DasGupta (2001), Interval Estimation for a Binomial Proportion.
    """
    if n == 0:
        return 0.0, 1.0
    z2 = _Z * _Z
    share = right / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (0.0 if right == 0 else centre - half), (1.0 if right == n else centre + half)


def share_difference(first_right: int, first_n: int, second_right: int, second_n: int) -> Interval:
    """Return by how much the first share is higher than the second, of two groups that have nothing in common.

    Newcombe's hybrid score interval: the distances from each share to the ends of its Wilson interval, put together.

    Returns:
        In [-1, 1]; where a group is empty the value is NaN and the interval says nothing: -1 to 1.

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    """
    if not first_n or not second_n:
        return Interval(float("nan"), -1.0, 1.0)
    first, second = first_right / first_n, second_right / second_n
    (first_low, first_high), (second_low, second_high) = wilson(first_right, first_n), wilson(second_right, second_n)
    value = first - second
    return Interval(
        value,
        value - math.hypot(first - first_low, second_high - second),
        value + math.hypot(first_high - first, second - second_low),
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % interval; NaN where there was nothing to measure."""

    value: float
    low: float
    high: float


def weighted_f1_interval(answers: IntArray, truth: IntArray, *, k: int, seed: int, draws: int = 2000) -> Interval:
    """Return the F1 weighted by how often each label occurs, with the interval of a percentile bootstrap.

    Args:
        answers, truth: (n,) columns in [0, k).
        draws: how often the diaries are drawn anew.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, sec. 13.3.
    """
    if not len(truth):
        return Interval(float("nan"), float("nan"), float("nan"))
    # Only how often each pair of truth and answer occurs matters, so those counts are drawn, not diaries.
    counts = np.bincount(truth * k + answers, minlength=k * k)
    drawn = np.random.default_rng(seed).multinomial(len(truth), counts / len(truth), size=draws)
    low, high = np.quantile(weighted_f1_of(drawn.reshape(draws, k, k)), [0.025, 0.975])
    return Interval(float(weighted_f1_of(counts.reshape(k, k))), float(low), float(high))


def macro_f1_of(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Return macro F1, (...), from counts (..., k, k): the mean over labels that occur in truth or answers."""
    return np.asarray(np.nanmean(f1_of(confusion), axis=-1))


def weighted_f1_of(confusion: NDArray[Any]) -> NDArray[np.float64]:
    """Return weighted F1, (...), from counts (..., k, k): the mean over labels, each as often as it is the truth."""
    truth = confusion.sum(axis=-1)
    return np.asarray((np.nan_to_num(f1_of(confusion)) * truth).sum(axis=-1) / truth.sum(axis=-1))
