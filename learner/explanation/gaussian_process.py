"""A Gaussian process over perturbed texts: LIME's ridge on 800 texts, of which only a few were encoded.

A vector is a mean over tokens: a word counts for more the less else there is. A line through few texts takes that for
noise; a Gaussian process whose kernel knows the shares that two words have of the text does not. Its mean is linear in
the features of the encoded texts, so that the result holds for any head.

Where gradients are known, they are the mean that is expected, and the process models what they leave. They are known
in few directions; what lies across these is estimated from the texts alone.

Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, 2.2 (posterior), 5.4.2 (leave-one-out).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.explanation import perturbations
from learner.explanation.ridge import Estimate, linear_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    Matrix = NDArray[np.float64]

_ESTIMATED = 800
"""Perturbed texts of LIME's neighbourhood that are estimated."""


@dataclass(frozen=True, slots=True)
class KernelVariances:
    """Variances of the kernel's parts. Only their ratios matter.

    Attributes:
        words: of what depends on which groups are there.
        pairs: of what depends on the shares of two groups at a time.
        noise: of what depends on none of these.
    """

    words: float
    pairs: float
    noise: float


PRIOR_WITHOUT_GRADIENTS = KernelVariances(2.2, 100.0, 0.055)
"""Fitted to six texts of 54 to 76 words by their marginal likelihood, the pairs to twelve of 9 to 12 words: with pairs
98 % of the five strongest words that all perturbed texts give are found from 256, without them 96 %. The smaller the
words' shares, the less pairs matter."""

PRIOR_WITH_GRADIENTS = KernelVariances(0.066, 32.0, 0.055)
"""What gradients leave to be found: 85 % of the five strongest of 54 to 76 words from 12 perturbed texts, 86 % from 33;
of 15 to 24 words 92 % from 65, where 79 % are found without pairs."""

_GRADIENT_POWER = 0.5
"""Power of the share that is removed by which a gradient counts for more in a shorter text."""

_EDGE = 4
"""Characters that every text has beside its groups, such as an encoder's prefix: they keep every share bounded."""

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Gradients:
    """How fast scores rise with each group of a text.

    Attributes:
        directions: (r, features) of length 1, at right angles to each other.
        values: (g, r) gradients, known up to a common factor.
    """

    directions: FloatArray
    values: FloatArray


def estimate(keep: Matrix, features: FloatArray, lengths: Matrix, gradients: Gradients | None) -> Estimate:
    """Return LIME's local weights from few perturbed texts and, where they help, the text's gradients.

    Args:
        keep: (m, g) masks that were encoded.
        features: (m, features).
        lengths: (g,) characters of each group.
        gradients: left out where texts are predicted worse with them than without.
    """
    texts_only = _posterior(keep, features, lengths, PRIOR_WITHOUT_GRADIENTS)
    if gradients is None:
        return texts_only
    directions = np.asarray(gradients.directions, np.float64)
    along = features @ directions.T
    expected = scaled(keep, lengths) @ gradients.values
    factor = least_squares_factor(expected, along)
    corrected = _posterior(keep, along - factor * expected, lengths, PRIOR_WITH_GRADIENTS)
    if np.square(corrected.residuals).sum() > np.square(texts_only.residuals @ directions.T).sum():
        return texts_only  # the gradients of this text mislead
    near, mapping = neighbourhood(keep.shape[1])
    weights = factor * mapping @ scaled(near, lengths) @ gradients.values + corrected.matrix
    return _joined(texts_only, corrected, weights, directions)


def least_squares_factor(expected: Matrix, observed: Matrix) -> float:
    """Return the factor, at least 0, that brings gradients nearest to the scores."""
    centred = expected - expected.mean(axis=0)
    return max(float((centred * observed).sum()) / max(float(np.square(centred).sum()), _TINY), 0.0)


def _joined(texts_only: Estimate, corrected: Estimate, weights: Matrix, directions: Matrix) -> Estimate:
    """Return one estimate: by gradients along their directions, by texts alone across them."""

    def across(rows: Matrix) -> Matrix:
        return rows - rows @ directions.T @ directions

    # What lies across is surprising in the measure of its own errors, and reported in that of the others.
    ratio = np.linalg.norm(texts_only.errors) / max(float(np.linalg.norm(corrected.errors)), _TINY)
    return Estimate(
        matrix=across(texts_only.matrix) + weights @ directions,
        errors=corrected.errors,
        surprise=np.vstack([ratio * across(texts_only.surprise), corrected.surprise @ directions]),
        residuals=across(texts_only.residuals) + corrected.residuals @ directions,
    )


def scaled(keep: Matrix, lengths: Matrix) -> Matrix:
    """Return how much each gradient counts in each text, (m, g): in a shorter one each group that is there for more."""
    shares = (keep @ lengths + _EDGE) / (lengths.sum() + _EDGE)
    return np.asarray(keep * shares[:, None] ** -_GRADIENT_POWER)


def _posterior(keep: Matrix, features: NDArray[Any], lengths: Matrix, prior: KernelVariances) -> Estimate:
    """Return LIME's local weights of a Gaussian process that has seen some texts."""
    near, mapping = neighbourhood(keep.shape[1])
    inverse = np.linalg.inv(_covariance(keep, keep, lengths, prior) + prior.noise * np.eye(len(keep)))
    root = np.linalg.cholesky(inverse)
    seen = mapping @ _covariance(near, keep, lengths, prior)
    uncertain = mapping @ _covariance(near, near, lengths, prior) @ mapping.T - seen @ inverse @ seen.T
    # Of what differs from the mean of the texts: a ridge with an intercept is blind to the mean itself.
    differences = features - features.mean(axis=0)
    solved = inverse @ differences
    return Estimate(
        matrix=seen @ solved,
        errors=np.sqrt(np.maximum(np.diag(uncertain), 0)),
        surprise=root.T @ differences / np.sqrt(len(keep)),
        residuals=solved / np.diag(inverse)[:, None],
    )


def _covariance(one: Matrix, other: Matrix, lengths: Matrix, prior: KernelVariances) -> Matrix:
    groups = len(lengths)
    shares, other_shares = (rows * lengths / (rows @ lengths + _EDGE)[:, None] for rows in (one, other))
    return np.asarray(prior.words / groups * one @ other.T + prior.pairs * (shares @ other_shares.T) ** 2)


@lru_cache(maxsize=128)
def neighbourhood(groups: int) -> tuple[Matrix, Matrix]:
    """Return the masks whose texts are estimated, and LIME's map from them: the same for all of as many groups."""
    masks = perturbations.sample_masks(groups, budget=_ESTIMATED, rng=np.random.default_rng(groups))
    keep = masks.keep.astype(np.float64)
    return keep, linear_map(keep, masks.weights)
