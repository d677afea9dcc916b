"""How common each label is among all diaries, from the decisions on a random part and the predictions of all.

Counting predictions answers with the errors of the model, counting decisions uses a few of the diaries only. The
prediction-powered estimate takes the mean prediction of all diaries and corrects it by what decisions and predictions
differ on the random part, as far as predictions tell anything of that label.

Source: Angelopoulos et al. (2023), Prediction-Powered Inference, arXiv 2301.09633; the weight of the predictions as in
Angelopoulos, Duchi and Zrnic (2023), PPI++, arXiv 2311.01453; simulated in benchmarks/coverage_shares.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

FEWEST_CASES = 10
"""Decisions with a label, and without it, from which predictions help: fewer don't tell how far they can be trusted.

Source: benchmarks/coverage_shares.py: below it the interval of the prediction-powered mean covers 15 to 90 %.
"""

_LOWEST_COUNTS = (0.0513, 0.3554, 0.8177)
"""Counts that are exceeded by 1, 2 and 3 cases with a chance of 5 %: half the 5 % quantile of chi squared.

Source: Brown, Cai and DasGupta (2001), Interval Estimation for a Binomial Proportion, sec. 4.1.1: Wilson's interval
covers too seldom where a share is a fraction of a case.
"""

_NO_VARIANCE = 1e-18

Method = Literal["predictions", "decisions"]


@dataclass(frozen=True, slots=True)
class RandomPart:
    """Diaries drawn at random of which the label is known.

    Attributes:
        truth: (n, k) shares of the labels by what people decided; rows sum to 1.
        predicted: (n, k) probabilities by a model that has not seen these decisions.
        represents: (n,) how many diaries each stands for, itself included: all of a source / its decided ones.
        writers: (n,) who wrote each, if whole writers were drawn; None where each diary was drawn by itself.
    """

    truth: FloatArray
    predicted: FloatArray
    represents: FloatArray
    writers: IntArray | None = None

    def column(self, label: int) -> tuple[FloatArray, FloatArray]:
        """Return truth and prediction of one label."""
        return self.truth[:, label], self.predicted[:, label]

    @property
    def weights(self) -> FloatArray:
        """The weight of each diary, (n,), sum 1."""
        return np.asarray(self.represents / self.represents.sum())


@dataclass(frozen=True, slots=True)
class LabelShare:
    """The share of one label among all diaries, in [0, 1], with its 95 % interval.

    Attributes:
        cases: decisions for it among the random part.
        method: whether predictions helped, or decisions alone were counted.
    """

    value: float
    low: float
    high: float
    cases: float
    method: Method


def estimate(part: RandomPart, mean_prediction: FloatArray) -> tuple[LabelShare, ...]:
    """Return the share of each label among all diaries that the random part stands for.

    Args:
        part: at least two diaries; where whole writers were drawn, of at least two writers.
        mean_prediction: (k,) mean of `RandomPart.predicted` over all these diaries.
    """
    spread = _design_effect(part)
    return tuple(_share(part, label, float(mean), spread) for label, mean in enumerate(mean_prediction))


def _share(part: RandomPart, label: int, mean: float, spread: float) -> LabelShare:
    truth, _ = part.column(label)
    cases = float(truth.sum())
    if min(cases, len(truth) - cases) < FEWEST_CASES:
        return _counted(part, truth, cases, spread)
    return _powered(part, label, mean, cases)


def _counted(part: RandomPart, truth: FloatArray, cases: float, spread: float) -> LabelShare:
    """Return Wilson's interval of the decisions alone, for as many independent ones as they are worth."""
    value = float(part.weights @ truth)
    plain = _variance(part, truth, by_writer=False)
    is_mixed = 0 < cases < len(truth) and plain > _NO_VARIANCE
    worth = value * (1 - value) / plain if is_mixed else _worth(part)
    low, high = _score_interval(value, worth / spread, _quantile(part))
    low = min(low, _lowest(value, cases))
    high = max(high, 1 - _lowest(1 - value, len(truth) - cases))
    return LabelShare(value, low, high, cases, "decisions")


