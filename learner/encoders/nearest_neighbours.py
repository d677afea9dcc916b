"""The nearest vectors of a file, by reading it through once: exact, and fast enough to need no index."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from learner.encoders.vector_store import find

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.encoders.vector_store import VectorFile

_ROWS_A_BLOCK = 1024
"""3 MB of vectors: a block is still in the processor's cache when it is multiplied."""

_THREADS = 2


def similarities(folder: Path, diary_id: int) -> NDArray[np.float32]:
    """Return the cosine similarity of every diary to one, (rows,): row i belongs to diary i + 1.

    -1 where there is no vector. Empty if the diary itself has none, or the folder is not there.

    Args:
        folder: of a `VectorFile`.
    """
    file = find(folder)
    if file is None or not 0 < diary_id <= file.rows or not file.has(np.array([diary_id]))[0]:
        return np.zeros(0, np.float32)
    return cosines_to(file, file.read([diary_id])[0])


def cosines_to(file: VectorFile, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine similarity of every diary to a vector, (rows,); -1 where a diary has none.

    Args:
        vector: (width,) of the same encoder.
    """
    there = file.present(file.rows)
    cosines = np.full(len(there), -1, np.float32)

    def compare(starts: range) -> None:
        block = np.empty((_ROWS_A_BLOCK, file.width), np.float32)
        with file.reader() as reader:
            for at in starts:
                part = block[: min(_ROWS_A_BLOCK, len(there) - at)]
                reader.read_into(part, at)
                lengths = np.sqrt(np.einsum("ij,ij->i", part, part))
                # Not a product of matrices, whose library would share it out between threads of its own.
                cosines[at : at + len(part)] = np.einsum("ij,j->i", part, vector) / np.maximum(lengths, 1e-9)

    with ThreadPoolExecutor(_THREADS) as threads:
        starts = range(0, len(there), _ROWS_A_BLOCK)
        list(threads.map(compare, (starts[first::_THREADS] for first in range(_THREADS))))
    cosines /= max(float(np.linalg.norm(vector)), 1e-9)
    cosines[~there] = -1
    return cosines
