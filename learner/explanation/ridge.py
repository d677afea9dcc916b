"""LIME's local ridge: a weighted linear model of features on which units a text keeps.

A ridge is linear in what it is fitted to: its weights are a fixed matrix times the features of the perturbed texts.

Source: Ribeiro et al. (2016), "Why Should I Trust You?"; lime 0.2.0.1, LimeBase (Ridge of strength 1 with an
intercept); the closed form of ridge regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def linear_map(keep: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return A, (g, m): LIME's local weights are A times what the model says of the m texts."""
    if keep.shape == (2, 1):
        # Two texts, one difference: a ridge would only shrink it.
        return np.array([[1.0, -1.0]])
    centred = keep - np.average(keep, axis=0, weights=weights)
    weighted = (centred * weights[:, None]).T
    return np.asarray(np.linalg.solve(weighted @ centred + STRENGTH * np.eye(keep.shape[1]), weighted))


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
