"""Diaries on their way from the file to the database."""

from __future__ import annotations

import json
from dataclasses import fields
from operator import attrgetter
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from db.diaries import NewDiary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_IN_MEMORY_BYTES = 64 << 20
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode

_NAMES = [field.name for field in fields(NewDiary)]
_HASH = _NAMES.index("text_hash")
_values = attrgetter(*_NAMES)  # `dataclasses.astuple` copies deeply, which took half of an import's time


class Spool:
    """Keeps diaries between reading the file and writing the database.

    A file is read to its end before the first row is written: nobody who is labelling waits for a lock while a
    long file is parsed, and a large file doesn't fill the memory. Beyond 64 MiB it lies in a temporary file
    without a name, which is gone when the process is.
    """

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, diary: NewDiary) -> None:
        """Keep a diary."""
        values = list(_values(diary))
        values[_HASH] = diary.text_hash.hex()
        self._file.write(_TO_JSON(values) + "\n")

    def __iter__(self) -> Iterator[NewDiary]:
        """Yield the diaries in the order in which they were added."""
        self._file.seek(0)
        for line in self._file:
            values = json.loads(line)
            values[_HASH] = bytes.fromhex(values[_HASH])
            yield NewDiary(*values)
