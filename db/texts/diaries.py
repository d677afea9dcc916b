"""Diaries, the batches they came in, and their sentences."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from db import clock
from db.answers.imported_decisions import NewVote as NewVote
from db.answers.imported_decisions import add_votes
from db.connection import one, rows, scalar, write
from db.errors import NotFoundError
from db.forgetting import forgotten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

Part = Literal["pool", "test"]

DRAW_RANGE = 1 << 62
"""Draws are uniform integers below this."""

_ROWS_AT_A_TIME = 5_000

_LARGE_ROWS = 50_000
_LARGE_CACHE_KIB = 1 << 17


@dataclass(frozen=True, slots=True)
class Diary:
    """One text to label, as it was imported.

    Attributes:
        text: the raw text, untouched.
        part: ``test`` diaries are a uniform random sample that never trains a model.
    """

    id: int
    text: str
    written_on: str | None
    author: str | None
    source: str | None
    metadata: dict[str, Any]
    part: Part


class NewDiary(NamedTuple):
    """A diary on its way in. A tuple, because a million of frozen dataclasses take four seconds to make.

    Attributes:
        text_hash: digest of the NFC form; equal texts have equal hashes.
        draw: uniform in [0, DRAW_RANGE).
        label_id: the label that the file gives, if any, by nobody in particular.
        votes: what the file says that people decided, where it says more than that.
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
        kept_count: diaries that are there.
        forgotten_count: diaries that were there.
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
        """Rows that did not become diaries."""
        return self.row_count - self.kept_count - self.forgotten_count


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of one diary.

    Attributes:
        spans: (start, end) half-open character offsets into the raw text, in order.
        splitter: ``kss``, or ``fallback`` where kss failed its check or its time limit.
    """

    diary_id: int
    spans: tuple[tuple[int, int], ...]
    splitter: Literal["kss", "fallback"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

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
    is_refused: Callable[[bytes], bool] = lambda text_hash: False,
) -> Imported:
    """Keep a whole file in one transaction: its diaries, its left-out rows and its decisions.

    Texts that are already there are left out as ``duplicate``, unless the row says what somebody by name, who has
    not spoken of that diary before, decided of it: that is kept, and the row left out as ``joined``.

    Args:
        is_refused: whether a text of this hash is left out as ``forgotten``; asked within the transaction.
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
    """Give a large import room for the pages of its indices, and make the one by draws when all rows are there.

    With the usual 2 MB two hundred thousand rows took half as long again. Draws come in no order: sorted once, a
    million of them are an index in 2.5 s, one by one in 5 to 6 s.
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
    """Writes the diaries of a batch some thousands at a time, so that a large file never lies in memory."""

    def __init__(self, db: Database, batch_id: int, importer_id: int, source: str, left_out: list[Skip]) -> None:
        self.batch_id, self.left_out = batch_id, left_out
        self.kept_count = self.label_count = 0
        self._db, self._importer_id, self._source = db, importer_id, source
        self._last_before, self._now = last_diary_id(db), clock.now()
        self._new: dict[bytes, int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._decisions: list[tuple[Any, ...]] = []

    def add(self, diary: NewDiary, is_refused: Callable[[bytes], bool]) -> None:
        """Take a diary, or what its row says of one that is there."""
        if (twin := self._find(diary.text_hash)) is not None:
            self._join(diary, twin)
            return
        if is_refused(diary.text_hash):
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
        """Write what is left, and what the batch came to."""
        self._flush()
        _close_batch(self._db, self.batch_id, self.kept_count, self.left_out)

    def _find(self, text_hash: bytes) -> int | None:
        found = self._new.get(text_hash)
        if found is None and self._last_before:
            found = scalar(self._db, "select id from diaries where text_hash = :hash", hash=text_hash)
        return found

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


def _insert_rows(db: Database, kept: list[tuple[Any, ...]], decisions: list[tuple[Any, ...]]) -> None:
    db.conn.executemany(
        """
        insert into diaries (id, text, text_hash, written_on, author, source, metadata, batch_id,
            row_number, part, draw)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        kept,
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


