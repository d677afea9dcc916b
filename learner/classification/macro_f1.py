"""Macro F1 over labels that are named beforehand, and its paired change, with intervals that hold with few diaries.

A mean over whichever labels happen to occur is a mean over another set in each sample: it starts too high where labels
are rare, and falls by itself as they turn up. So the labels are those with enough test decisions, the same ones for all
that is compared, and whoever shows the figure says which they are.

The interval of each F1 is Wilson's (`metrics.f1_interval`). Their distances from the F1s are put together as variances
would be, with the correlations that the delta method gives, since one wrong answer lowers the F1 of two labels. A
bootstrap covers less: it never draws what has not occurred. How often the intervals held the truth is in
docs/learning.md.

Source: Zou and Donner (2008), Construction of Confidence Limits about Effect Measures, for limits put together with
their correlations; Donner and Zou (2012), Closed-form Confidence Intervals for Functions of the Normal Mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.metrics import Interval, f1_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

FEWEST_DECISIONS = 3
"""Test decisions from which a label is in the mean.

With one the interval covers 91 to 98 % of simulated projects, with three 92 to 98 %. With five it covers no more, and
fewer labels are named. Chosen in docs/learning.md.
"""

_FEWEST_LABELS = 2
"""The mean over one label is that label's F1."""


@dataclass(frozen=True, slots=True)
class NamedF1:
    """A macro F1, or by how much one is higher, with its 95 % interval.

    Attributes:
        value, low, high: NaN where fewer than two labels have enough decisions.
        columns: the labels it is the mean over, ascending.
    """

    value: float
    low: float
    high: float
    columns: tuple[int, ...]

    @property
    def interval(self) -> Interval:
        """Return the figure without its labels."""
        return Interval(self.value, self.low, self.high)


def named_columns(truth: IntArray, *, k: int) -> IntArray:
    """Return the labels that a macro F1 is about: those with enough decisions, whatever was answered.

    Args:
        truth: (n,) columns in [0, k).
    """
    return np.flatnonzero(np.bincount(truth, minlength=k) >= FEWEST_DECISIONS)


def macro_f1(answers: IntArray, truth: IntArray, *, k: int) -> NamedF1:
    """Return the macro F1 over the labels of `named_columns`.

    Args:
        answers, truth: (n,) columns in [0, k).
    """
    columns = named_columns(truth, k=k)
    if len(columns) < _FEWEST_LABELS:
        return _nothing()
    f1, low, high = _of_each(answers, truth, columns, k=k)
    correlations = _correlations(_effects(answers, truth, columns, k=k), k=k)
    return _mean(f1, f1 - low, high - f1, correlations, columns)


def change(before: IntArray, after: IntArray, truth: IntArray, *, k: int) -> NamedF1:
    """Return by how much the macro F1 of the second classifier is higher, over the labels of `named_columns`.

    Args:
        before, after, truth: (n,) columns in [0, k), of the same diaries.
    """
    columns = named_columns(truth, k=k)
    if len(columns) < _FEWEST_LABELS:
        return _nothing()
    old, old_low, old_high = _of_each(before, truth, columns, k=k)
    new, new_low, new_high = _of_each(after, truth, columns, k=k)
    effects = [-_effects(before, truth, columns, k=k), _effects(after, truth, columns, k=k, shift=1)]
    return _mean(
        np.concatenate([-old, new]),
        np.concatenate([old_high - old, new - new_low]),
        np.concatenate([old - old_low, new_high - new]),
        _correlations(np.concatenate(effects), k=k),
        columns,
    )


def _nothing() -> NamedF1:
    return NamedF1(float("nan"), float("nan"), float("nan"), ())


def _of_each(
    answers: IntArray, truth: IntArray, columns: IntArray, *, k: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the F1 of each label with the ends of its interval, (labels,) each."""
    right = np.bincount(truth[truth == answers], minlength=k)[columns]
    seen = (np.bincount(truth, minlength=k) + np.bincount(answers, minlength=k))[columns]
    bounds = np.array([f1_interval(int(r), int(s)) for r, s in zip(right, seen, strict=True)])
    return 2 * right / seen, bounds[:, 0], bounds[:, 1]


def _effects(answers: IntArray, truth: IntArray, columns: IntArray, *, k: int, shift: int = 0) -> FloatArray:
    """Return how much each diary moves the F1 of each label, (labels, k² + n): influence functions.

    The first k² are made up, one for each truth and answer, so that a label that has been right always or never varies,
    too; see `_weights`.

    Args:
        shift: 1 gives the made-up diaries answers that have nothing to do with those for 0.
    """
    made_up_truth, made_up = np.divmod(np.arange(k * k), k)
    truth = np.concatenate([made_up_truth, truth])
    answers = np.concatenate([(made_up + shift * made_up_truth) % k, answers])
    weights = _weights(len(truth), k=k)
    is_truth, is_answer = truth == columns[:, None], answers == columns[:, None]
    seen = (is_truth * weights).sum(axis=1) + (is_answer * weights).sum(axis=1)
    f1 = 2 * (is_truth * is_answer * weights).sum(axis=1) / seen
    effects = 2.0 * (is_truth & is_answer) - f1[:, None] * (is_truth.astype(float) + is_answer)
    return np.asarray(effects / seen[:, None], np.float64)


def _weights(count: int, *, k: int) -> FloatArray:
    """Return how much each diary counts, (count,): the first k², which are made up, together as much as one."""
    return np.concatenate([np.full(k * k, 1 / (k * k)), np.ones(count - k * k)])


def _correlations(effects: FloatArray, *, k: int) -> FloatArray:
    """Return how the F1s vary together, from what one diary does to each."""
    covariance = (effects * _weights(effects.shape[1], k=k)) @ effects.T
    spread = np.sqrt(np.diagonal(covariance))
    return np.asarray(covariance / np.outer(spread, spread), np.float64)


def _mean(terms: FloatArray, down: FloatArray, up: FloatArray, correlations: FloatArray, columns: IntArray) -> NamedF1:
    """Return the sum of terms over the number of labels; `down` and `up` lead to the ends of each one's interval."""
    value = terms.sum() / len(columns)
    below, above = (math.sqrt(max(0.0, float(d @ correlations @ d))) / len(columns) for d in (down, up))
    return NamedF1(float(value), float(value - below), float(value + above), tuple(map(int, columns)))
