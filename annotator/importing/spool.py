"""A buffer for diaries between the file and the database."""

from __future__ import annotations

import pickle
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from db.texts.batches import NewDiary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_IN_MEMORY_BYTES = 64 << 20
_BLOCK_ROWS = 1_000


class Spool:
    """Keeps diaries between reading the file and writing the database.

    A file is read to its end before the first row is written: nobody who is labelling waits for a lock while a
    long file is parsed, and a large file doesn't fill the memory. Beyond 64 MiB they go to a temporary file
    without a name, which disappears with the process.
    """

    def __init__(self, *, in_memory_bytes: int = _IN_MEMORY_BYTES) -> None:
        self._file = SpooledTemporaryFile(in_memory_bytes)  # noqa: SIM115 - closed by __exit__
        self._block: list[tuple[Any, ...]] = []

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, diary: NewDiary) -> None:
        """Keep a diary; none can be added once they have been taken out."""
        self._block.append(tuple(diary))  # a plain one, which is pickled without the name of its class
        if len(self._block) == _BLOCK_ROWS:
            self._flush()

    def _flush(self) -> None:
        pickle.dump(self._block, self._file, pickle.HIGHEST_PROTOCOL)
        self._block = []

    def __iter__(self) -> Iterator[NewDiary]:
        """Yield the diaries in the order in which they were added."""
        self._flush()
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            # Our own bytes, in a file that has no name.
            yield from map(NewDiary._make, pickle.load(self._file))  # noqa: S301
