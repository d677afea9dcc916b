"""Vectors of what labels and emotions are called: computed once for an encoder, and wanted by every round."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]

_MOST_KEPT = 500
"""Wordings of an encoder that are kept; label sets have some dozens, and definitions change while somebody writes."""

_known: WeakKeyDictionary[Encoder, dict[tuple[str, ...], FloatArray]] = WeakKeyDictionary()


def mean_vectors(encoder: Encoder, wordings: Sequence[Sequence[str]]) -> FloatArray:
    """Return the mean vector of the texts of each wording, (n, width).

    Each wording is encoded by itself, so that its vector does not depend, in the last digit, on what stands beside it.

    Args:
        wordings: n of one text or more, such as a label's name and the clauses of its definition.
    """
    known = _known.setdefault(encoder, {})
    if len(known) > _MOST_KEPT:
        known.clear()
    keys = [tuple(texts) for texts in wordings]
    for texts in keys:
        if texts not in known:
            known[texts] = encoder.encode(texts).vectors.mean(axis=0)
    return np.stack([known[texts] for texts in keys])
