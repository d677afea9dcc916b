"""Diaries, the batches they came in, and their sentences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db.answers.imported_decisions import NewVote as NewVote
from db.connection import one, rows, scalar, write
from db.errors import NotFoundError
from db.forgetting import forgotten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

Part = Literal["pool", "test"]

DRAW_RANGE = 1 << 62
"""Draws are uniform integers below this."""


@dataclass(frozen=True, slots=True)
class Diary:
    """One text to label, as it was imported.

    Attributes:
        text: the raw text, untouched.
        part: ``test`` diaries are those of a random sample of writers or texts, and never train a model.
    """

    id: int
    text: str
    written_on: str | None
    author: str | None
    source: str | None
    metadata: dict[str, Any]
    part: Part


def count_diaries(db: Database, part: Part | None = None) -> int:
    """Count all diaries, or those of one part."""
    if part is None:
        # Diaries come only in batches, which know how many have gone. Counting rows would scan a million of them.
        return int(scalar(db, "select coalesce(sum(kept_count), 0) from batches"))
    return int(scalar(db, "select count(*) from diaries where part = :part", part=part))


def last_diary_id(db: Database) -> int:
    """Return the largest id that a diary has or had, 0 for none: the length of arrays indexed by id - 1."""
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


def find_texts(db: Database, diary_ids: Iterable[int]) -> list[str]:
    """Return the raw texts of those diaries that exist, ordered by id."""
    sql = "select text from diaries where id in (select value from json_each(:ids)) order by id"
    return [text for (text,) in rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))]


def sample_texts(db: Database, *, limit: int, with_flagged: bool = True) -> list[str]:
    """Return the raw texts of a random sample of the diaries, the same at each call until more are imported.

    Args:
        with_flagged: whether to include diaries that wait for a lead's care.
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
    """Return diary ids; those of the test part in the order of their draws, all others ascending."""
    if part is None:
        records = rows(db, "select id from diaries order by id")
    else:
        order = "draw" if part == "test" else "id"
        records = rows(db, f"select id from diaries where part = :part order by {order}", part=part)  # noqa: S608
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_ids_of_batch(db: Database, batch_id: int) -> list[int]:
    """Return the diaries of an import, ascending."""
    sql = "select id from diaries where batch_id = :batch order by id"
    return [int(diary_id) for (diary_id,) in rows(db, sql, batch=batch_id)]


def has_authors(db: Database) -> bool:
    """Return whether any diary has a writer's name."""
    return scalar(db, "select 1 from diaries where author is not null limit 1") is not None


def list_authors(db: Database) -> list[str]:
    """Return the names of the authors of diaries, as imported."""
    return [str(name) for (name,) in rows(db, "select distinct author from diaries where author is not null")]


def list_authors_of(db: Database, diary_ids: Iterable[int]) -> list[str | None]:
    """Return the authors of diaries in the order of the ids; None where none is known."""
    ids = [int(i) for i in diary_ids]
    sql = "select id, author from diaries where id in (select value from json_each(:ids)) and author is not null"
    authors = dict(rows(db, sql, ids=json.dumps(ids)))
    return [authors.get(i) for i in ids]


def find_sources(db: Database, diary_ids: Iterable[int]) -> dict[int, str | None]:
    """Return the sources of those diaries that exist, by id."""
    sql = "select id, source from diaries where id in (select value from json_each(:ids))"
    return dict(rows(db, sql, ids=json.dumps([int(i) for i in diary_ids])))


def count_waiting_by_source(db: Database) -> list[tuple[str | None, int, int]]:
    """Return each source, its newest diary, and how many of its diaries have no decision in force."""
    sql = """
        select d.source, max(d.id), sum(not exists (select 1 from standing s where s.diary_id = d.id))
        from diaries d group by d.source order by d.source
    """
    return [(source, int(diary_id), int(count)) for source, diary_id, count in rows(db, sql)]


def list_ids_of_authors(db: Database, names: Sequence[str]) -> list[int]:
    """Return the diaries of some authors, ascending."""
    sql = "select id from diaries where author in (select value from json_each(:names)) order by id"
    return [int(diary_id) for (diary_id,) in rows(db, sql, names=json.dumps(list(names)))]


def read_texts(db: Database) -> Iterator[tuple[int, str]]:
    """Yield id and text of every diary, ordered by id, without holding all of them in memory."""
    for diary_id, text in db.conn.execute("select id, text from diaries order by id"):
        yield int(diary_id), str(text)


def read_hashes(db: Database) -> Iterator[tuple[int, bytes]]:
    """Yield id and hash of the text of every diary, without holding all of them in memory."""
    for diary_id, text_hash in db.conn.execute("select id, text_hash from diaries"):
        yield int(diary_id), bytes(text_hash)


