"""Answers before any label: what the encoder's 44 emotions say of the labels, beside the labels' names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.encoders.emotion_head import EmotionHead

    FloatArray = NDArray[np.float32]

NAMES_SHARE = 0.5
"""How much the likeness to a label's wording counts beside its emotions; chosen in docs/learning.md."""

_PRIOR_TEXTS = 50


def with_emotions(plain: Classifier, head: EmotionHead, shares: FloatArray, sample: FloatArray) -> Classifier:
    """Return the classifier that needs no label, with the emotions of the encoder in it; linear like any other.

    A label's score is the mean of its emotions' scores, and what its wording says. Both get the same spread on a sample
    of the pool, since nobody knows there how sure to be. Labels whose emotions are common are likelier beforehand.

    Args:
        plain: by names and definitions alone, see `learner.classification.classifier.zero_label`.
        shares: (k, 44) which emotions make up a label, rows sum to 1; to 0 for a label that they know nothing of, which
            keeps its wording.
        sample: (n, width) vectors of the pool.
    """
    is_known = np.asarray(shares.any(axis=1), np.bool_)
    if not is_known.any():
        return plain
    features = plain.features(sample, None)
    part_width = plain.mean.shape[-1]
    by_emotions = _even(shares @ head.weight, features, part_width) * is_known[:, None]
    by_names = _even(plain.weight, features, part_width) * np.where(is_known, NAMES_SHARE, 1)[:, None]
    common = np.log(np.maximum(shares @ head.frequency, 1e-6))
    bias = np.where(is_known, common - common[is_known].mean(), 0)
    return replace(plain, weight=np.asarray(by_emotions + by_names, np.float32), bias=bias.astype(np.float32))


def _even(weight: FloatArray, features: FloatArray, part_width: int) -> FloatArray:
    """Return weights whose scores have a spread of about 1 on the features, row by row.

    Few diaries, or diaries of few moods, say little of each label's spread: `_PRIOR_TEXTS` more count as spread alike
    for all of them, and at least as far as vectors without any direction.
    """
    measured, even = (features @ weight.T).var(axis=0), (weight**2).sum(axis=1)
    even *= max(measured.sum() / max(float(even.sum()), 1e-9), 1 / part_width)
    variance = (len(features) * measured + _PRIOR_TEXTS * even) / (len(features) + _PRIOR_TEXTS)
    return np.asarray(weight / np.maximum(np.sqrt(variance), 1e-6)[:, None], np.float32)
