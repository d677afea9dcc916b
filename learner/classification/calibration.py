"""How far probabilities can be trusted: what a model says of its own certainty against how often it is right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.metrics import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_MOST_BINS = 10

_FEWEST_IN_BIN = 15
"""With fewer diaries in a bin its interval is wider than half the scale, and the sum of bins mostly noise."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Diaries of which a model is about equally sure.

    Attributes:
        confidence: mean of the largest probabilities, in [0, 1].
        right: share of right answers, in [0, 1], with its 95 % interval.
        low, high: where the bin begins and ends, half-way to its neighbours; 0 and 1 at the ends.
    """

    n: int
    confidence: float
    right: float
    right_low: float
    right_high: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well confidence fits the share of right answers, on n diaries.

    Attributes:
        bins: of equal mass, ascending by confidence; empty for n = 0.
        ece: expected calibration error, in [0, 1]: by how much confidence and share of right answers differ on
            average; corrected for what chance adds. NaN for n = 0.
        ece_low, ece_high: 95 % interval.
        brier: mean squared distance of the probabilities from the truth, in [0, 2]; NaN for n = 0.
        confidence, right: means over all n.
    """

    n: int
    bins: tuple[Bin, ...]
    ece: float
    ece_low: float
    ece_high: float
    brier: float
    confidence: float
    right: float


def reliability(proba: FloatArray, truth: IntArray, *, seed: int, draws: int = 1000) -> Reliability:
    """Compare confidence with the share of right answers in bins of equal mass.

    The plain error over bins is too large, because the noise of each bin counts as an error: a calibrated
    model has one of 0.1 on 150 diaries. Drawing the diaries anew does not mend it, for the draws carry that noise
    twice. So the noise is simulated: bins that are all off by the same t, with the scatter that their sizes
    bring. The error is the t whose simulated plain error is as often above as below the one found, and the interval
    holds every t for which the one found is not among the 2.5 % most extreme on either side.

    Args:
        proba: (n, k), rows sum to 1.
        truth: (n,) columns in [0, k).
        draws: how often the noise is simulated.

    Source: Guo et al. (2017), sec. 2, for the error; Nixon et al. (2019), Measuring Calibration in Deep Learning,
        for equal mass; Kumar, Liang and Ma (2019), Verified Uncertainty Calibration, sec. 4, for the excess;
        Davison and Hinkley (1997), Bootstrap Methods, sec. 5.4, for intervals by inverting a simulated test.
    """
    n = len(truth)
    if n == 0:
        nan = float("nan")
        return Reliability(0, (), nan, 0.0, 1.0, nan, nan, nan)
    confidence = proba.max(axis=1).astype(np.float64)
    right = (proba.argmax(axis=1) == truth).astype(np.float64)
    bins = _bins(confidence, right, bin_count(n))
    ece, low, high = _error(bins, seed=seed, draws=draws)
    return Reliability(n, bins, ece, low, high, brier(proba, truth), float(confidence.mean()), float(right.mean()))


def _error(bins: tuple[Bin, ...], *, seed: int, draws: int) -> tuple[float, float, float]:
    """Return the calibration error and its 95 % interval."""
    sizes = np.array([b.n for b in bins], np.float64)
    right = np.array([b.right for b in bins])
    plain = float(sizes / sizes.sum() @ np.abs(np.array([b.confidence for b in bins]) - right))
    share = (right * sizes + 1) / (sizes + 2)  # bins without a wrong answer are not without noise
    noise = np.random.default_rng(seed).normal(size=(draws, len(bins))) * np.sqrt(share * (1 - share) / sizes)
    steps = np.linspace(0, 1, 401)
    simulated = np.stack([np.abs(t + noise) @ (sizes / sizes.sum()) for t in steps])
    lower, middle, upper = np.quantile(simulated, [0.025, 0.5, 0.975], axis=1)
    ece, low = (float(steps[min(int((q < plain).sum()), len(steps) - 1)]) for q in (middle, upper))
    return ece, low, float(steps[max(int((lower <= plain).sum()) - 1, 0)])


