"""What the next labels would bring: a learning curve continued, with an interval; and how steady predictions are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from learner.classification.macro_f1 import named_columns
from learner.classification.metrics import f1_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

FEWEST_POINTS = 4
"""Points below which a bend can't be told from chance."""

_RATES = np.linspace(0.0, 1.5, 16)
"""Rates c of a - b n^-c; 0 is its limit, a + b log n."""

_NOISE = 0.4
"""How far a head's score varies with the labels that it happened to get: this much over the root of their number."""

_NOISE_WEIGHT = 4.0
"""How many points the figure above counts for, beside the scatter of the curve itself."""

_FLOOR = 0.005
"""What moves a score whatever the number of labels: the curve bends in ways that no power law has."""

_USUAL_GAIN = 0.5
"""How large gains usually are, on the scale of `_NOISE`; a noisy curve's gain is shrunk towards zero by it.

These four, together, were chosen on simulated projects, before `_WIDTH`; the results are in docs/learning.md.
"""


Score = Literal["accuracy", "macro_f1"]

_WIDTH: dict[Score, float] = {"accuracy": 0.65, "macro_f1": 1.0}
"""By how much intervals are made narrower, after back-tests.

Of the accuracy 95 % of the errors of 96 back-tests at 100 to 900 labels were within 0.56 of the half-width that the
sources of noise give together, 97 % within 0.66. Intervals that are twice too wide never say that little is to gain.
Source: Lei et al. (2018), Distribution-Free Predictive Inference for Regression, sec. 5.2: locally weighted residuals.
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next `ahead` labels would add to a score.

    Attributes:
        gain: mean, on the scale of the score.
        low, high: 95 % interval; it holds the noise of the test diaries, of the labels and of the curve's shape.
        score: of the curve, after them.
    """

    ahead: int
    gain: float
    low: float
    high: float
    score: float


def forecast(
    counts: Sequence[int], drawn: FloatArray, scores: FloatArray, *, score: Score, ahead: int, seed: int
) -> Forecast | None:
    """Continue a learning curve by the power law a - b n^-c, whose limit for c = 0 is a + b log n.

    Each draw takes the scores on one bootstrap sample of the test diaries, the same for all points, adds the
    luck of the labels, takes a rate c with the probability that the curve gives it, and fits a and b. The gains of
    these curves are shrunk towards zero, the more so the less they agree; the luck of the next labels is added. A
    falling curve may fall: one score can well fall while another one rises.

    Args:
        counts: (points,) numbers of labels, ascending.
        drawn: (draws, points) scores on test diaries drawn anew, see `drawn_scores`.
        scores: (points,) scores on the test diaries themselves.
        score: which one it is: the interval is as wide as back-tests of it ask for.
        ahead: how many labels more.

    Returns:
        None for fewer than 4 points.

    Source: Figueroa et al. (2012), Predicting sample size required for classification performance, for the power
        law with weights that grow with n; docs/learning.md for how often the interval held the truth.
    """
    if len(counts) < FEWEST_POINTS:
        return None
    n = np.asarray(counts, np.float64)
    rng = np.random.default_rng(seed)
    slopes, levels, misfit = _fits(n, scores)
    noise = _noise(n, misfit.min())
    chance = np.exp(-0.5 * (misfit - misfit.min()) / noise**2)
    chance /= chance.sum()
    rate = rng.choice(len(_RATES), size=len(drawn), p=chance)
    lucky = drawn + rng.normal(size=drawn.shape) * noise / np.sqrt(n)
    rise = _bent(n[-1] + ahead) - _bent(n[-1])
    reach = np.sqrt(1 / n[-1] - 1 / (n[-1] + ahead))
    gains = _drawn_to_none((slopes[rate] * lucky).sum(axis=1) * rise[rate], usual=_USUAL_GAIN * reach)
    luck = np.hypot(noise * reach, _FLOOR)
    low, high = np.quantile(gains + rng.normal(size=len(gains)) * luck, [0.025, 0.975])
    gain = float(gains.mean())
    low, high = (gain + _WIDTH[score] * (bound - gain) for bound in (low, high))
    return Forecast(ahead, gain, float(low), float(high), float(chance @ (levels @ scores)) + gain)


