"""Storing an import: its diaries, its decisions and the rows that were left out, in one transaction."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from db import clock
from db.answers.imported_decisions import NewVote, Placed, Rules, VotePlacer, fate_of
from db.connection import rows, scalar, write
from db.search import index
from db.texts.batches import Imported, Skip
from db.texts.diaries import last_diary_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlite_utils import Database

    from db.texts.batches import Batch, NewDiary

_ROWS_AT_A_TIME = 5_000
_LARGE_ROWS = 50_000
_LARGE_CACHE_KIB = 1 << 17


def insert_batch(
    db: Database,
    batch: Batch,
    diaries: Iterable[NewDiary],
    skips: Sequence[Skip],
    *,
    source: str,
    is_refused: Callable[[str, bytes], bool] = lambda text, text_hash: False,
    rules: Rules | None = None,
) -> Imported:
    """Store a whole file in one transaction: its diaries, its left-out rows and its decisions.

    Rows whose texts are already there are listed with what became of their decisions; see
    `db.answers.imported_decisions.Fate`.

    Args:
        is_refused: whether a text, with its hash, is left out as ``forgotten``; called within the transaction.
    """
    with write(db), _large_import(db, batch.row_count):
        batch_id = _insert_batch_row(db, batch)
        placer = VotePlacer(db, batch.imported_by, f"import-{batch_id}-", rules or Rules())
        writer = _BatchWriter(db, batch_id, batch.imported_by, source, list(skips), placer)
        for diary in diaries:
            writer.add(diary, is_refused)
        writer.close()
        index.extend(db, after_id=writer.last_before)
    writer.left_out.sort(key=lambda skip: skip.row_number)
    counts = (writer.kept_count, writer.label_count)
    rest = (tuple(writer.notes), tuple(writer.list_asked()))
    return Imported(writer.batch_id, *counts, tuple(writer.left_out), writer.decision_count, *rest)


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

    def __init__(
        self, db: Database, batch_id: int, importer_id: int, source: str, left_out: list[Skip], placer: VotePlacer
    ) -> None:
        self.batch_id, self.left_out = batch_id, left_out
        self.notes: list[Skip] = []
        self.kept_count = self.label_count = 0
        self._db, self._importer_id, self._source, self._placer = db, importer_id, source, placer
        self.last_before, self._now = last_diary_id(db), clock.now()
        self._new: dict[bytes, int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._decisions: list[tuple[Any, ...]] = []
        self._bulk_count = 0
        self._names = dict(rows(db, "select id, name from labels"))

    @property
    def decision_count(self) -> int:
        """Decisions stored so far."""
        return self._bulk_count + self._placer.decision_count

    def list_asked(self) -> Iterator[tuple[str, str]]:
        """Yield the questions that decisions raise, with the labels that each is about."""
        for kind, placed in self._placer.asked:
            yield kind, self._labels(placed)

    def add(self, diary: NewDiary, is_refused: Callable[[str, bytes], bool]) -> None:
        """Add a diary, or what its row says about an existing one."""
        if (twin := self._find(diary)) is not None:
            self._join(diary, twin)
            return
        if is_refused(diary.text, diary.text_hash):
            self.left_out.append(Skip(diary.row_number, "forgotten"))
            return
        self.kept_count += 1
        diary_id = self.last_before + self.kept_count
        self._new[diary.text_hash] = diary_id
        self._rows.append(
            (
                *(diary_id, diary.text, diary.text_hash, diary.written_on, diary.author, self._source, diary.metadata),
                *(self.batch_id, diary.row_number, diary.part, diary.draw),
            )
        )
        if diary.label_id is not None:
            self._decisions.append((diary_id, self._importer_id, diary.label_id, self._token(diary), self._now))
            self._bulk_count += 1
            self.label_count += 1
        if diary.votes:
            self.label_count += any(vote.kind == "label" for vote in diary.votes)
            fate = fate_of(self._vote(diary, diary_id, diary.votes))
            if fate.fate == "conflict":
                self.notes.append(Skip(diary.row_number, fate.fate, self._between(diary_id, fate)))
        elif len(self._rows) == _ROWS_AT_A_TIME:
            self._flush()

    def close(self) -> None:
        """Write the remaining rows and the totals of the batch."""
        self._flush()
        _close_batch(self._db, self.batch_id, self.kept_count, self.left_out)

    def _find(self, diary: NewDiary) -> int | None:
        if diary.twin is not None:
            return diary.twin
        diary_id = self._new.get(diary.text_hash)
        if diary_id is None and self.last_before:
            diary_id = scalar(self._db, "select id from diaries where text_hash = :hash", hash=diary.text_hash)
        return diary_id

    def _join(self, diary: NewDiary, twin: int) -> None:
        nameless = () if diary.label_id is None else (NewVote(None, "label", diary.label_id),)
        fate = fate_of(self._vote(diary, twin, (*nameless, *diary.votes)))
        self.left_out.append(Skip(diary.row_number, fate.fate, self._between(twin, fate)))

    def _between(self, twin: int, placed: Placed) -> str:
        """Return the diary, and the labels between which something was decided."""
        if placed.fate in ("duplicate", "joined"):
            return str(twin)
        return f"{twin} · {self._labels(placed)}"

    def _labels(self, placed: Placed) -> str:
        before, after = (self._names.get(i or 0, "–") for i in (placed.before, placed.after))
        return f"{before} → {after}"

    def _vote(self, diary: NewDiary, diary_id: int, votes: Sequence[NewVote]) -> list[Placed]:
        self._flush()  # a decision names a diary that is there
        return self._placer.place(diary_id, votes, token=self._token(diary))

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
