"""Probabilities out of scores; a module of its own, since pages load it and shall load little else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


def softmax(logits: FloatArray) -> FloatArray:
    """Return row-wise softmax, (n, k)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)
