"""Figures about a classifier on decided diaries, with what chance could have made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a classifier did on n diaries.

    Attributes:
        accuracy: share of right answers, in [0, 1]; NaN for n = 0.
        accuracy_low, accuracy_high: 95 % interval.
        macro_f1: mean of `f1` over the labels that occur in truth or answers; NaN for n = 0.
        f1: per label; NaN where it neither occurs nor was answered.
        confusion: (k, k) counts; rows truth, columns answer.
    """

    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    f1: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]


def evaluate(proba: FloatArray, truth: IntArray) -> Evaluation:
    """Compare answers with the truth.

    Args:
        proba: (n, k) probabilities; the answer is the likeliest label.
        truth: (n,) columns in [0, k).
    """
    k = proba.shape[1]
    answers = proba.argmax(axis=1) if len(proba) else np.zeros(0, np.int64)
    confusion = np.zeros((k, k), np.int64)
    np.add.at(confusion, (truth, answers), 1)
    right = np.diag(confusion)
    seen = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = np.where(seen > 0, 2 * right / np.maximum(seen, 1), np.nan)
    n = len(truth)
    low, high = wilson(int(right.sum()), n)
    return Evaluation(
        n=n,
        accuracy=float(right.sum() / n) if n else float("nan"),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(np.nanmean(f1)) if n else float("nan"),
        f1=tuple(map(float, f1)),
        confusion=tuple(tuple(map(int, row)) for row in confusion),
    )


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Returns:
        (low, high) in [0, 1]; (0, 1) for n = 0: nothing is known.

    Source: Wilson (1927), as in Brown, Cai and DasGupta (2001), Interval Estimation for a Binomial Proportion.
    """
    if n == 0:
        return 0.0, 1.0
    interval = stats.binomtest(right, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(before_right: NDArray[np.bool_], after_right: NDArray[np.bool_]) -> float:
    """Return the two-sided p value that two classifiers are equally often right on the same diaries.

    The exact test on the diaries where only one of the two is right; 1.0 where there are none.

    Source: McNemar (1947), exact binomial form.
    """
    gained = int((after_right & ~before_right).sum())
    lost = int((before_right & ~after_right).sum())
    return float(stats.binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
