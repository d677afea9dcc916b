"""Vectors of the diaries in memory-mapped files beside the database, rebuilt when lost.

Row i belongs to diary i + 1. A folder holds the vectors of one encoder (or one text space), named by its
hash, so vectors of two encoders can't be mixed.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_ROWS_A_STEP = 4096


def find(folder: Path) -> VectorFile | None:
    """Return the vectors stored in a folder; None where there are none.

    Both files have room for the same number of rows, which gives the width.
    """
    try:
        rows = (folder / "tokens.i32").stat().st_size // 4
        width = (folder / "vectors.f32").stat().st_size // (4 * rows) if rows else 0
    except (FileNotFoundError, NotADirectoryError):
        return None
    return VectorFile(folder, width=width) if width else None


class RowReader:
    """Reads rows of an open file into the caller's memory.

    Not through a mapping: its pages would count as the process's memory, and 16 come in for each that is touched.

    Attributes:
        width: length of a row.
    """

    def __init__(self, descriptor: int, *, width: int, folder: str) -> None:
        self.width = width
        self._descriptor = descriptor
        self._folder = folder

    def read_into(self, target: NDArray[np.float32], first_row: int) -> None:
        """Fill `target`, (n, width) in one piece, with rows from `first_row` on.

        Raises:
            LearnerError: ``vectors_lost`` if the file ends before.
        """
        view, offset = target.data.cast("B"), 4 * self.width * first_row
        while view:
            count = os.preadv(self._descriptor, [view], offset)
            if not count:
                raise LearnerError("vectors_lost", folder=self._folder)
            view, offset = view[count:], offset + count


class VectorFile:
    """Vectors of one kind.

    Args:
        folder: created if missing.
        width: length of a vector.

    Raises:
        LearnerError: if the folder can't be written.
    """

    def __init__(self, folder: Path, *, width: int) -> None:
        self.width = width
        self._vectors_path = folder / "vectors.f32"
        self._counts_path = folder / "tokens.i32"
        try:
            private_files.make_folder(folder)
            private_files.touch(self._vectors_path)
            private_files.touch(self._counts_path)
        except OSError as error:
            raise LearnerError("vectors_unwritable", folder=str(folder), reason=error.strerror or "") from error

    @property
    def rows(self) -> int:
        """How many rows the files have room for."""
        return min(self._counts_path.stat().st_size // 4, self._vectors_path.stat().st_size // (4 * self.width))

    def write(self, diary_ids: Sequence[int], vectors: NDArray[np.float32], token_counts: NDArray[np.int32]) -> None:
        """Store vectors, (n, width), and the token counts of their texts, (n,), at least 1 each.

        Raises:
            LearnerError: if a vector holds NaN or infinity, or the disk is full.
        """
        if not np.isfinite(vectors).all():
            raise LearnerError("vectors_not_finite", count=int((~np.isfinite(vectors).all(axis=1)).sum()))
        places = np.asarray(diary_ids, np.int64) - 1
        try:
            self._grow(int(places.max()) + 1)
            mapped = self._map(self._vectors_path, np.float32, (self.rows, self.width), "r+")
            mapped[places] = vectors
            # The count says that the row is there, so the row goes to the disk first.
            mapped.flush()
            counts = self._map(self._counts_path, np.int32, (self.rows,), "r+")
            counts[places] = token_counts
            counts.flush()
        except OSError as error:
            raise LearnerError(
                "vectors_unwritable", folder=str(self._vectors_path.parent), reason=error.strerror or ""
            ) from error

    def clear(self, diary_ids: NDArray[np.int64]) -> int:
        """Write zeros in place of the vectors of diaries, and return how many had one.

        Raises:
            LearnerError: if the files can't be written.
        """
        places = np.asarray(diary_ids, np.int64) - 1
        places = places[places < self.rows]
        try:
            counts = self._map(self._counts_path, np.int32, (self.rows,), "r+")
            places = places[counts[places] != 0]
            if len(places):
                mapped = self._map(self._vectors_path, np.float32, (self.rows, self.width), "r+")
                # As long as the count is there the row is known to hold something, whenever this is cut off.
                mapped[places] = 0
                mapped.flush()
                counts[places] = 0
                counts.flush()
        except OSError as error:
            raise LearnerError(
                "vectors_unwritable", folder=str(self._vectors_path.parent), reason=error.strerror or ""
            ) from error
        return len(places)

    def read(self, diary_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of diaries that have one, (n, width), in their order.

        Raises:
            LearnerError: ``vectors_lost`` if the file has no room for one of them.
        """
        places = np.asarray(diary_ids, np.int64) - 1
        vectors = np.empty((len(places), self.width), np.float32)
        # Each run of consecutive rows is one piece of the file.
        bounds = [*np.flatnonzero(np.diff(places, prepend=-2) != 1).tolist(), len(places)]
        with self.reader() as reader:
            for start, stop in pairwise(bounds):
                reader.read_into(vectors[start:stop], int(places[start]))
        return vectors

    @contextmanager
    def reader(self) -> Iterator[RowReader]:
        """Hold the vectors open for reading for the length of the block."""
        descriptor = os.open(self._vectors_path, os.O_RDONLY)
        try:
            yield RowReader(descriptor, width=self.width, folder=str(self._vectors_path.parent))
        finally:
            os.close(descriptor)

    def token_counts(self) -> NDArray[np.int32]:
        """Return the token count of each row, (rows,); 0 where there is no vector."""
        return np.fromfile(self._counts_path, np.int32, self.rows)

    def present(self, rows: int) -> NDArray[np.bool_]:
        """Return for each of the first rows whether its vector is there, (rows,): row i belongs to diary i + 1."""
        counts = self.token_counts()[:rows]
        is_present = np.zeros(rows, np.bool_)
        is_present[: len(counts)] = counts > 0
        return is_present

    def has(self, diary_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each diary whether its vector is there."""
        places = np.asarray(diary_ids, np.int64) - 1
        return self.present(int(places.max(initial=-1)) + 1)[places]

    def _grow(self, rows: int) -> None:
        if rows <= self.rows:
            return
        self._forget_lost()
        # Room is made in steps, and vectors first: `rows` counts what both files have.
        room = -(-rows // _ROWS_A_STEP) * _ROWS_A_STEP
        for path, size in ((self._vectors_path, 4 * self.width), (self._counts_path, 4)):
            with path.open("r+b") as file:
                # A hole that a full disk can't fill ends the process at the write; room that is taken now raises.
                os.posix_fallocate(file.fileno(), 0, room * size)

    def _forget_lost(self) -> None:
        # Where the vectors were cut, the counts of the lost rows would call them present once there is room again.
        counted = self._counts_path.stat().st_size // 4
        whole = self._vectors_path.stat().st_size // (4 * self.width)
        if counted > whole:
            self._map(self._counts_path, np.int32, (counted,), "r+")[whole:] = 0

    def _map(self, path: Path, dtype: type, shape: tuple[int, ...], mode: Literal["r", "r+"]) -> Any:
        # An empty file can't be mapped.
        return np.memmap(path, dtype, mode, shape=shape) if 0 not in shape else np.zeros(shape, dtype)
