"""The nearest vectors of a file, by reading it through once: exact, and fast enough to need no index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learner.encoders.vector_store import find

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_ROWS_A_BLOCK = 2048
"""3 MB of vectors: a block is still in the processor's cache when it is multiplied."""


def similarities(folder: Path, diary_id: int) -> NDArray[np.float32]:
    """Return the cosine similarity of every diary to one, (rows,): row i belongs to diary i + 1.

    -1 where there is no vector. Empty if the diary itself has none, or the folder is not there.

    Args:
        folder: of a `VectorFile`.
    """
    file = find(folder)
    if file is None:
        return np.zeros(0, np.float32)
    there = file.present(file.rows)
    if not 0 < diary_id <= len(there) or not there[diary_id - 1]:
        return np.zeros(0, np.float32)
    vector = file.read([diary_id])[0]
    cosines = np.full(len(there), -1, np.float32)
    block = np.empty((_ROWS_A_BLOCK, file.width), np.float32)
    with file.reader() as reader:
        for at in range(0, len(there), _ROWS_A_BLOCK):
            part = block[: min(_ROWS_A_BLOCK, len(there) - at)]
            reader.read_into(part, at)
            lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
            cosines[at : at + len(part)] = (part @ vector) / np.maximum(lengths, 1e-9)
    cosines /= max(float(np.linalg.norm(vector)), 1e-9)
    cosines[~there] = -1
    return cosines
