"""All stored data: one SQLite file, its schema and every statement that reads or writes it.

Functions take an open `Database` and return frozen dataclasses or numpy arrays. No other package of the
project holds SQL or imports sqlite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from db.connection import Database, backup, connect, create, pooled, write

__all__ = ["Database", "backup", "connect", "create", "pooled", "write"]


def __getattr__(name: str) -> Any:
    """Load the connection on first use, so that a reading process can import `db.errors` alone cheaply."""
    if name not in __all__:
        raise AttributeError(name)
    from db import connection

    return getattr(connection, name)
