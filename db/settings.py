"""Settings of the project: a key and a JSON value, kept with the data that they describe."""

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
        DatabaseError: if one of them is no JSON, which this program never writes.
    """
    try:
        return dict(_parsed(tuple(map(tuple, rows(db, "select key, value from settings")))))
    except (ValueError, RecursionError) as error:
        raise DatabaseError("database_damaged", path=file_of(db)) from error


# A press on a key reads them three times; reading JSON takes longer than asking for it.
@lru_cache(maxsize=8)
def _parsed(kept: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in kept}


def store(db: Database, **values: Any) -> None:
    """Keep settings, replacing their earlier values."""
    statement = "insert or replace into settings (key, value) values (:key, :value)"
    with write(db):
        for key, value in values.items():
            db.conn.execute(statement, {"key": key, "value": json.dumps(value, ensure_ascii=False)})
