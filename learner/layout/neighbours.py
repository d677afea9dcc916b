"""The nearest rows of a matrix, exactly, some rows at a time: two million pairs a second need no index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

_PAIRS_AT_A_TIME = 16_000_000
"""Distances of one piece: 64 MB, and a third of a second's work."""


def find(
    rows: FloatArray, among: FloatArray, k: int, *, are_same: bool
) -> Generator[float, None, tuple[IntArray, FloatArray]]:
    """Find the nearest rows by Euclidean distance; yield the share that is done.

    Args:
        rows: (n, width) whose neighbours are asked for.
        among: (m, width) of which they are.
        k: how many, at most m, or m - 1 where both are the same.
        are_same: whether both are one matrix, in which a row is no neighbour of itself.

    Returns:
        Places in `among`, (n, k), the nearest first, and their distances.
    """
    places, distances = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), np.float32)
    squares = np.einsum("ij,ij->i", among, among)
    step = max(1, _PAIRS_AT_A_TIME // len(among))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        # The square of a row's own length is the same for all its neighbours.
        scores = squares - 2 * (part @ among.T)
        if are_same:
            scores[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        nearest = np.argpartition(scores, k - 1, axis=1)[:, :k] if k < len(among) else np.argsort(scores, axis=1)
        kept = np.take_along_axis(scores, nearest, axis=1)
        # Ties by place: equal texts would otherwise come in whatever order the partition left them.
        order = np.lexsort((nearest, kept), axis=1)
        places[start : start + step] = np.take_along_axis(nearest, order, axis=1)
        own = np.einsum("ij,ij->i", part, part)[:, None]
        distances[start : start + step] = np.sqrt(np.maximum(np.take_along_axis(kept, order, axis=1) + own, 0))
        yield min(1.0, (start + len(part)) / len(rows))
    return places, distances