def _powered(part: RandomPart, label: int, mean: float, cases: float) -> LabelShare:
    """Return the prediction-powered share; its interval is Wilson's for as many decisions as its variance is worth."""
    truth, predicted = part.column(label)
    trust = _trust(part, truth, predicted)
    difference = truth - trust * predicted
    value = min(max(trust * mean + float(part.weights @ difference), 0.0), 1.0)
    variance = _variance(part, difference, by_writer=False)
    if part.writers is not None:
        variance = max(variance, _variance(part, difference, by_writer=True))
    # An estimate of 0 or 1 of a label that was seen would have no width, so the share is taken as one diary at least.
    one = 1 / part.represents.sum()
    inside = min(max(value, one), 1 - one)
    worth = inside * (1 - inside) / max(variance, _NO_VARIANCE)
    low, high = _score_interval(value, worth, _quantile(part))
    return LabelShare(value, low, high, cases, "predictions")


def _trust(part: RandomPart, truth: FloatArray, predicted: FloatArray) -> float:
    """Return how much of the predictions to use, in [0, 1]: what leaves the least variance."""
    centred = predicted - part.weights @ predicted
    variance = float(part.weights @ centred**2)
    return min(max(float(part.weights @ (centred * truth)) / variance, 0.0), 1.0) if variance > 0 else 0.0


def _variance(part: RandomPart, values: FloatArray, *, by_writer: bool) -> float:
    """Return the variance of the weighted mean of values, over draws of diaries or of whole writers.

    Diaries that stand for themselves alone add nothing: all of them are known.

    Source: Cochran (1977), Sampling Techniques, sec. 2.6 and 9A; Cameron and Miller (2015), A Practitioner's Guide to
        Cluster-Robust Inference, sec. II.
    """
    unknown = np.sqrt(np.maximum(1 - 1 / part.represents, 0))
    pulls = part.weights * (values - part.weights @ values) * unknown
    if by_writer and part.writers is not None:
        pulls = np.bincount(np.unique(part.writers, return_inverse=True)[1], pulls).astype(np.float64)
    return float((pulls**2).sum() * len(pulls) / max(len(pulls) - 1, 1))


def _design_effect(part: RandomPart) -> float:
    """Return by how much drawing whole writers widens the variance, at least 1: of all labels, as one has few cases."""
    if part.writers is None:
        return 1.0
    columns = range(part.truth.shape[1])
    by_writer, plain = (
        sum(_variance(part, part.truth[:, label], by_writer=way) for label in columns) for way in (True, False)
    )
    return max(1.0, by_writer / plain) if plain > 0 else 1.0


def _worth(part: RandomPart) -> float:
    """Return how many diaries drawn with equal chances from endless ones the random part is worth."""
    unknown = np.maximum(1 - 1 / part.represents, 1e-9)
    return float(1 / (part.weights**2 * unknown).sum())


def _quantile(part: RandomPart) -> float:
    """Return the 97.5 % quantile: normal where diaries were drawn, Student's where a few writers were.

    Writers count as many as they would be if all had written equally much.

    Source: Carter, Schnepel and Steigerwald (2017), Asymptotic Behavior of a t-Test Robust to Cluster Heterogeneity.
    """
    from scipy import stats

    if part.writers is None:
        return float(stats.t.ppf(0.975, max(len(part.truth) - 1, 1)))
    sizes = np.bincount(np.unique(part.writers, return_inverse=True)[1])
    return float(stats.t.ppf(0.975, max(sizes.sum() ** 2 / (sizes**2).sum() - 1, 1)))


def _score_interval(share: float, n: float, z: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of n decisions, which need not be a whole number.

    Source: Wilson (1927); Korn and Graubard (1998), Confidence Intervals for Proportions with Small Expected Number
        of Positive Counts Estimated from Survey Data: with the effective number.
    """
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _lowest(share: float, cases: float) -> float:
    """Return the lower bound of the share of so few cases that Wilson's is too high; the share itself for others."""
    count = round(cases)
    if not 1 <= count <= len(_LOWEST_COUNTS):
        return share
    return share * _LOWEST_COUNTS[count - 1] / count
