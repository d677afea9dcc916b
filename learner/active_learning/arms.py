"""Whether asking by a strategy beats drawing at random: labels of both kinds, compared at equal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from learner.classification import metrics
from learner.classification.classifier import fit_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

FEWEST_TO_COMPARE = 100
"""Labels of each arm below which the luck of which labels they are hides any difference."""

_DRAWS = 12
"""Training sets drawn anew for each arm: their scatter is known to about a fifth."""


@dataclass(frozen=True, slots=True)
class Arms:
    """The two orders of labels that are compared at equal numbers.

    Attributes:
        chosen: places of the labels whose diaries the query strategy chose, after the random start.
        random: places of the labels whose diaries were drawn uniformly at random.
        shared: how many labels both begin with: those drawn at random before the first was chosen.
    """

    chosen: IntArray
    random: IntArray
    shared: int

    @property
    def count(self) -> int:
        """Return the number of labels at which the arms can be compared; 0 if they differ in none."""
        count = min(len(self.chosen), len(self.random))
        return count if count > self.shared else 0


def split_arms(is_random: NDArray[np.bool_], is_chosen: NDArray[np.bool_]) -> Arms:
    """Deal labels to the two arms.

    Both arms keep the order in which the labels came, and both begin with the random start, which is what a
    team with or without active learning would have. After it the chosen arm takes chosen labels only, the
    random arm drawn ones only. Labels that nobody was asked for, such as imported ones, are in neither.

    Labels drawn after the first round come from a pool that lacks the chosen diaries. As long as few of the
    pool have been chosen that changes little; otherwise the random arm is a little too easy.

    Args:
        is_random, is_chosen: (n,) in the order of the labels; never both true.
    """
    random, chosen = np.flatnonzero(is_random), np.flatnonzero(is_chosen)
    first = int(chosen[0]) if len(chosen) else len(is_random)
    start = random[random < first]
    return Arms(np.concatenate([start, chosen]), random, len(start))


def accuracy_gap(
    chosen: tuple[FloatArray, IntArray],
    random: tuple[FloatArray, IntArray],
    test: tuple[FloatArray, IntArray],
    *,
    k: int,
    seed: int,
    prior_mean: FloatArray | None = None,
) -> metrics.Interval:
    """Return by how much a head that learned chosen labels is more often right than one that learned random ones.

    The interval holds the luck of the labels as well as that of the test diaries: two arms drawn alike differ by more
    than test diaries alone explain, since each is one training set of many. The scatter of training sets comes from
    heads trained on labels drawn anew, with replacement, and is added to that of the paired answers.

    Args:
        chosen, random, test: features (n, features) and label columns (n,) in [0, k) of each.
        prior_mean: as in `learner.classification.classifier.train`.

    Source: Dietterich (1998), Approximate Statistical Tests for Comparing Supervised Classification Learning
        Algorithms, sec. 2, for the two sources of chance; Efron and Tibshirani (1993), sec. 6, for the bootstrap.
    """
    from scipy import stats

    rng = np.random.default_rng(seed)
    is_right = partial(_is_right, test=test, k=k, prior_mean=prior_mean)
    difference = is_right(*chosen).astype(float) - is_right(*random)
    value, n = float(difference.mean()), len(difference)
    of_labels = sum(_scatter(*arm, is_right, rng=rng) for arm in (chosen, random))
    half = stats.t.ppf(0.975, 2 * (_DRAWS - 1)) * np.sqrt(of_labels + difference.var(ddof=1) / n)
    return metrics.Interval(value, float(value - half), float(value + half))


def _is_right(
    features: FloatArray,
    labels: IntArray,
    *,
    test: tuple[FloatArray, IntArray],
    k: int,
    prior_mean: FloatArray | None,
) -> NDArray[np.bool_]:
    if len(np.unique(labels)) < 2:
        return np.asarray(test[1] == labels[0])
    weight, bias = fit_head(features, labels, k=k, prior_mean=prior_mean)
    return np.asarray((test[0] @ weight.T + bias).argmax(axis=1) == test[1])


def _scatter(
    features: FloatArray,
    labels: IntArray,
    is_right: Callable[[FloatArray, IntArray], NDArray[np.bool_]],
    *,
    rng: np.random.Generator,
) -> float:
    """Return the variance of the accuracy over training sets drawn anew."""
    accuracies = []
    for _ in range(_DRAWS):
        drawn = rng.integers(0, len(labels), len(labels))
        accuracies.append(is_right(features[drawn], labels[drawn]).mean())
    return float(np.var(accuracies, ddof=1))
