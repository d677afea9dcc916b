"""The model that needs no label as the prior of a trained head: what examples don't say is answered as before them.

A head is a sum of what examples teach and what it is drawn towards. Drawn towards zero, twenty examples of seven labels
make it forget what the first model knew; drawn towards a part of that model's weights, it starts from there, and is
still linear in the features. With more examples the prior fades by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learner.classification import classifier as classifiers
from learner.classification import temperature as temperatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

STRENGTHS = (0.5, 0.25, 0.0)
"""Parts of the first model's weights that a head may be drawn towards, the usual one first; see docs/learning.md."""

MOST_TRIED = 500
"""Examples on which the parts are tried: of more, so many evenly spread ones."""

_CLEARLY = 1.0
"""Standard errors of a loss that is clear. Half a one follows chance, with two the prior stays where it does harm."""

_FEWEST_TRIED = 10
"""Examples below which chance alone decides such a try."""


def choose_strength(
    first: FloatArray,
    features: FloatArray,
    targets: FloatArray,
    *,
    seed: int,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
) -> float:
    """Return the part of the first model's weights that a head is drawn towards, one of `STRENGTHS`.

    Half of them, or less where heads answer what they have not seen clearly better with less: by more than `_CLEARLY`
    standard errors of the loss out of fold. It is half unless that is clear, since with few examples the loss out of
    fold says little, and the first model much.

    Args:
        first: (k, width) weights of the first model for centred vectors, the first columns of features.
        features, targets, groups, weights: as in `learner.classification.classifier.train`.

    Raises:
        LearnerError: ``vectors_not_finite``.
    """
    usual = STRENGTHS[0]
    if len(targets) < _FEWEST_TRIED or len(np.unique(targets.argmax(axis=1))) < 2:
        return usual
    tried = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), MOST_TRIED)).astype(np.int64))
    apart = None if groups is None else groups[tried]
    counted = np.ones(len(tried)) if weights is None else np.asarray(weights[tried], np.float64)
    losses = [
        _losses(features[tried], targets[tried], counted, mean_of(first, strength), seed=seed, groups=apart)
        for strength in STRENGTHS
    ]
    best = int(np.argmin([np.average(loss, weights=counted) for loss in losses]))
    gains = losses[0] - losses[best]
    gain = float(np.average(gains, weights=counted))
    error = np.sqrt(np.average((gains - gain) ** 2, weights=counted) / counted.sum())
    return STRENGTHS[best] if gain > _CLEARLY * error else usual


def mean_of(first: FloatArray, strength: float) -> FloatArray | None:
    """Return the prior's mean, (k, width), for a part of the first model's weights; None for no part."""
    return np.asarray(strength * first, np.float32) if strength else None


def _losses(
    features: FloatArray,
    targets: FloatArray,
    counted: NDArray[np.float64],
    prior_mean: FloatArray | None,
    *,
    seed: int,
    groups: IntArray | None,
) -> NDArray[np.float64]:
    """Return the cross-entropy of each example, (n,), by heads that have not seen it, at their best temperature.

    Among the labels that examples have: what others get is not a head's to say, see `unlearned`.
    """
    weights = np.asarray(counted, np.float32)
    proba = classifiers.answer_out_of_fold(
        features, targets, seed=seed, groups=groups, weights=weights, prior_mean=prior_mean
    )
    known = targets.any(axis=0)
    logits = np.asarray(np.log(np.maximum(proba[:, known], 1e-9)), np.float32)
    targets = targets[:, known]
    answers = classifiers.softmax(logits / np.float32(temperatures.fit(logits, targets, counted)))
    return -np.asarray((targets * np.log(np.maximum(answers, 1e-9))).sum(axis=1), np.float64)
