"""The classifier that needs no label: by the labels' wording, and with the emotions that the bundled encoder knows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from annotator.label_sets import emotions
from learner.classification import classifier as classifiers
from learner.classification import first_answers
from learner.encoders import emotion_head
from learner.encoders.encoder import EMOTION
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from db.label_sets.labels import Label
    from learner.classification.classifier import Classifier
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]


def classify(
    encoder: Encoder,
    names: Sequence[str],
    definitions: Sequence[str],
    sample: FloatArray,
    *,
    mean: FloatArray | None = None,
) -> Classifier:
    """Return the classifier that needs no label.

    Args:
        names, definitions: of the k labels.
        sample: (n, width) vectors of the pool by this encoder, at least one.
        mean: (width,) what vectors are centred on; None for the mean of the sample.
    """
    mean = sample.mean(axis=0) if mean is None else mean
    plain = classifiers.zero_label(encoder, names, definitions, mean=mean)
    if split_name(encoder.name)[0] != EMOTION:
        return plain
    shares = emotions.shares_of(encoder, names, definitions)
    return first_answers.with_emotions(plain, emotion_head.load(), shares, sample)


def digest_of(label_set: Sequence[Label]) -> str:
    """Return a digest of everything that a model without training labels knows of the labels, whatever their order."""
    rows = sorted((label.id, label.name, label.definition) for label in label_set)
    return hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest()
