"""What people are told about a label, or about telling two labels apart. Append-only; the newest version counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock
from db.connection import rows, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Guideline:
    """One version of the guideline for a label or a pair of labels.

    Attributes:
        other_label_id: the larger id of a pair; None for a single label.
        text: empty, like `examples`, if the guideline was removed.
        examples: sentences that were made up, or cleared for this use.
    """

    id: int
    label_id: int
    other_label_id: int | None
    text: str
    examples: tuple[str, ...]
    annotator_name: str
    written_at: str


_SELECT = """
    select g.id, g.label_id, g.other_label_id, g.text, g.examples, a.name, g.written_at
    from guidelines g join annotators a on a.id = g.annotator_id
"""


def add_guideline(
    db: Database, label_id: int, other_label_id: int | None, text: str, examples: Sequence[str], *, annotator_id: int
) -> int:
    """Store a new version and return its id.

    Args:
        other_label_id: larger than `label_id`, or None.
    """
    statement = """
        insert into guidelines (label_id, other_label_id, text, examples, annotator_id, written_at)
        values (?, ?, ?, ?, ?, ?)
    """
    examples_json = json.dumps(list(examples), ensure_ascii=False)
    with write(db):
        values = (label_id, other_label_id, text, examples_json, annotator_id, clock.now())
        return int(db.conn.execute(statement, values).lastrowid or 0)


def list_newest(db: Database) -> list[Guideline]:
    """Return the newest version of every label and pair."""
    newest = "select max(id) from guidelines group by label_id, other_label_id"
    sql = f"{_SELECT} where g.id in ({newest}) order by g.id"
    return [_guideline(row) for row in rows(db, sql)]


def list_versions(db: Database, label_id: int, other_label_id: int | None = None) -> list[Guideline]:
    """Return every version of the guideline for a label or a pair, newest first."""
    sql = f"{_SELECT} where g.label_id = :label and g.other_label_id is :other order by g.id desc"
    return [_guideline(row) for row in rows(db, sql, label=label_id, other=other_label_id)]


def _guideline(row: tuple[int, int, int | None, str, str, str, str]) -> Guideline:
    return Guideline(*row[:4], tuple(json.loads(row[4])), *row[5:])
