"""Where the sentences of each diary begin and end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db.answers.imported_decisions import NewVote as NewVote
from db.connection import one, rows, scalar, write
from db.texts.diaries import count_diaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


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
    """Store sentences, replacing earlier ones of the same diaries; forgotten diaries are skipped."""
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
