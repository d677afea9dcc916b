"""Learning curves: how well heads that learned from the first 20, 50, 100, … labels do on the same diaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from learner.classification import macro_f1, metrics
from learner.classification.classifier import fit_head
from learner.classification.design_effect import design_effect
from learner.classification.softmax import softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

FEWEST = 20
"""Labels below which a curve is more noise than signal."""

_STEP = 1.35


def spread_counts(n: int, *, most: int = 9) -> tuple[int, ...]:
    """Return up to `most` numbers of labels up to n, evenly spread on a logarithmic scale, the last one n."""
    if n < FEWEST:
        return ()
    counts = [n]
    while len(counts) < most and round(counts[-1] / _STEP) >= FEWEST:
        counts.append(round(counts[-1] / _STEP))
    return tuple(reversed(counts))


def round_counts(n: int) -> tuple[int, ...]:
    """Return 20, 50, 100, 200, 500, … below n, and n itself."""
    steps = [m * 10**power for power in range(1, 7) for m in (1, 2, 5) if FEWEST <= m * 10**power < n]
    return (*steps, n) if n >= FEWEST else ()


def answers_along(
    features: FloatArray,
    labels: IntArray,
    test: FloatArray,
    *,
    counts: Sequence[int],
    k: int,
    prior_mean: FloatArray | None = None,
) -> IntArray:
    """Return the answers of heads trained on the first labels, (counts, n): label columns of `proba_along`."""
    answers: IntArray = proba_along(features, labels, test, counts=counts, k=k, prior_mean=prior_mean).argmax(axis=2)
    return answers


def proba_along(
    features: FloatArray,
    labels: IntArray,
    test: FloatArray,
    *,
    counts: Sequence[int],
    k: int,
    prior_mean: FloatArray | None = None,
) -> FloatArray:
    """Return the probabilities of heads trained on the first labels, (counts, n, k), not calibrated.

    Where the first labels are all of one kind, the answer is that kind: there is nothing else to learn.

    Args:
        features, labels: of the training diaries, in the order in which they were labelled.
        test: (n, features) of the diaries to answer.
        counts: how many of the first labels each head gets; at most len(labels).
        prior_mean: as in `learner.classification.classifier.train`.
    """
    proba = np.zeros((len(counts), len(test), k), np.float32)
    start = None
    # From the longest to the shortest: each head is near the one before it, which saves most of the time.
    for row in reversed(range(len(counts))):
        seen = labels[: counts[row]]
        if len(np.unique(seen)) < 2:
            proba[row, :, seen[0]] = 1.0
            continue
        start = fit_head(features[: counts[row]], seen, k=k, start=start, prior_mean=prior_mean)
        proba[row] = softmax(test @ start[0].T + start[1])
    return proba


@dataclass(frozen=True, slots=True)
class Point:
    """How a head that learned from `count` labels did; each figure with its 95 % interval."""

    count: int
    accuracy: metrics.Interval
    macro_f1: metrics.Interval

    def score(self, name: Literal["accuracy", "macro_f1"]) -> metrics.Interval:
        """Return one of the two figures."""
        return self.accuracy if name == "accuracy" else self.macro_f1


def points(
    answers: IntArray, truth: IntArray, *, counts: Sequence[int], k: int, writers: IntArray | None = None
) -> tuple[Point, ...]:
    """Return the points of a curve.

    Args:
        answers: (counts, n) of `answers_along`.
        truth: (n,) label columns.
        writers: (n,) equal for diaries of one writer, where whole writers were drawn.
    """
    curve = []
    for count, row in zip(counts, answers, strict=True):
        effect = 1.0 if writers is None else design_effect(row == truth, writers)
        share, n = float((row == truth).mean()), len(truth) / effect
        accuracy = metrics.Interval(share, *metrics.wilson(share * n, n))
        curve.append(Point(int(count), accuracy, macro_f1.macro_f1(row, truth, k=k, effect=effect).interval))
    return tuple(curve)
