"""LIME's local ridge: a weighted linear model of features on which units a text keeps.

A ridge is linear in what it is fitted to: its weights are a fixed matrix times the features of the perturbed texts.
lime's own LimeBase fits it, once for each text, which gives the matrix.

Source: Ribeiro et al. (2016), "Why Should I Trust You?".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

STRENGTH = 1.0
"""LIME's: the same whatever the number of texts, so that the sum of their weights matters."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Local weights from the features of m perturbed texts.

    Attributes:
        matrix: (g, features): what each group adds to each feature.
        errors: (g,) standard errors for a surprise of 1.
        surprise: (m, features) whose squares sum to 1 for answers as expected, to more for mere chance.
        residuals: (m, features): each text's features less what the model says of them.
    """

    matrix: NDArray[np.float64]
    errors: NDArray[np.float64]
    surprise: NDArray[np.float64]
    residuals: NDArray[np.float64]


class _LinearMap:
    """A ridge that is fitted to many columns at once where LimeBase expects one."""

    intercept_ = 0.0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:  # noqa: N803 - sklearn's names
        from sklearn.linear_model import Ridge

        self.map = Ridge(alpha=STRENGTH).fit(X, y, sample_weight=sample_weight).coef_.reshape(-1, X.shape[1]).T
        self.coef_ = np.zeros(X.shape[1])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        return 0.0  # measured by `local_surrogate.LocalModel.r_squared`, for any head

    def predict(self, X: Any) -> float:  # noqa: N803
        return 0.0


def linear_map(keep: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return A, (g, m): LIME's local weights are A times what the model says of the m texts."""
    if keep.shape == (2, 1):
        # Two texts, one difference: a ridge would only shrink it.
        return np.array([[1.0, -1.0]])
    from lime.lime_base import LimeBase

    regressor = _LinearMap()
    # The weights are ready and stand where LimeBase expects distances; the answers to single texts give A's columns.
    LimeBase(kernel_fn=lambda ready: ready, random_state=0).explain_instance_with_data(
        keep,
        np.eye(len(keep)),
        weights,
        slice(None),
        keep.shape[1],
        feature_selection="none",
        model_regressor=regressor,
    )
    return np.asarray(regressor.map, np.float64)


def estimate(keep: NDArray[np.float64], weights: NDArray[np.float64], features: FloatArray) -> Estimate:
    """Return LIME's local weights from perturbed texts.

    Args:
        keep: (m, g) masks of 0 and 1.
        weights: (m,) how much each text counts.
        features: (m, features).
    """
    mapping = linear_map(keep, weights)
    matrix = mapping @ features
    centred = features - np.average(features, axis=0, weights=weights)
    residuals = centred - (keep - np.average(keep, axis=0, weights=weights)) @ matrix
    # Residuals of equal variance: each weight's variance is that of a residual times the squares of its row.
    return Estimate(matrix, np.linalg.norm(mapping, axis=1), residuals / np.sqrt(len(keep)), residuals)