def bin_count(n: int) -> int:
    """Return into how many bins n diaries are dealt: 1 to 10."""
    return int(np.clip(n // _FEWEST_IN_BIN, 1, _MOST_BINS))


def brier(proba: FloatArray, truth: IntArray) -> float:
    """Return the mean squared distance of probabilities from the truth, in [0, 2]; 0 is perfect, NaN for n = 0.

    Source: Brier (1950), Verification of Forecasts Expressed in Terms of Probability.
    """
    if not len(truth):
        return float("nan")
    one_hot = np.zeros(proba.shape)
    one_hot[np.arange(len(truth)), truth] = 1
    return float(((proba - one_hot) ** 2).sum(axis=1).mean())


def _bins(confidence: NDArray[np.float64], right: NDArray[np.float64], counts: int) -> tuple[Bin, ...]:
    parts = np.array_split(np.argsort(confidence, kind="stable"), counts)
    edges = [0.0, *(float(confidence[a[-1]] + confidence[b[0]]) / 2 for a, b in pairwise(parts)), 1.0]
    return tuple(
        Bin(
            len(places),
            float(confidence[places].mean()),
            float(right[places].mean()),
            *wilson(int(right[places].sum()), len(places)),
            *ends,
        )
        for places, ends in zip(parts, pairwise(edges), strict=True)
    )


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Answers to decided test diaries.

    Attributes:
        confidence: (m,) largest probability; right: (m,) whether the answer was right.
    """

    confidence: FloatArray
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Unsure:
    """Where answers stop being good enough to be taken as they are.

    Attributes:
        threshold: the smallest confidence whose answer may be taken; above 1 if none may.
        unsure: how many diaries lie below it.
        expected_error: expected share of wrong answers among the others, in [0, 1]; NaN if there are none.
        tested, wrong: test diaries at or above the threshold, and how many of their answers were wrong.
        most_wrong: upper bound of the share of wrong answers that these show, with 95 % confidence; 1 for none.
        was_too_sure: whether the test diaries made the threshold higher than the probabilities alone would.
    """

    threshold: float
    unsure: int
    expected_error: float
    tested: int
    wrong: int
    most_wrong: float
    was_too_sure: bool


def find_unsure(confidence: FloatArray, *, error: float, tested: CheckedAnswers | None = None) -> Unsure:
    """Return the confidence below which taking answers would make the expected share of wrong ones too large.

    A calibrated answer of confidence c is wrong with probability 1 - c, so the expected share among the answers
    taken is the mean of 1 - c. Diaries of equal confidence are treated alike. Test diaries have the last word: where
    they show more wrong answers than allowed, by more than chance, the threshold rises until they no longer do.

    Args:
        confidence: (n,) largest probability of each diary, calibrated.
        error: the largest expected share of wrong answers among those taken, in (0, 1).
        tested: None where there are no decided test diaries.

    Source: Geifman and El-Yaniv (2017), Selective Classification, sec. 2 for risk and coverage, and sec. 3 for the
        binomial bound on it, by Clopper and Pearson (1934).
    """
    tested = tested or CheckedAnswers(np.zeros(0, np.float32), np.zeros(0, np.bool_))
    ordered = np.sort(confidence.astype(np.float64))[::-1]
    expected = np.cumsum(1 - ordered) / np.arange(1, len(ordered) + 1)
    # A line may be drawn only where the next one is less sure.
    is_edge = np.append(ordered[1:] < ordered[:-1], True) if len(ordered) else np.zeros(0, np.bool_)
    allowed = np.flatnonzero(is_edge & (expected <= error + 1e-12))
    n, wrong = _tested_above(tested, ordered[allowed])
    is_refuted = _bound(wrong, n, 0.05) > error
    held = np.flatnonzero(~is_refuted)
    was_too_sure = bool(len(allowed)) and bool(is_refuted[-1])
    if not len(held):
        return Unsure(float("inf"), len(ordered), float("nan"), 0, 0, 1.0, was_too_sure)
    at = int(held[-1])
    last = int(allowed[at])
    most_wrong = float(_bound(wrong, n, 0.95)[at])
    taken = float(ordered[last]), len(ordered) - last - 1, float(expected[last])
    return Unsure(*taken, int(n[at]), int(wrong[at]), most_wrong, was_too_sure)


def _tested_above(tested: CheckedAnswers, lines: NDArray[np.float64]) -> tuple[IntArray, IntArray]:
    """Return for each line how many test diaries are at least as sure, and how many of their answers were wrong."""
    order = np.argsort(-tested.confidence.astype(np.float64), kind="stable")
    n = np.searchsorted(-tested.confidence.astype(np.float64)[order], -lines, side="right")
    wrong = np.append(0, np.cumsum(~tested.right[order]))
    return n.astype(np.int64), wrong[n].astype(np.int64)


def _bound(wrong: IntArray, n: IntArray, chance: float) -> NDArray[np.float64]:
    """Return the share that is exceeded with a chance of 1 - `chance`, one-sided and exact: 0 or 1 for no diaries."""
    from scipy import stats

    if chance < 0.5:
        return np.where(wrong > 0, stats.beta.ppf(chance, np.maximum(wrong, 1), n - wrong + 1), 0.0)
    return np.where(wrong < n, stats.beta.ppf(chance, wrong + 1, np.maximum(n - wrong, 1)), 1.0)
