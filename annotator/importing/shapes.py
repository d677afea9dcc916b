"""How people had files read, remembered with the import for the next file of the same shape."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from annotator.formats.table import ColumnMap, ReadOptions
from annotator.importing.choices import Choices
from db.texts import batches

if TYPE_CHECKING:
    from annotator.formats.table import Table
    from annotator.importing.file_reading import Plan
    from db import Database

COLUMNS, READING, CHOICES = "chosen_columns", "chosen_reading", "chosen_answers"
_SHAPE, _NAME = "shape", "name_shape"


def describe(name: str, table: Table, given: Plan, columns: ColumnMap) -> dict[str, str]:
    """Return what somebody has chosen for a file, to be stored with its import; nothing where nobody chose.

    Args:
        given: what was asked for. If it does without what is remembered, it is remembered instead, whatever it is.
        columns: as they were read.
    """
    stored: dict[str, str] = {}
    if given.columns is not None or not given.remembers:
        stored |= {_SHAPE: _shape(table), COLUMNS: _written(columns)}
    if (given.choices or Choices()) != Choices() or not given.remembers:
        stored |= {_SHAPE: _shape(table), CHOICES: _written(given.choices or Choices())}
    if (given.reading or ReadOptions()) != ReadOptions() or not given.remembers:
        stored |= {_NAME: _name_shape(name), READING: _written(given.reading or ReadOptions())}
    return stored


def _written(chosen: ColumnMap | Choices | ReadOptions) -> str:
    return json.dumps(asdict(chosen), ensure_ascii=False)


def find_columns(db: Database, table: Table) -> ColumnMap | None:
    """Return the columns that somebody chose for the latest file with the same ones; None if nobody did."""
    fields = _latest(db, _SHAPE, _shape(table), COLUMNS)
    return None if fields is None else ColumnMap(**fields)


def find_choices(db: Database, table: Table) -> Choices:
    """Return the answers that somebody gave for the latest file with the same columns."""
    return Choices(**(_latest(db, _SHAPE, _shape(table), CHOICES) or {}))


def find_reading(db: Database, name: str) -> ReadOptions | None:
    """Return how somebody had the latest file read that was called alike but for figures; None if nobody did."""
    fields = _latest(db, _NAME, _name_shape(name), READING)
    return None if fields is None else ReadOptions(**fields)


def _latest(db: Database, by: str, shape: str, key: str) -> dict[str, Any] | None:
    """Return what was chosen for the latest file of a shape."""
    for batch in batches.list_batches(db):
        if batch.columns.get(by) == shape and key in batch.columns:
            loaded = json.loads(batch.columns[key])
            return {name: tuple(value) if isinstance(value, list) else value for name, value in loaded.items()}
    return None


def _shape(table: Table) -> str:
    return hashlib.sha256("\n".join((table.format, *table.columns)).encode()).hexdigest()[:16]


def _name_shape(name: str) -> str:
    """Return a file's name without its figures: exports of one place differ in date and number."""
    return re.sub(r"[\d\W_]+", " ", name).casefold().strip()
