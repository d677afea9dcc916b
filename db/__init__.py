"""Everything that is kept: one SQLite file, its schema and every statement that reads or writes it.

Functions take an open `Database` and return frozen dataclasses or numpy arrays. No other package of the
project holds SQL or imports sqlite.
"""

from db.connection import Database, backup, connect, create, lend, write

__all__ = ["Database", "backup", "connect", "create", "lend", "write"]
