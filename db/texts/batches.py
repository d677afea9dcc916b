"""Imports: one batch per file, with the rows that were left out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from db import clock
from db.answers.imported_decisions import NewVote as NewVote
from db.answers.imported_decisions import add_votes
from db.connection import rows, scalar, write
from db.texts.diaries import Part, last_diary_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlite_utils import Database


_ROWS_AT_A_TIME = 5_000


_LARGE_ROWS = 50_000


_LARGE_CACHE_KIB = 1 << 17


class NewDiary(NamedTuple):
    """A diary to be stored. A tuple, because a million frozen dataclasses take four seconds to create.

    Attributes:
        text_hash: digest of the NFC form; equal texts have equal hashes.
        draw: uniform in [0, DRAW_RANGE).
        label_id: the label that the file gives without naming a person, if any.
        votes: what the file says people decided, if it says more than that.
    """

    row_number: int
    text: str
    text_hash: bytes
    written_on: str | None
    author: str | None
    metadata: str
    part: Part
    draw: int
    label_id: int | None = None
    votes: tuple[NewVote, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """A row of an import that was left out, and why."""

    row_number: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One import of one file.

    Attributes:
        file_name: empty once all of its diaries were forgotten.
        kept_count: diaries that are still there.
        forgotten_count: diaries that have been forgotten.
    """

    file_name: str
    file_hash: str
    format: str
    encoding: str | None
    columns: dict[str, str]
    imported_by: int
    row_count: int
    id: int = 0
    imported_at: str = ""
    kept_count: int = 0
    forgotten_count: int = 0

    @property
    def left_out_count(self) -> int:
        """The number of rows that did not become diaries."""
        return self.row_count - self.kept_count - self.forgotten_count


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of an import."""

    batch_id: int
    kept_count: int
    label_count: int
    skips: tuple[Skip, ...] = field(default=())


def insert_batch(
    db: Database,
    batch: Batch,
    diaries: Iterable[NewDiary],
    skips: Sequence[Skip],
    *,
    source: str,
    is_refused: Callable[[str, bytes], bool] = lambda text, text_hash: False,
) -> Imported:
    """Store a whole file in one transaction: its diaries, its left-out rows and its decisions.

    Texts that are already there are left out as ``duplicate``, unless the row has a decision by a named person who has
    said nothing about that diary before: the decision is stored, and the row left out as ``joined``.

    Args:
        is_refused: whether a text, with its hash, is left out as ``forgotten``; called within the transaction.
    """
    with write(db), _large_import(db, batch.row_count):
        writer = _BatchWriter(db, _insert_batch_row(db, batch), batch.imported_by, source, list(skips))
        for diary in diaries:
            writer.add(diary, is_refused)
        writer.close()
    writer.left_out.sort(key=lambda skip: skip.row_number)
    return Imported(writer.batch_id, writer.kept_count, writer.label_count, tuple(writer.left_out))


@contextmanager
def _large_import(db: Database, row_count: int) -> Iterator[None]:
    """Enlarge the page cache for a large import, and build the index by draws once all rows are there.

    With the usual 2 MB, two hundred thousand rows took half as long again. Draws come in random order: indexing a
    million of them takes 2.5 s if they are sorted once, 5 to 6 s one by one.
    """
    if row_count < _LARGE_ROWS:
        yield
        return
    usual = int(scalar(db, "pragma cache_size"))
    db.conn.execute(f"pragma cache_size=-{_LARGE_CACHE_KIB}")
    index = scalar(db, "select sql from sqlite_master where name = 'diaries_by_part'")
    is_late = row_count > last_diary_id(db)  # rows that are there already have to be sorted again
    try:
        if is_late:
            db.conn.execute("drop index diaries_by_part")
        yield
        if is_late:
            db.conn.execute(index)
    finally:
        db.conn.execute(f"pragma cache_size={usual}")


class _BatchWriter:
    """Writes the diaries of a batch some thousands at a time, so that a large file is never in memory as a whole."""

    def __init__(self, db: Database, batch_id: int, importer_id: int, source: str, left_out: list[Skip]) -> None:
        self.batch_id, self.left_out = batch_id, left_out
        self.kept_count = self.label_count = 0
        self._db, self._importer_id, self._source = db, importer_id, source
        self._last_before, self._now = last_diary_id(db), clock.now()
        self._new: dict[bytes, int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._decisions: list[tuple[Any, ...]] = []

    def add(self, diary: NewDiary, is_refused: Callable[[str, bytes], bool]) -> None:
        """Add a diary, or what its row says about an existing one."""
        if (twin := self._find(diary.text_hash)) is not None:
            self._join(diary, twin)
            return
        if is_refused(diary.text, diary.text_hash):
            self.left_out.append(Skip(diary.row_number, "forgotten"))
            return
        self.kept_count += 1
        diary_id = self._last_before + self.kept_count
        self._new[diary.text_hash] = diary_id
        self._rows.append(
            (
                *(diary_id, diary.text, diary.text_hash, diary.written_on, diary.author, self._source, diary.metadata),
                *(self.batch_id, diary.row_number, diary.part, diary.draw),
            )
        )
        if diary.label_id is not None:
            self._decisions.append((diary_id, self._importer_id, diary.label_id, self._token(diary), self._now))
            self.label_count += 1
        if diary.votes:
            self.label_count += any(vote.kind == "label" for vote in diary.votes)
            self._vote(diary, diary_id, diary.votes)
        elif len(self._rows) == _ROWS_AT_A_TIME:
            self._flush()

    def close(self) -> None:
        """Write the remaining rows and the totals of the batch."""
        self._flush()
        _close_batch(self._db, self.batch_id, self.kept_count, self.left_out)

    def _find(self, text_hash: bytes) -> int | None:
        diary_id = self._new.get(text_hash)
        if diary_id is None and self._last_before:
            diary_id = scalar(self._db, "select id from diaries where text_hash = :hash", hash=text_hash)
        return diary_id

    def _join(self, diary: NewDiary, twin: int) -> None:
        by_name = [vote for vote in diary.votes if vote.annotator is not None]
        if by_name and self._vote(diary, twin, by_name):
            self.left_out.append(Skip(diary.row_number, "joined", str(twin)))
        else:
            self.left_out.append(Skip(diary.row_number, "duplicate", str(twin)))

    def _vote(self, diary: NewDiary, diary_id: int, votes: Sequence[NewVote]) -> int:
        self._flush()  # a decision names a diary that is there
        return add_votes(self._db, diary_id, votes, importer_id=self._importer_id, token=self._token(diary))

    def _token(self, diary: NewDiary) -> str:
        return f"import-{self.batch_id}-{diary.row_number}"

    def _flush(self) -> None:
        _insert_rows(self._db, self._rows, self._decisions)
        self._rows, self._decisions = [], []


def _insert_batch_row(db: Database, batch: Batch) -> int:
    statement = """
        insert into batches (file_name, file_hash, format, encoding, columns, imported_by, imported_at,
            row_count, kept_count)
        values (:file_name, :file_hash, :format, :encoding, :columns, :imported_by, :now, :row_count, 0)
    """
    parameters = {
        "file_name": batch.file_name,
        "file_hash": batch.file_hash,
        "format": batch.format,
        "encoding": batch.encoding,
        "columns": json.dumps(batch.columns, ensure_ascii=False),
        "imported_by": batch.imported_by,
        "row_count": batch.row_count,
        "now": clock.now(),
    }
    return int(db.conn.execute(statement, parameters).lastrowid or 0)


def _insert_rows(db: Database, diaries: list[tuple[Any, ...]], decisions: list[tuple[Any, ...]]) -> None:
    db.conn.executemany(
        """
        insert into diaries (id, text, text_hash, written_on, author, source, metadata, batch_id,
            row_number, part, draw)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        diaries,
    )
    db.conn.executemany(
        """
        insert into decisions (diary_id, annotator_id, kind, label_id, token, source, decided_at)
        values (?, ?, 'label', ?, ?, 'import', ?)
        """,
        decisions,
    )


def _close_batch(db: Database, batch_id: int, kept_count: int, skips: list[Skip]) -> None:
    db.conn.executemany(
        "insert into batch_skips (batch_id, row_number, reason, detail) values (?, ?, ?, ?)",
        [(batch_id, skip.row_number, skip.reason, skip.detail) for skip in skips],
    )
    db.conn.execute("update batches set kept_count = ? where id = ?", (kept_count, batch_id))


def list_batches(db: Database) -> list[Batch]:
    """Return every import, newest first."""
    sql = """
        select file_name, file_hash, format, encoding, columns, imported_by, row_count, id, imported_at,
            kept_count, forgotten_count
        from batches order by id desc
    """
    return [_batch(row) for row in rows(db, sql)]


def _batch(row: Any) -> Batch:
    values = list(row)
    values[4] = json.loads(row[4])
    return Batch(*values)


def list_skips(db: Database, batch_id: int) -> list[Skip]:
    """Return the rows that an import left out, in file order."""
    sql = "select row_number, reason, detail from batch_skips where batch_id = :batch order by row_number"
    return [Skip(*row) for row in rows(db, sql, batch=batch_id)]
