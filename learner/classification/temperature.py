"""The temperature of a head's probabilities, chosen on answers that stand for the pool rather than for the queue.

Active learning labels what a head is unsure of. Out of fold a head looks worse on those diaries than it is on the pool,
and a temperature fitted on them makes its answers too modest. So test decisions and uniformly drawn diaries count in
full; the chosen ones count half, weighted so that heads are as sure of them together as of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

USUAL = 0.7
"""The temperature that heads of this kind usually need: between 0.4 and 0.95 on diaries, comments and reviews."""

_PRIOR_WEIGHT = 8.0
_CHOSEN_SHARE = 0.5
"""How much labels that were not drawn uniformly count, since density by confidence mends only most of their bias.

These three were chosen together; benchmarks/calibration.py measures what comes of them.
"""

_BINS = 10
_MOST_WEIGHT = 10.0
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """What a temperature is chosen on, beside the training examples out of fold.

    Attributes:
        is_uniform: (n,) whether a training example was drawn uniformly at random.
        test_features, test_targets: (m, features) and (m, k) of decided test diaries.
        test_groups: (m,) test diaries of one writer share a number.
        pool_features: (p, features) of undecided diaries, drawn uniformly; chosen examples are weighted towards them.
    """

    is_uniform: NDArray[np.bool_]
    test_features: FloatArray
    test_targets: FloatArray
    test_groups: NDArray[np.int64]
    pool_features: FloatArray


def fit(logits: FloatArray, targets: FloatArray, weights: NDArray[np.float64] | None = None) -> float:
    """Return the temperature with the smallest weighted loss, held near `USUAL` where there are few examples.

    Unlike training this counts every label the same, so that probabilities fit the labels as they come.

    Args:
        logits, targets: (n, k); targets are rows that sum to 1.
        weights: (n,); None for 1 each.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, sec. 4.2.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    weighted = targets if weights is None else targets * weights[:, None]
    usual = float(np.log(USUAL))

    def loss(log: float) -> float:
        return float(-(weighted * log_softmax(logits / np.exp(log), axis=1)).sum()) + _PRIOR_WEIGHT * (log - usual) ** 2

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.0), method="bounded").x))


def fit_without_each(
    logits: FloatArray, targets: FloatArray, weights: NDArray[np.float64], *, groups: NDArray[np.int64], seed: int
) -> NDArray[np.float32]:
    """Return a temperature for each of the last rows that was chosen without it and its group, (m,): by folds.

    Args:
        groups: (m,) of the last rows.
    """
    names, places = np.unique(groups, return_inverse=True)
    folds = (np.random.default_rng(seed).permutation(len(names)) % _FOLDS)[places]
    tested = len(groups)
    result = np.ones(tested, np.float32)
    for fold in np.unique(folds):
        seen = np.concatenate([np.ones(len(logits) - tested, np.bool_), folds != fold])
        result[folds == fold] = fit(logits[seen], targets[seen], weights[seen])
    return result


def weigh(
    logits: FloatArray,
    is_uniform: NDArray[np.bool_],
    pool_logits: FloatArray,
    *,
    counted: FloatArray | None = None,
) -> NDArray[np.float64]:
    """Return how much each training example counts, (n,): 1 if drawn uniformly, otherwise by how sure the pool is.

    Chosen examples get the share of the pool at their distance between the two likeliest labels over their own, and
    together count as much as half the number of equally weighted examples that they are worth.

    Args:
        logits: (n, k) out of fold; pool_logits: (p, k).
        counted: (n,) how much each example counts to begin with; None for 1.

    Source: Shimodaira (2000), Improving predictive inference under covariate shift, for density ratios; Kish (1965)
        for the number of examples that weighted ones are worth.
    """
    weights = np.ones(len(logits)) if counted is None else counted.astype(np.float64)
    chosen = ~is_uniform
    if not chosen.any() or not len(pool_logits):
        return weights
    edges = np.quantile(_gaps(pool_logits), np.linspace(0, 1, _BINS + 1)[1:-1])
    places = np.digitize(_gaps(logits[chosen]), edges)
    own = weights[chosen]
    counts = np.bincount(places, weights=own, minlength=_BINS)
    ratios = own * np.minimum(own.sum() / (_BINS * counts[places]), _MOST_WEIGHT)
    worth = ratios.sum() ** 2 / (ratios**2 / own).sum()
    weights[chosen] = ratios * (_CHOSEN_SHARE * worth / ratios.sum())
    return weights


def _gaps(logits: FloatArray) -> FloatArray:
    ordered = np.sort(logits, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], np.float32)
