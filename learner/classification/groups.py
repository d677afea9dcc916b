"""Groups of examples that must stay on one side of any comparison: of one writer, or nearly the same text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

NEAR = 0.95
"""Cosine of two texts' vectors from which they are near-copies.

Of the demo diaries no two reach 0.88, by either edition of the emotion-aware encoder, and 99 % (first edition) and 95 %
(second) of them still reach it with two words taken away.
"""

_BLOCK = 2048


def find_near_copies(vectors: FloatArray, others: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield rows of the vectors and of the others that are near-copies, some thousands of others at a time.

    Args:
        vectors, others: (n, width) and (m, width), of any length.
    """
    ours = _unit(vectors)
    for start in range(0, len(others), _BLOCK):
        near = ours @ _unit(others[start : start + _BLOCK]).T >= NEAR
        mine, theirs = np.nonzero(near)
        yield mine, theirs + start


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def is_near_copy(vectors: FloatArray, others: FloatArray) -> NDArray[np.bool_]:
    """Return which of the vectors are near-copies of any of the others, (n,)."""
    result = np.zeros(len(vectors), np.bool_)
    for mine, _ in find_near_copies(vectors, others):
        result[mine] = True
    return result


def join(vectors: FloatArray, *keys: Sequence[Hashable | None]) -> IntArray:
    """Return the group of each example, (n,): near-copies, and examples of the same key, directly or by way of others.

    Args:
        vectors: (n, width).
        keys: any number of lists of n; None says nothing.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [*find_near_copies(vectors, vectors), *(_same(key) for key in keys)]
    rows, columns = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)) if pairs else ((), ())
    graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(len(vectors), len(vectors)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _same(key: Sequence[Hashable | None]) -> tuple[IntArray, IntArray]:
    """Return each place that has a key, and the first place that has the same."""
    first: dict[Hashable, int] = {}
    places = [place for place, value in enumerate(key) if value is not None]
    firsts = [first.setdefault(key[place], place) for place in places]
    return np.array(places, np.int64), np.array(firsts, np.int64)
