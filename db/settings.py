"""Settings of the project: a key and a JSON value, kept with the data that they describe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from db.connection import rows, write

if TYPE_CHECKING:
    from sqlite_utils import Database


def load(db: Database) -> dict[str, Any]:
    """Return every stored setting."""
    return {key: json.loads(value) for key, value in rows(db, "select key, value from settings")}


def store(db: Database, **values: Any) -> None:
    """Keep settings, replacing their earlier values."""
    statement = "insert or replace into settings (key, value) values (:key, :value)"
    with write(db):
        for key, value in values.items():
            db.conn.execute(statement, {"key": key, "value": json.dumps(value, ensure_ascii=False)})
