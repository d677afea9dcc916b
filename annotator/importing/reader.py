"""Reading a foreign file: a child process parses it, and sends back a table and its rows.

Whatever the file does to its parser, a crash, an endless loop or a flood of memory, ends the child, and the person who
chose the file gets one sentence.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats.source import ENDINGS, is_folder
from annotator.formats.table import ReadOptions
from annotator.importing import wire
from annotator.importing.choices import ImportQuestions, Question
from maeumgyeol.processes.child import Child, ChildError
from maeumgyeol.processes.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from annotator.formats.source import Source
    from annotator.formats.table import Format, Row, Table

    _T = TypeVar("_T")

_ASKED = {"import_ask_lines": "lines"}
"""Questions that the reading process raises, by the code of its error."""

_JOB = "annotator.importing.reader_job:serve"

READERS: dict[Format, tuple[str, ...]] = {
    **dict.fromkeys(("csv", "tsv"), ("annotator.formats.encodings", "annotator.formats.csv.read")),
    **dict.fromkeys(("json", "jsonl"), ("annotator.formats.encodings", "annotator.formats.tool_json")),
    **dict.fromkeys(("excel", "ods"), ("annotator.formats.archives", "annotator.formats.excel.read")),
    "html": ("annotator.formats.excel.read_html",),
    "parquet": ("annotator.formats.arrow.read_parquet", "pyarrow.parquet"),
    "spacy": ("annotator.formats.spacy_docbin.read", "annotator.formats.spacy_docbin.library"),
    "texts": ("annotator.formats.texts",),
    "archive": ("annotator.formats.archives", "annotator.formats.csv.read"),
}
"""Modules that a file of each ending is read with. A file that is something else has its reader loaded when that shows,
in the sealed child, which takes longer: it can't keep what it compiles."""

_AHEAD = 4
"""Batches that the child may be ahead: it parses while the rows before are being looked through."""

_MB = 1_000_000
_MEMORY_BYTES, _MEMORY_PER_BYTE, _MOST_MEMORY_BYTES = 1_500 * _MB, 12, 6_000 * _MB
"""A workbook takes up to ten times its size, an empty one already 100 MB for libraries; spaCy alone takes 300 MB."""

_CPU_SECONDS, _CPU_SECONDS_PER_MB = 9, 2
"""Until the first rows. The slowest real files, workbooks, take a second a MB; a second is lost on the start."""

_WAIT_SECONDS = 16
"""For a small file: twice what its processor time may be, since others compute, too."""

MAX_ROWS = 2_000_000
"""Twice what a project is measured with. What becomes of each row is kept in memory until the import is written."""

_ROW_BYTES = 100
_FREE_BYTES, _MOST_EXPANSION = 32 * _MB, 50
"""Rows may come to fifty times the file's size: compressed diaries stay below ten. Each row counts a hundred bytes."""


@contextmanager
def opened(source: Source, reading: ReadOptions | None = None) -> Iterator[Table]:
    """Open a file's table for the block, which may read its rows repeatedly, from the first one each time.

    Raises:
        UserError: if it isn't a file of one of the formats, is damaged, or its reader had to be stopped.
    """
    arguments = {
        "name": source.name,
        "file": source.file and [source.file.number, source.file.size],
        "folder": source.folder and str(source.folder),
        "reading": asdict(reading or ReadOptions()),
    }
    limits = limits_for(source.size, is_sealed=not source.is_on_hub())
    files = [] if source.file is None else [source.file.number]
    with Child(_JOB, arguments, limits, files=files, libraries=_libraries(source)) as child:
        stream = _Stream(child, source)
        yield stream.take(lambda data: wire.decode_table(data, stream.rows))


def _libraries(source: Source) -> tuple[str, ...]:
    if source.file is None:
        return () if source.folder is not None and not is_folder(source.folder) else ("datasets",)
    return next((READERS[kind] for ending, kind in ENDINGS.items() if source.name.lower().endswith(ending)), ())


def limits_for(size: int | None, *, is_sealed: bool = True) -> Limits:
    """Return the limits for reading a file; a size of None means a data set that is downloaded first."""
    if size is None:
        return Limits(_MOST_MEMORY_BYTES, 3_600, 36_000, 3_600, is_sealed)
    memory = min(_MEMORY_BYTES + _MEMORY_PER_BYTE * size, _MOST_MEMORY_BYTES + size)
    more = size * _CPU_SECONDS_PER_MB // _MB
    return Limits(memory, _CPU_SECONDS + more, 60 + 10 * more, _WAIT_SECONDS + 2 * more, is_sealed)


class _Stream:
    """Asks the child for batches of rows, some ahead of those that are used."""

    def __init__(self, child: Child, source: Source) -> None:
        self._child, self._source = child, source
        self._asked = 0
        self._turn = 0

    def rows(self) -> Iterator[Row]:
        """Yield the rows from the first one on; this ends any earlier iteration."""
        self._turn += 1
        turn = self._turn
        while self._asked:
            self._answer(lambda data: None)
        budget, count = self._budget(), 0
        self._ask(b"first")
        for _ in range(_AHEAD - 1):
            self._ask(b"next")
        while batch := self._answer(lambda data: _rows(data)):
            data_bytes, rows = batch
            budget -= data_bytes + _ROW_BYTES * len(rows)
            count += len(rows)
            if budget < 0:
                raise UserError("import_file_expands", name=self._source.name, times=_MOST_EXPANSION)
            if count > MAX_ROWS:
                raise UserError("import_too_many_rows", name=self._source.name, limit=MAX_ROWS)
            self._ask(b"next")
            for row in rows:
                yield row
                if turn != self._turn:
                    raise RuntimeError("the rows are being read anew")

    def _budget(self) -> float:
        size = self._source.size
        return float("inf") if size is None else _FREE_BYTES + _MOST_EXPANSION * size

    def _ask(self, request: bytes) -> None:
        self._child.send(request)
        self._asked += 1

    def _answer(self, decode: Callable[[bytes], _T]) -> _T:
        self._asked -= 1
        return self.take(decode)

    def take(self, decode: Callable[[bytes], _T]) -> _T:
        """Return the next answer.

        Raises:
            UserError: if the child sent one, ended, or sent something else than an answer.
        """
        name = self._source.name
        try:
            return decode(self._child.receive())
        except ChildError as error:
            raise UserError(error.code, name=name, **error.details) from error
        except UserError as error:
            if error.code not in _ASKED:
                raise
            count = int(error.details["count"])
            question = Question(_ASKED[error.code], count, (1, count))
            raise ImportQuestions([question], name=name) from error
        except ValueError as error:
            raise UserError("reader_garbage", name=name) from error


def _rows(data: bytes) -> tuple[int, list[Row]] | None:
    return (len(data), wire.decode_rows(data)) if data else None
