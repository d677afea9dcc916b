"""How people had files read, remembered with the import for the next file of the same shape."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from annotator.formats.table import ColumnMap, ReadOptions
from db.texts import batches

if TYPE_CHECKING:
    from annotator.formats.table import Table
    from db import Database
    from db.texts.batches import Batch

COLUMNS, READING = "chosen_columns", "chosen_reading"
_SHAPE, _NAME = "shape", "name_shape"


def describe(name: str, table: Table, columns: ColumnMap | None, reading: ReadOptions | None) -> dict[str, str]:
    """Return what somebody has chosen for a file, to be stored with its import; nothing where nobody chose."""
    stored: dict[str, str] = {}
    if columns is not None:
        stored |= {_SHAPE: _shape(table), COLUMNS: json.dumps(asdict(columns), ensure_ascii=False)}
    if reading is not None and reading != ReadOptions():
        stored |= {_NAME: _name_shape(name), READING: json.dumps(asdict(reading), ensure_ascii=False)}
    return stored


def find_columns(db: Database, table: Table) -> ColumnMap | None:
    """Return the columns that somebody chose for the latest file with the same ones; None if nobody did."""
    shape = _shape(table)
    newest = next((batch for batch in batches.list_batches(db) if batch.columns.get(_SHAPE) == shape), None)
    return None if newest is None else ColumnMap(**_fields(newest, COLUMNS))


def find_reading(db: Database, name: str) -> ReadOptions | None:
    """Return how somebody had the latest file read that was called alike but for figures; None if nobody did."""
    shape = _name_shape(name)
    newest = next((batch for batch in batches.list_batches(db) if batch.columns.get(_NAME) == shape), None)
    return None if newest is None else ReadOptions(**_fields(newest, READING))


def _fields(batch: Batch, key: str) -> dict[str, Any]:
    loaded = json.loads(batch.columns[key])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in loaded.items()}


def _shape(table: Table) -> str:
    return hashlib.sha256("\n".join((table.format, *table.columns)).encode()).hexdigest()[:16]


def _name_shape(name: str) -> str:
    """Return a file's name without its figures: exports of one place differ in date and number."""
    return re.sub(r"[\d\W_]+", " ", name).casefold().strip()
