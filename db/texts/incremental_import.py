"""Diaries that come one at a time from another program: all that come with one token form one growing import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from db import clock
from db.connection import scalar, write
from db.errors import DatabaseError
from db.search import index
from db.texts.diaries import last_diary_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

    from db.texts.batches import NewDiary


_FIELDS = ("text", "text_hash", "written_on", "author", "metadata", "part", "draw")


def begin_batch(db: Database, *, name: str, imported_by: int, kind: Literal["api", "pool"] = "api") -> int:
    """Begin an import without diaries and return its id.

    Args:
        name: its name in the list of files.
        kind: what it comes from: another program, or a pool in shards.
    """
    statement = """
        insert into batches (file_name, file_hash, format, encoding, columns, imported_by, imported_at, row_count,
            kept_count)
        values (:name, '', :kind, null, '{}', :imported_by, :now, 0, 0)
    """
    with write(db):
        values = {"name": name, "kind": kind, "imported_by": imported_by, "now": clock.now()}
        return int(db.conn.execute(statement, values).lastrowid or 0)


def add(
    db: Database,
    batch_id: int,
    diaries: Sequence[NewDiary],
    *,
    source: str,
    is_refused: Callable[[str, bytes], bool] = lambda text, text_hash: False,
) -> list[tuple[int, bool]]:
    """Store diaries and return the id of each, and whether it is new; an existing text keeps its id.

    Row numbers continue those of the import; the diaries' own are ignored.

    Args:
        is_refused: whether a text, with its hash, is refused; if so, all of them are.

    Raises:
        DatabaseError: ``handed_forgotten`` with the 1-based place of a refused text.
    """
    statement = """
        insert into diaries (id, text, text_hash, written_on, author, source, metadata, batch_id, row_number, part,
            draw)
        values (:id, :text, :text_hash, :written_on, :author, :source, :metadata, :batch_id, :row_number, :part, :draw)
    """
    results: list[tuple[int, bool]] = []
    with write(db):
        # Ids continue without gaps, because arrays are indexed by them, and none is used twice.
        next_id = first_id = last_diary_id(db) + 1
        row_number = int(scalar(db, "select row_count from batches where id = :id", id=batch_id))
        for diary in diaries:
            row_number += 1
            twin = scalar(db, "select id from diaries where text_hash = :hash", hash=diary.text_hash)
            if twin is not None:
                results.append((int(twin), False))
                continue
            if is_refused(diary.text, diary.text_hash):
                raise DatabaseError("handed_forgotten", place=len(results) + 1)
            values = {name: getattr(diary, name) for name in _FIELDS}
            place = {"id": next_id, "source": source, "batch_id": batch_id, "row_number": row_number}
            db.conn.execute(statement, {**values, **place})
            results.append((next_id, True))
            next_id += 1
        new_count = sum(is_new for _, is_new in results)
        db.conn.execute(
            "update batches set row_count = ?, kept_count = kept_count + ? where id = ?",
            (row_number, new_count, batch_id),
        )
        index.extend(db, after_id=first_id - 1)
    return results
