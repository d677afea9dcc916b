"""Several labels instead of one, so many that the right one is among them as often as promised: conformal prediction.

Source: Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World; Sadinle, Lei and Wasserman (2019),
Least Ambiguous Set-Valued Classifiers with Bounded Error Levels, for sets of all labels above one probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.design_effect import design_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Promise:
    """The probability from which a label is in the set, and how often such sets really held the right label.

    Attributes:
        level: promised share of sets with the right label, in (0, 1).
        least: smallest probability of a label in a set; 0 where the promise takes all labels.
        n: test diaries on which both were measured.
        covered, covered_low, covered_high: share of them whose set held the right label, each by a `least` that was
            chosen without the diary and without its writer's others, with its 95 % interval.
        size: mean number of labels in a set.
    """

    level: float
    least: float
    n: int
    covered: float
    covered_low: float
    covered_high: float
    size: float


def promise(proba: FloatArray, truth: IntArray, *, level: float, groups: IntArray | None = None) -> Promise | None:
    """Choose the probability from which labels are in the set, on decided test diaries.

    Args:
        proba: (n, k), rows sum to 1.
        truth: (n,) columns in [0, k).
        groups: (n,) diaries of one writer share a number, and are left out together; None for each by itself.

    Returns:
        None where n is too small to promise anything short of all labels.
    """
    if not len(truth) or math.isinf(_quantile(1 - proba[np.arange(len(truth)), truth], level)):
        return None
    scores = 1 - proba[np.arange(len(truth)), truth].astype(np.float64)
    groups = np.arange(len(truth)) if groups is None else groups
    held, sizes = np.zeros(len(truth), np.bool_), np.zeros(len(truth))
    for group in np.unique(groups):
        own = groups == group
        sets = in_set(proba[own], _least(_quantile(scores[~own], level)))
        held[own] = sets[np.arange(own.sum()), truth[own]]
        sizes[own] = sets.sum(axis=1)
    effect = design_effect(held, groups)
    low, high = _exact_interval(held.sum() / effect, len(held) / effect)
    least = _least(_quantile(scores, level))
    return Promise(level, least, len(truth), float(held.mean()), low, high, float(sizes.mean()))


def _exact_interval(held: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share, exact: near 1 and with few diaries Wilson's covers less.

    Args:
        held, n: counts; of diaries that depend on each other, the effective ones, which need not be whole.

    Source: Clopper and Pearson (1934), The Use of Confidence or Fiducial Limits, by quantiles of beta distributions.
    """
    from scipy import stats

    low = stats.beta.ppf(0.025, held, n - held + 1) if held > 0 else 0.0
    high = stats.beta.ppf(0.975, held + 1, n - held) if held < n else 1.0
    return float(low), float(high)


def in_set(proba: FloatArray, least: float) -> BoolArray:
    """Return which labels are in each set, (n, k): those as likely as asked for, and the likeliest in any case."""
    sets = proba >= least
    sets[np.arange(len(proba)), proba.argmax(axis=1)] = True
    return np.asarray(sets, np.bool_)


def _least(score: float) -> float:
    # A hair lower, so that rounding does not shut out the diary that sets the limit.
    return max(0.0, 1 - score - 1e-7)


def _quantile(scores: NDArray[np.floating], level: float) -> float:
    """Return the score that the next one stays within with the promised probability; infinite where n is too small."""
    place = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else math.inf
