"""Imports: one batch per file, with the rows that were left out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from db.connection import rows

if TYPE_CHECKING:
    from sqlite_utils import Database

    from db.answers.imported_decisions import NewVote as NewVote
    from db.texts.diaries import Part


class NewDiary(NamedTuple):
    """A diary to be stored. A tuple, because a million frozen dataclasses take four seconds to create.

    Attributes:
        text_hash: digest of the NFC form; equal texts have equal hashes.
        draw: uniform in [0, DRAW_RANGE).
        label_id: the label that the file gives without naming a person, if any.
        votes: what the file says people decided, if it says more than that.
        twin: the diary that the row was exported from, where that is known, though its text went out masked.
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
    twin: int | None = None


TOOK_PART = frozenset(("joined", "superseding"))
"""Reasons for which a row is no diary of its own, but not left out either: what it says was added to another one."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A row of an import that did not become a diary, and why; or something that is noted about a row."""

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
        joined_count: rows whose decisions were added to diaries that were there, or superseded others.
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
    joined_count: int = 0

    @property
    def left_out_count(self) -> int:
        """The number of rows of which nothing was kept."""
        return self.row_count - self.kept_count - self.forgotten_count - self.joined_count


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of an import.

    Attributes:
        label_count: diaries that came with a label.
        decision_count: decisions that were stored.
        notes: rows that were kept, though not everything that they say.
        asked: questions that decisions raise, as (kind, labels that it is about); somebody has to answer them first.
    """

    batch_id: int
    kept_count: int
    label_count: int
    skips: tuple[Skip, ...] = field(default=())
    decision_count: int = 0
    notes: tuple[Skip, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()


def list_batches(db: Database) -> list[Batch]:
    """Return every import, newest first."""
    sql = """
        select file_name, file_hash, format, encoding, columns, imported_by, row_count, id, imported_at,
            kept_count, forgotten_count, (select count(*) from batch_skips s where s.batch_id = batches.id
                and s.reason in ('joined', 'superseding'))
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
