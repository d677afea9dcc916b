"""What the encoder knows of 44 emotions, as a prior of the trained head: directions that tell emotions apart are cheap.

The price of a head's weights is that of a head which reads the 44 scores beside the features: the weights of the
vectors have a Gaussian prior whose variance is larger along the emotions' directions. That is the same as training on
vectors which are stretched along them, so the head stays linear in the vectors as they are. How far is chosen by heads
that have not seen the labels on which it is chosen: where people's labels follow other directions it only costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from learner.classification import classifier as classifiers
from learner.classification import temperature as temperatures
from learner.encoders import emotion_head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.classification.rationale_loss import Marked
    from learner.classification.temperature import CalibrationData

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

STRENGTHS = (0.0, 0.7, 1.4)
"""Lengths of the 44 scores beside features of length 1 that are tried; more cost accuracy, see docs/learning.md."""

FEW = 40
"""Examples up to which the smallest loss decides; above, a strength has to gain more than chance."""

MOST = 1000
"""Examples above which nothing is gained, and choosing would take seconds."""


@dataclass(frozen=True, slots=True)
class EmotionPrior:
    """How vectors are stretched before a head is trained.

    Attributes:
        stretch: in squared length of the scores; 0 for none. It is kept with a version.
        root: (width, width), symmetric; None for none.
    """

    stretch: float = 0.0
    root: FloatArray | None = None

    def apply(self, features: FloatArray) -> FloatArray:
        """Return features, (n, features), with their vectors stretched."""
        if self.root is None:
            return features
        width = len(self.root)
        return np.hstack([features[:, :width] @ self.root, features[:, width:]]).astype(np.float32)

    def apply_to_marks(self, marked: Marked | None) -> Marked | None:
        """Return what marked words add to the stretched features."""
        return None if marked is None else replace(marked, effects=self.apply(marked.effects))

    def apply_to_calibration(self, data: CalibrationData) -> CalibrationData:
        """Return calibration data for a head that reads stretched features."""
        tested, pool = self.apply(data.test_features), self.apply(data.pool_features)
        return replace(data, test_features=tested, pool_features=pool)

    def fold(self, head: Classifier) -> Classifier:
        """Return a head trained on stretched features as one of the features as they are."""
        committee = tuple((self._fold(weight), bias) for weight, bias in head.committee)
        return replace(head, weight=self._fold(head.weight), committee=committee)

    def _fold(self, weight: FloatArray) -> FloatArray:
        # The root is symmetric: (x root) w = x (root w).
        return self.apply(weight)


NONE = EmotionPrior()


def of(stretch: float) -> EmotionPrior:
    """Return the prior of a kept stretch."""
    if stretch <= 0:
        return NONE
    _, values, directions = np.linalg.svd(emotion_head.load().weight.astype(np.float64), full_matrices=False)
    longer = np.sqrt(1 + stretch * values**2) - 1
    root = np.eye(directions.shape[1]) + (directions.T * longer) @ directions
    return EmotionPrior(float(stretch), root.astype(np.float32))


def choose(
    features: FloatArray,
    targets: FloatArray,
    *,
    vectors: FloatArray,
    seed: int,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
) -> EmotionPrior:
    """Return the prior with which heads answer best what they have not seen.

    Args:
        features, targets, groups, weights: as in `learner.classification.classifier.train`.
        vectors: (p, width) centred vectors of the pool, of length 1: they say how long the scores are.

    Raises:
        LearnerError: ``vectors_not_finite``.
    """
    if len(targets) > MOST or len(np.unique(targets.argmax(axis=1))) < 2:
        return NONE
    scores = vectors @ emotion_head.load().weight.T
    length = float(((scores - scores.mean(axis=0)) ** 2).sum(axis=1).mean())
    counted = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
    priors = [of(strength**2 / max(length, 1e-9)) for strength in STRENGTHS]
    losses = [_losses(prior.apply(features), targets, counted, seed=seed, groups=groups) for prior in priors]
    best = int(np.argmin([np.average(each, weights=counted) for each in losses]))
    gains = losses[0] - losses[best]
    gained = float(np.average(gains, weights=counted))
    chance = float(np.sqrt(np.average((gains - gained) ** 2, weights=counted) / counted.sum()))
    return priors[best] if gained > (chance if len(targets) > FEW else 0.0) else NONE


def _losses(
    features: FloatArray,
    targets: FloatArray,
    counted: NDArray[np.float64],
    *,
    seed: int,
    groups: IntArray | None,
) -> NDArray[np.float64]:
    """Return the cross-entropy of each example by a head that has not seen it, at the best temperature, (n,)."""
    weights = np.asarray(counted, np.float32)
    proba = classifiers.answer_out_of_fold(features, targets, seed=seed, groups=groups, weights=weights)
    logits = np.asarray(np.log(np.maximum(proba, 1e-9)), np.float32)
    answers = classifiers.softmax(logits / np.float32(temperatures.fit(logits, targets, counted)))
    return np.asarray(-(targets * np.log(np.maximum(answers, 1e-6))).sum(axis=1), np.float64)
