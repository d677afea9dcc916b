"""Which of the encoder's 44 emotions make up each label: by the crosswalk where it knows the name, else by wording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.label_sets import crosswalks
from learner.classification.classifier import wording
from learner.encoders import emotion_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder


def shares_of(encoder: Encoder, names: Sequence[str], definitions: Sequence[str]) -> NDArray[np.float32]:
    """Return the share of each emotion in each label, (k, 44): rows sum to 1, or to 0 where nothing is like it."""
    shares = emotion_head.likeness(encoder, [wording(*label) for label in zip(names, definitions, strict=True)])
    target_of = crosswalks.read("kote").targets()
    targets = np.array([target_of[emotion] for emotion in emotion_head.NAMES])
    for row, name in enumerate(names):
        if (is_part := targets == name).any():
            shares[row] = is_part / is_part.sum()
    return shares