def _drawn_to_none(gains: FloatArray, *, usual: float) -> FloatArray:
    """Return gains shrunk by a normal prior around zero, of the usual size."""
    share = usual**2 / (usual**2 + gains.var())
    return np.asarray(gains.mean() * share + (gains - gains.mean()) * np.sqrt(share))


def _bent(n: float | FloatArray) -> FloatArray:
    """Return n^-c, turned upside down and scaled, (rates, …): it rises with n, and is log n for c = 0."""
    log = np.log(np.asarray(n, np.float64))
    rates = _RATES.reshape(-1, *[1] * log.ndim)
    return np.asarray(np.where(rates > 0, -np.expm1(-rates * log) / np.maximum(rates, 1e-12), log))


def _fits(n: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, for each rate, the maps from scores to its slope and to its last level, (rates, points), and its misfit.

    Points are weighted by their number of labels, because the luck of the labels fades with its root.
    """
    weight = n / n.sum()
    bent = _bent(n)
    centred = bent - (bent @ weight)[:, None]
    slopes = weight * centred / ((weight * centred**2).sum(axis=1))[:, None]
    level = weight + slopes * centred[:, -1:]
    fitted = (weight @ scores) + (slopes @ scores)[:, None] * centred
    return slopes, level, (n * (scores - fitted) ** 2).sum(axis=1)


def _noise(n: FloatArray, misfit: float) -> float:
    freedom = max(1, len(n) - 3)
    return float(np.sqrt((_NOISE_WEIGHT * _NOISE**2 + misfit) / (_NOISE_WEIGHT + freedom)))


def drawn_scores(
    answers: IntArray, truth: IntArray, *, k: int, score: Score, seed: int, draws: int = 400
) -> FloatArray:
    """Return the score of each point of a curve on test diaries drawn anew, (draws, points).

    Args:
        answers: (points, n) label columns.
        truth: (n,) label columns.
    """
    n = len(truth)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float32)
    if score == "accuracy":
        return np.asarray(weights @ (answers == truth).T.astype(np.float32) / n, np.float64)
    named, result = named_columns(truth, k=k), np.empty((draws, len(answers)))
    for column, row in enumerate(answers):
        cells, place = np.unique(truth * k + row, return_inverse=True)
        confusion = np.zeros((draws, k * k))
        confusion[:, cells] = weights @ np.eye(len(cells), dtype=np.float32)[place]
        result[:, column] = np.nan_to_num(f1_of(confusion.reshape(draws, k, k)))[:, named].mean(axis=1)
    return result


@dataclass(frozen=True, slots=True)
class Stability:
    """How similarly two versions answer the pool.

    Attributes:
        n: diaries that both have answered.
        changed: share whose answer differs, in [0, 1]; NaN for n = 0.
        kappa: agreement beyond chance, at most 1; 1 where all answers are one label in both.
    """

    n: int
    changed: float
    kappa: float


def stability(before: IntArray, after: IntArray, *, k: int) -> Stability:
    """Compare the answers of two versions to the same diaries.

    Predictions that no longer change are a sign that more labels of the same kind bring little: for agreement
    beyond chance, averaged over the last three versions, 0.99 was found to stop about where people would.

    Args:
        before, after: (n,) label columns.

    Source: Bloodgood and Vijay-Shanker (2009), A Method for Stopping Active Learning Based on Stabilizing
        Predictions; Cohen (1960) for kappa.
    """
    n = len(before)
    if n == 0:
        return Stability(0, float("nan"), float("nan"))
    agreed = float((before == after).mean())
    shares = np.bincount(before, minlength=k) / n, np.bincount(after, minlength=k) / n
    by_chance = float(shares[0] @ shares[1])
    kappa = 1.0 if by_chance >= 1 - 1e-12 else (agreed - by_chance) / (1 - by_chance)
    return Stability(n, 1 - agreed, kappa)
