"""Which texts of a pool have become diaries, which of them are leaving, and which come next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

    IntArray = NDArray[np.int64]


class Waiting(NamedTuple):
    """A text that becomes a diary when the queue has come to it."""

    number: int
    strategy: str
    score: float


def add(db: Database, pool_id: int, pairs: Iterable[tuple[int, int]]) -> None:
    """Note which texts are which diaries, as (number, diary id)."""
    statement = "insert or ignore into pool_diaries (pool_id, number, diary_id) values (?, ?, ?)"
    with write(db):
        db.conn.executemany(statement, [(pool_id, int(number), int(diary_id)) for number, diary_id in pairs])


def find_diaries(db: Database, pool_id: int, numbers: IntArray) -> dict[int, int]:
    """Return the diaries of those texts that have become one, by number."""
    sql = """
        select number, diary_id from pool_diaries
        where pool_id = :pool and number in (select value from json_each(:numbers))
    """
    return dict(rows(db, sql, pool=pool_id, numbers=json.dumps(numbers.tolist())))


def list_members(db: Database, pool_id: int) -> tuple[IntArray, IntArray]:
    """Return the numbers of all texts that are diaries, ascending, and the diaries' ids."""
    records = rows(db, "select number, diary_id from pool_diaries where pool_id = :pool order by number", pool=pool_id)
    pairs = np.array([tuple(row) for row in records], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def find_numbers(db: Database, pool_id: int, diary_ids: Sequence[int]) -> dict[int, int]:
    """Return the numbers of those diaries that are texts of the pool, by diary id; of several the first."""
    sql = """
        select diary_id, min(number) from pool_diaries
        where pool_id = :pool and diary_id in (select value from json_each(:ids)) group by diary_id
    """
    return dict(rows(db, sql, pool=pool_id, ids=json.dumps([int(i) for i in diary_ids])))


def list_decided(db: Database, pool_id: int) -> IntArray:
    """Return the numbers of the texts whose diary has a decision in force, ascending."""
    sql = """
        select p.number from pool_diaries p
        where p.pool_id = :pool and exists (select 1 from standing s where s.diary_id = p.diary_id) order by p.number
    """
    records = rows(db, sql, pool=pool_id)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_moved(db: Database, pool_id: int, part: str) -> IntArray:
    """Return the numbers of the texts whose diary is in a part, ascending; it may have been moved there."""
    sql = """
        select p.number from pool_diaries p join diaries d on d.id = p.diary_id
        where p.pool_id = :pool and d.part = :part order by p.number
    """
    records = rows(db, sql, pool=pool_id, part=part)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_outside(db: Database, pool_id: int, part: str, *, limit: int) -> IntArray:
    """Return undecided diaries of a part that are no texts of the pool, in the order of their draws."""
    sql = """
        select d.id from diaries d
        where d.part = :part and not exists (select 1 from standing s where s.diary_id = d.id)
            and not exists (select 1 from pool_diaries p where p.diary_id = d.id and p.pool_id = :pool)
        order by d.draw limit :limit
    """
    records = rows(db, sql, pool=pool_id, part=part, limit=limit)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_leaving(db: Database, pool_id: int) -> IntArray:
    """Return the numbers of the texts that still have to be taken out of their files, ascending."""
    records = rows(db, "select number from pool_leaving where pool_id = :pool order by number", pool=pool_id)
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def has_leaving(db: Database) -> bool:
    """Return whether any text still has to be taken out of its files."""
    return bool(rows(db, "select 1 from pool_leaving limit 1"))


def add_leaving(db: Database, pairs: Iterable[tuple[int, int]]) -> None:
    """Note texts, as (pool id, number), that have to be taken out of their files, within the caller's transaction.

    They are no longer drawn, nor handed out next.
    """
    pairs = list(pairs)
    db.conn.executemany("insert or ignore into pool_leaving (pool_id, number) values (?, ?)", pairs)
    db.conn.executemany("delete from pool_waiting where pool_id = ? and number = ?", pairs)


def mark_left(db: Database, pool_id: int, numbers: IntArray) -> None:
    """Note that texts have been taken out of all files."""
    with write(db):
        db.conn.executemany(
            "delete from pool_leaving where pool_id = ? and number = ?", [(pool_id, int(n)) for n in numbers]
        )


def replace_waiting(db: Database, pool_id: int, waiting: Sequence[Waiting]) -> None:
    """Store what comes after the queue, in its order, in place of what came before."""
    statement = "insert into pool_waiting (place, pool_id, number, strategy, score) values (?, ?, ?, ?, ?)"
    with write(db):
        db.conn.execute("delete from pool_waiting")
        db.conn.executemany(
            statement, [(i, pool_id, each.number, each.strategy, each.score) for i, each in enumerate(waiting)]
        )


def list_waiting(db: Database, pool_id: int, *, limit: int) -> list[Waiting]:
    """Return what comes next, in its order."""
    sql = "select number, strategy, score from pool_waiting where pool_id = :pool order by place limit :limit"
    return [Waiting(*row) for row in rows(db, sql, pool=pool_id, limit=limit)]


def drop_waiting(db: Database, pool_id: int, *, count: int) -> None:
    """Drop the first of what comes next: these are in the queue now."""
    statement = """
        delete from pool_waiting where place in (
            select place from pool_waiting where pool_id = ? order by place limit ?)
    """
    with write(db):
        db.conn.execute(statement, (pool_id, count))


def count(db: Database, pool_id: int) -> int:
    """Return how many texts of a pool have become diaries."""
    return int(scalar(db, "select count(*) from pool_diaries where pool_id = :pool", pool=pool_id))


def is_member(db: Database, pool_id: int, number: int) -> bool:
    """Return whether a text has become a diary."""
    sql = "select 1 from pool_diaries where pool_id = :pool and number = :number"
    return scalar(db, sql, pool=pool_id, number=number) is not None
