"""Settings of the project: a key and a JSON value, stored with the data that they describe."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from db.connection import file_of, rows, write
from db.errors import DatabaseError

if TYPE_CHECKING:
    from sqlite_utils import Database


def load(db: Database) -> dict[str, Any]:
    """Return every stored setting.

    Raises:
        DatabaseError: if one of them is not JSON, which this program never writes.
    """
    try:
        return dict(_parsed(tuple(map(tuple, rows(db, "select key, value from settings")))))
    except (ValueError, RecursionError) as error:
        raise DatabaseError("database_damaged", path=file_of(db)) from error


# Each key press reads them three times, and parsing the JSON takes longer than the query.
@lru_cache(maxsize=8)
def _parsed(stored: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in stored}


def store(db: Database, **values: Any) -> None:
    """Store settings, replacing their earlier values."""
    statement = "insert or replace into settings (key, value) values (:key, :value)"
    with write(db):
        for key, value in values.items():
            db.conn.execute(statement, {"key": key, "value": json.dumps(value, ensure_ascii=False)})
