"""The file in which the worker's jobs keep how far they are: nothing in it is ever run.

It can be made anew: a job that it does not know begins at its first step, and each step looks first what is done.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from db import trust
from db.errors import DatabaseError, from_os, from_sqlite
from maeumgyeol import private_files

if TYPE_CHECKING:
    from pathlib import Path

SERIALIZATION = "portable_json"
"""What values are kept as. DBOS knows pickle, too, which runs what a file from elsewhere says."""

_ENDINGS = ("", "-wal", "-shm", "-journal")


def prepare(path: Path) -> None:
    """Make the file for its owner alone; one that holds more than plain values begins anew.

    Raises:
        DatabaseError: if it can't be made.
    """
    try:
        if path.exists() and not _is_plain(path):
            for ending in _ENDINGS:
                path.with_name(path.name + ending).unlink(missing_ok=True)
        private_files.touch(path)
        with contextlib.closing(sqlite3.connect(path)) as made:
            # Without a rollback journal one that lies there is not ours.
            made.execute("pragma journal_mode=wal")
    except sqlite3.Error as error:
        raise from_sqlite(error, str(path)) from error
    except OSError as error:
        raise from_os(error, str(path)) from error


def _is_plain(path: Path) -> bool:
    """Return whether a file has tables and indexes only, without computed columns, and JSON for values."""
    try:
        trust.check_path(path)
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as found:
            found.execute("pragma trusted_schema=off")
            kinds = found.execute("select type, name, rootpage from sqlite_schema").fetchall()
            if not all(kind in ("table", "index") and page for kind, _, page in kinds):
                return False
            return all(_holds_json(found, name) for kind, name, _ in kinds if kind == "table")
    except (sqlite3.DatabaseError, DatabaseError):
        return False


def _holds_json(found: sqlite3.Connection, table: str) -> bool:
    columns = found.execute("select name, hidden from pragma_table_xinfo(?)", (table,)).fetchall()
    if any(hidden for _, hidden in columns):
        return False
    if "serialization" not in {name for name, _ in columns}:
        return True
    quoted = table.replace('"', '""')
    sql = f'select 1 from "{quoted}" where serialization <> ? limit 1'  # noqa: S608 - quoted
    return found.execute(sql, (SERIALIZATION,)).fetchone() is None