def count_diaries(db: Database, part: Part | None = None) -> int:
    """Count all diaries, or those of one part."""
    if part is None:
        # Diaries only come in batches, which know how many have gone. Counting rows would walk through a million.
        return int(scalar(db, "select coalesce(sum(kept_count), 0) from batches"))
    return int(scalar(db, "select count(*) from diaries where part = :part", part=part))


def last_diary_id(db: Database) -> int:
    """Return the largest id that a diary has or had, 0 for none: the rows of arrays that are indexed by id - 1."""
    return max(int(scalar(db, "select coalesce(max(id), 0) from diaries")), forgotten.last_id(db))


_COLUMNS = "id, text, written_on, author, source, metadata, part"


def get_diary(db: Database, diary_id: int) -> Diary:
    """Return one diary.

    Raises:
        NotFoundError: ``diary_missing`` if there is none of that id, ``diary_forgotten`` if there was one.
    """
    row = one(db, f"select {_COLUMNS} from diaries where id = :id", id=diary_id)  # noqa: S608 - constants
    if row is None:
        was_there = forgotten.was_forgotten(db, diary_id)
        raise NotFoundError("diary_forgotten" if was_there else "diary_missing", id=diary_id)
    return _diary(row)


def list_diaries(db: Database, diary_ids: Iterable[int]) -> list[Diary]:
    """Return diaries by id, ascending; ids without a diary are left out."""
    sql = f"select {_COLUMNS} from diaries where id in (select value from json_each(:ids)) order by id"  # noqa: S608
    return [_diary(row) for row in rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))]


def _diary(row: Any) -> Diary:
    values = list(row)
    values[5] = json.loads(row[5])
    return Diary(*values)


def list_texts(db: Database, diary_ids: Iterable[int]) -> list[str]:
    """Return raw texts in the order of the ids.

    Raises:
        NotFoundError: if an id is unknown.
    """
    ids = [int(i) for i in diary_ids]
    sql = "select id, text from diaries where id in (select value from json_each(:ids))"
    texts = dict(rows(db, sql, ids=json.dumps(ids)))
    if missing := [i for i in ids if i not in texts]:
        raise NotFoundError("diary_missing", id=missing[0])
    return [texts[i] for i in ids]


def sample_texts(db: Database, *, limit: int, with_flagged: bool = True) -> list[str]:
    """Return the raw texts of a random part of the diaries, the same at each call until more are imported.

    Args:
        with_flagged: whether diaries that wait for a lead's care are among them.
    """
    # Each part is drawn along its index, so that no other text is read.
    part = """
        select * from (
            select id, draw from diaries p where part = '{}'
                and (:with_flagged or not exists (select 1 from care_flags c where c.diary_id = p.id))
            order by draw limit :limit)
    """
    sql = f"""
        select d.text from ({part.format("pool")} union all {part.format("test")} order by draw limit :limit) drawn
            join diaries d on d.id = drawn.id order by drawn.draw
    """  # noqa: S608 - constants
    return [text for (text,) in rows(db, sql, limit=limit, with_flagged=with_flagged)]


def list_ids(db: Database, part: Part | None = None) -> NDArray[np.int64]:
    """Return diary ids; of the test part in the order of their draws, otherwise ascending."""
    if part is None:
        found = rows(db, "select id from diaries order by id")
    else:
        order = "draw" if part == "test" else "id"
        found = rows(db, f"select id from diaries where part = :part order by {order}", part=part)  # noqa: S608
    return np.fromiter((row[0] for row in found), np.int64, len(found))


def list_ids_of_batch(db: Database, batch_id: int) -> list[int]:
    """Return the diaries of an import, ascending."""
    sql = "select id from diaries where batch_id = :batch order by id"
    return [int(diary_id) for (diary_id,) in rows(db, sql, batch=batch_id)]


def list_authors(db: Database) -> list[str]:
    """Return the names of the writers of diaries, as they were imported."""
    return [str(name) for (name,) in rows(db, "select distinct author from diaries where author is not null")]


def list_ids_of_authors(db: Database, names: Sequence[str]) -> list[int]:
    """Return the diaries of writers, ascending."""
    sql = "select id from diaries where author in (select value from json_each(:names)) order by id"
    return [int(diary_id) for (diary_id,) in rows(db, sql, names=json.dumps(list(names)))]


