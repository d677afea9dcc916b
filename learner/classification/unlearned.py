"""Labels that no example has: a small share, which the model that needs no label spreads over texts.

A head that is trained without an example of a label learns to say that it never occurs. Nobody knows that: each label
that has not come up in n examples of k labels still has the chance of one in n + k, as by Laplace's rule of succession.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

MOST = 0.5
"""All labels without examples together get at most this much, each the same part of it; see docs/learning.md."""


@dataclass(frozen=True, slots=True)
class Unlearned:
    """How likely the labels without examples are for a text.

    Attributes:
        places: (u,) of these labels among k.
        weight, bias: (k, width) and (k,) of the model that needs no label, for centred vectors.
        scale: (u,) brings its probabilities to the mean that these labels have among diaries.
    """

    places: NDArray[np.int64]
    weight: FloatArray
    bias: FloatArray
    scale: FloatArray

    def shares(self, features: FloatArray) -> FloatArray:
        """Return the probabilities of these labels, (n, u).

        Args:
            features: (n, features); the first columns are vectors, centred.
        """
        vectors = features[:, : self.weight.shape[1]]
        first = softmax(vectors @ self.weight.T + self.bias)[:, self.places]
        return np.asarray(np.minimum(first * self.scale, MOST / len(self.places)), np.float32)

    def mix(self, proba: FloatArray, features: FloatArray) -> FloatArray:
        """Return a head's probabilities, (n, k), with those of these labels in them; rows sum to 1.

        The others keep what they have relative to each other.

        Args:
            features: as in `shares`.
        """
        mixed, shares = proba.copy(), self.shares(features)
        mixed[:, self.places] = 0
        mixed *= (1 - shares.sum(axis=1, keepdims=True)) / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-9)
        mixed[:, self.places] = shares
        return np.asarray(mixed, np.float32)


def find(
    first: tuple[FloatArray, FloatArray], targets: FloatArray, pool: FloatArray, *, weights: FloatArray | None = None
) -> Unlearned | None:
    """Return what is said of the labels that no example has; None if each has one.

    Args:
        first: weight (k, width) and bias (k,) of the model that needs no label.
        targets: (n, k) of the examples.
        pool: (p, features) of diaries, at least one; the first columns are their vectors.
        weights: (n,) how much each example counts; None for 1.
    """
    weight, bias = first
    count = len(targets) if weights is None else float(weights.sum())
    places = np.flatnonzero(~targets.any(axis=0))
    if not len(places) or len(places) == len(bias):
        return None
    usual = softmax(pool[:, : weight.shape[1]] @ weight.T + bias)[:, places].mean(axis=0)
    scale = 1 / np.maximum(usual, 1e-6) / (count + len(bias))
    return Unlearned(places, weight, bias, np.asarray(scale, np.float32))
