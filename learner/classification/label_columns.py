"""Probabilities by a model's own columns, as those of the labels in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


def spread(values: FloatArray, sources: NDArray[np.int64], label_count: int) -> FloatArray:
    """Return sums of columns by label, (…, k).

    Args:
        values: (…, m).
        sources: (m,) for each column the place of its label among k; -1 for one that is dropped.
    """
    sums = np.zeros((*values.shape[:-1], label_count), np.float32)
    for column, place in enumerate(sources.tolist()):
        if place >= 0:
            sums[..., place] += values[..., column]
    return sums


def project(proba: FloatArray, sources: NDArray[np.int64], label_count: int) -> FloatArray:
    """Return probabilities of the labels in force, (…, k), rows sum to 1.

    Args:
        proba: (…, m) of the model; rows of NaN, where there is no prediction, stay so.
        sources: as in `spread`.
    """
    if np.array_equal(sources, np.arange(label_count)):
        return proba
    sums = spread(proba, sources, label_count)
    if (sources >= 0).all():
        return sums
    # If all labels that the model considered likely are gone, it knows nothing: 0 / 0 is NaN, no prediction.
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / sums.sum(axis=-1, keepdims=True), np.float32)