def read_texts(db: Database) -> Iterator[tuple[int, str]]:
    """Yield id and text of every diary, in the order of their ids, without all of them in memory."""
    for diary_id, text in db.conn.execute("select id, text from diaries order by id"):
        yield int(diary_id), str(text)


def keep_known(db: Database, diary_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of some thousands of ids that are diaries, in their order."""
    sql = """
        select value from json_each(:ids) wanted
        where exists (select 1 from diaries d where d.id = wanted.value) order by wanted.key
    """
    found = rows(db, sql, ids=json.dumps(diary_ids.tolist()))
    return np.fromiter((row[0] for row in found), np.int64, len(found))


def list_undecided_test(db: Database, *, limit: int) -> NDArray[np.int64]:
    """Return the first test diaries, in the order of their draws, on which no decision is in force."""
    sql = """
        select d.id from diaries d
        where d.part = 'test' and not exists (select 1 from standing s where s.diary_id = d.id)
        order by d.draw limit :limit
    """
    found = rows(db, sql, limit=limit)
    return np.fromiter((row[0] for row in found), np.int64, len(found))


def mark_test(db: Database) -> NDArray[np.bool_]:
    """Say for each row of arrays that are indexed by id - 1 whether its diary is of the test part."""
    marks = np.zeros(last_diary_id(db), np.bool_)
    # One row of text for all ids: a million tuples would cost half a second.
    joined = scalar(db, "select json_group_array(id) from diaries where part = 'test'")
    marks[np.array(json.loads(joined), np.int64) - 1] = True
    return marks


def list_undecided(db: Database, batch_id: int, *, part: Part, limit: int) -> NDArray[np.int64]:
    """Return the first diaries of an import, in the order of their draws, on which no decision is in force."""
    # The plus says which index not to use: that of the import, unless most diaries are of it, which would have to be
    # sorted all; or that of the part, all of which would be walked through to find the diaries of a small import.
    kept = int(scalar(db, "select kept_count from batches where id = :batch", batch=batch_id))
    batch, part_column = ("+d.batch_id", "d.part") if 2 * kept > count_diaries(db) else ("d.batch_id", "+d.part")
    sql = f"""
        select d.id from diaries d
        where {batch} = :batch and {part_column} = :part
            and not exists (select 1 from standing s where s.diary_id = d.id)
        order by d.draw limit :limit
    """  # noqa: S608 - constants
    found = rows(db, sql, batch=batch_id, part=part, limit=limit)
    return np.fromiter((row[0] for row in found), np.int64, len(found))


def list_unsplit_ids(db: Database, *, limit: int, after: int = 0) -> list[int]:
    """Return the first diaries with an id above `after` that have no sentences yet, ascending."""
    sql = """
        select d.id from diaries d
        where d.id > :after and not exists (select 1 from sentences s where s.diary_id = d.id)
        order by d.id limit :limit
    """
    return [int(i) for (i,) in rows(db, sql, limit=limit, after=after)]


def count_unsplit(db: Database) -> int:
    """Count the diaries that have no sentences yet."""
    return int(count_diaries(db) - scalar(db, "select count(*) from sentences"))


def count_fallbacks(db: Database) -> int:
    """Count the diaries that kss could not split."""
    return int(scalar(db, "select count(*) from sentences where splitter = 'fallback'"))


def store_sentences(db: Database, split: Sequence[Sentences]) -> None:
    """Keep sentences, replacing earlier ones of the same diaries; none of forgotten ones."""
    statement = """
        insert or replace into sentences (diary_id, spans, splitter) select id, ?, ? from diaries where id = ?
    """
    with write(db):
        db.conn.executemany(statement, [(json.dumps(s.spans), s.splitter, s.diary_id) for s in split])


def find_sentences(db: Database, diary_id: int) -> Sentences | None:
    """Return the sentences of a diary, if they have been split."""
    row = one(db, "select spans, splitter from sentences where diary_id = :id", id=diary_id)
    if row is None:
        return None
    spans = tuple((int(start), int(end)) for start, end in json.loads(row[0]))
    return Sentences(diary_id, spans, row[1])
