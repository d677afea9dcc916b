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


def macro_f1(answers: IntArray, truth: IntArray, *, k: int, effect: float = 1.0) -> NamedF1:
    """Return the macro F1 over the labels of `named_columns`.

    Args:
        answers, truth: (n,) columns in [0, k).
        effect: how many diaries are worth an independent one; see `learner.classification.design_effect`.
    """
    columns = named_columns(truth, k=k)
    if len(columns) < _FEWEST_LABELS:
        return _nothing()
    each = _of_each(answers, truth, columns, k=k, effect=effect)
    covariance = each.effects @ each.effects.T + _prior_within(each, k=k)
    return _mean(each.f1, each.f1 - each.low, each.high - each.f1, covariance, columns)


def change(before: IntArray, after: IntArray, truth: IntArray, *, k: int) -> NamedF1:
    """Return by how much the macro F1 of the second classifier is higher, over the labels of `named_columns`.

    Args:
        before, after, truth: (n,) columns in [0, k), of the same diaries.
    """
    columns = named_columns(truth, k=k)
    if len(columns) < _FEWEST_LABELS:
        return _nothing()
    old, new = (_of_each(answers, truth, columns, k=k) for answers in (before, after))
    between = old.effects @ new.effects.T + _prior_between(old, new, k=k)
    return _mean(
        np.concatenate([-old.f1, new.f1]),
        np.concatenate([old.high - old.f1, new.f1 - new.low]),
        np.concatenate([old.f1 - old.low, new.high - new.f1]),
        np.block(
            [
                [old.effects @ old.effects.T + _prior_within(old, k=k), -between],
                [-between.T, new.effects @ new.effects.T + _prior_within(new, k=k)],
            ]
        ),
        columns,
    )


def _nothing() -> NamedF1:
    return NamedF1(float("nan"), float("nan"), float("nan"), ())


@dataclass(frozen=True, slots=True)
class _Each:
    """The F1 of each label.

    Attributes:
        f1, low, high: (labels,) with the ends of its interval.
        smoothed: (labels,) F1 with the prior, and `seen`, (labels,), what it is divided by.
        effects: (labels, n): how much each diary moves the F1 of each label: influence functions.
    """

    f1: FloatArray
    low: FloatArray
    high: FloatArray
    smoothed: FloatArray
    seen: FloatArray
    effects: FloatArray


def _of_each(answers: IntArray, truth: IntArray, columns: IntArray, *, k: int, effect: float = 1.0) -> _Each:
    right = np.bincount(truth[truth == answers], minlength=k)[columns]
    seen = (np.bincount(truth, minlength=k) + np.bincount(answers, minlength=k))[columns]
    bounds = np.array([f1_interval(int(r) / effect, int(s) / effect) for r, s in zip(right, seen, strict=True)])
    smoothed_seen = (seen + 2 / k).astype(np.float64)
    smoothed = np.asarray(2 * (right + 1 / k**2) / smoothed_seen, np.float64)
    is_truth, is_answer = truth == columns[:, None], answers == columns[:, None]
    effects = 2.0 * (is_truth & is_answer) - smoothed[:, None] * (is_truth.astype(float) + is_answer)
    scaled = np.asarray(effects / smoothed_seen[:, None], np.float64)
    return _Each(2 * right / seen, bounds[:, 0], bounds[:, 1], smoothed, smoothed_seen, scaled)


def _prior_within(each: _Each, *, k: int) -> FloatArray:
    """Return what one diary spread evenly over all pairs of truth and answer adds to the covariance, (labels, labels).

    So labels that have been right always, or never, vary too. The sum over the k² pairs is worked out, not made.
    """
    f = each.smoothed
    moved = 2 * np.outer(f, f) + np.diag(4 - 8 * f + 2 * k * f**2)
    return np.asarray(moved / (k**2 * np.outer(each.seen, each.seen)), np.float64)


def _prior_between(old: _Each, new: _Each, *, k: int) -> FloatArray:
    """Return what it adds between two classifiers, whose answers to it have nothing to do with each other."""
    f, g = old.smoothed[:, None], new.smoothed[None]
    apart = -2 * g - 2 * f + 3 * k * f * g
    same = 4 - 2 * k * (g + f) + k**2 * f * g
    moved = apart + np.eye(len(old.smoothed)) * same
    return np.asarray(moved / (k**3 * np.outer(old.seen, new.seen)), np.float64)


def _mean(terms: FloatArray, down: FloatArray, up: FloatArray, covariance: FloatArray, columns: IntArray) -> NamedF1:
    """Return the sum of terms over the number of labels; `down` and `up` lead to the ends of each one's interval."""
    spread = np.sqrt(np.diagonal(covariance))
    correlations = covariance / np.outer(spread, spread)
    value = terms.sum() / len(columns)
    below, above = (math.sqrt(max(0.0, float(d @ correlations @ d))) / len(columns) for d in (down, up))
    return NamedF1(float(value), float(value - below), float(value + above), tuple(map(int, columns)))