def keep_known(db: Database, diary_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of some thousands of ids that are diaries, in the given order."""
    sql = """
        select value from json_each(:ids) wanted
        where exists (select 1 from diaries d where d.id = wanted.value) order by wanted.key
    """
    records = rows(db, sql, ids=json.dumps(diary_ids.tolist()))
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_undecided_test(db: Database, *, limit: int) -> NDArray[np.int64]:
    """Return the first test diaries without a decision in force, in the order of their draws."""
    sql = """
        select d.id from diaries d
        where d.part = 'test' and not exists (select 1 from standing s where s.diary_id = d.id)
        order by d.draw limit :limit
    """
    records = rows(db, sql, limit=limit)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def count_by_author(db: Database) -> list[tuple[str, int]]:
    """Return how many diaries each author has, by the name as imported."""
    records = rows(db, "select author, count(*) from diaries where author is not null group by author")
    return [(str(author), int(count)) for author, count in records]


def read_for_drawing(db: Database) -> Iterator[tuple[int, str, str | None, Part]]:
    """Yield id, text, author and part of every diary, ordered by id, without holding all of them in memory."""
    yield from db.conn.execute("select id, text, author, part from diaries order by id")


def place(db: Database, placed: Iterable[tuple[int, Part, int]]) -> None:
    """Give diaries, by id, their part and draw; those of the test part count as drawn at random in the queue."""
    with write(db):
        values = ((part, draw, diary_id) for diary_id, part, draw in placed)
        db.conn.executemany("update diaries set part = ?, draw = ? where id = ?", values)
        in_test = "exists (select 1 from diaries d where d.id = queue.diary_id and d.part = 'test')"
        db.conn.execute(f"update queue set strategy = 'random', score = 0 where {in_test}")  # noqa: S608 - constant


def find_parts(db: Database, diary_ids: Iterable[int]) -> dict[int, Part]:
    """Return the parts of those diaries that exist, by id."""
    sql = "select id, part from diaries where id in (select value from json_each(:ids))"
    return dict(rows(db, sql, ids=json.dumps([int(i) for i in diary_ids])))


def move_untouched(db: Database, diary_ids: Iterable[int], part: Part) -> int:
    """Put diaries that nobody has decided or been handed into a part, and return how many were moved."""
    moving = """
        select y.id from diaries y where y.id in (select value from json_each(:ids)) and y.part <> :part
            and not exists (select 1 from decisions d where d.diary_id = y.id)
            and not exists (select 1 from handed h where h.diary_id = y.id)
    """
    ids = [row[0] for row in rows(db, moving, ids=json.dumps([int(i) for i in diary_ids]), part=part)]
    put_in_part(db, ids, part)
    return len(ids)


def put_in_part(db: Database, diary_ids: Iterable[int], part: Part) -> None:
    """Put diaries into a part; in the queue they count as drawn at random, like every test diary."""
    ids = json.dumps([int(i) for i in diary_ids])
    with write(db):
        chosen = "in (select value from json_each(?))"
        db.conn.execute(f"update diaries set part = ? where id {chosen}", (part, ids))  # noqa: S608
        if part == "test":
            db.conn.execute(f"update queue set strategy = 'random', score = 0 where diary_id {chosen}", (ids,))  # noqa: S608


def mark_test(db: Database) -> NDArray[np.bool_]:
    """Return a mask of the test diaries, for arrays indexed by id - 1."""
    marks = np.zeros(last_diary_id(db), np.bool_)
    # One row of text for all ids: a million tuples would cost half a second.
    joined = scalar(db, "select json_group_array(id) from diaries where part = 'test'")
    marks[np.array(json.loads(joined), np.int64) - 1] = True
    return marks


def list_undecided(db: Database, batch_id: int, *, part: Part, limit: int) -> NDArray[np.int64]:
    """Return the first diaries of an import without a decision in force, in the order of their draws."""
    # The plus names the index not to use. If most diaries are of the import, using its index would mean sorting them
    # all; otherwise, using the index of the part would mean scanning it all for the diaries of a small import.
    batch_size = int(scalar(db, "select kept_count from batches where id = :batch", batch=batch_id))
    batch, part_column = ("+d.batch_id", "d.part") if 2 * batch_size > count_diaries(db) else ("d.batch_id", "+d.part")
    sql = f"""
        select d.id from diaries d
        where {batch} = :batch and {part_column} = :part
            and not exists (select 1 from standing s where s.diary_id = d.id)
        order by d.draw limit :limit
    """  # noqa: S608 - constants
    records = rows(db, sql, batch=batch_id, part=part, limit=limit)
    return np.fromiter((row[0] for row in records), np.int64, len(records))
