"""The classifier that needs no label: by the labels' wording, and with the emotions that the bundled encoder knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.label_sets import emotions
from learner.classification import classifier as classifiers
from learner.classification import first_answers
from learner.encoders import emotion_editions, emotion_head
from learner.encoders.precision import split_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from db.label_sets.labels import Label
    from learner.classification.classifier import Classifier, Head
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FirstModel:
    """The classifier that needs no label.

    Attributes:
        knows_most: whether the encoder's emotions know more than half of the labels; the others answer by wording.
    """

    classifier: Classifier
    knows_most: bool

    @property
    def head(self) -> Head:
        """Weight (k, width) and bias (k,) for centred vectors whose parts have length 1."""
        return self.classifier.head


def of_labels(
    encoder: Encoder,
    names: Sequence[str],
    definitions: Sequence[str],
    sample: FloatArray,
    *,
    mean: FloatArray | None = None,
) -> FirstModel:
    """Return the classifier that needs no label, and how much it rests on.

    Args:
        names, definitions: of the k labels.
        sample: (n, width) vectors of the pool by this encoder, at least one.
        mean: what vectors are centred on, see `Classifier`; None for the mean of the sample.
    """
    mean = encoder.by_parts(sample.mean(axis=0)) if mean is None else mean
    plain = classifiers.zero_label(encoder, names, definitions, mean=mean)
    edition, _ = split_name(encoder.name)
    if edition not in emotion_editions.FOLDERS:
        return FirstModel(plain, knows_most=False)
    shares = emotions.shares_of(encoder, names, definitions)
    knows_most = bool(shares.any(axis=1).mean() > 0.5)
    return FirstModel(first_answers.with_emotions(plain, emotion_head.load(edition), shares, sample), knows_most)


def digest_of(label_set: Sequence[Label]) -> str:
    """Return a digest of everything that a model without training labels knows of the labels, whatever their order."""
    rows = sorted((label.id, label.name, label.definition) for label in label_set)
    return hashlib.blake2b(repr(rows).encode(), digest_size=16).hexdigest()
