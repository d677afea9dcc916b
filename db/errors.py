"""Errors of the database: a stable code and its details; the layer that people see puts them into words."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from maeumgyeol.errors import AppError

if TYPE_CHECKING:
    import sqlite3


class DatabaseError(AppError):
    """The database can't do what it was asked."""


class NotFoundError(DatabaseError):
    """A row that was asked for by its key does not exist."""


_LEAST_FREE_BYTES = 1 << 20

_CAUSES = (
    ("database or disk is full", "disk_full"),
    ("readonly database", "database_read_only"),
    ("unable to open", "database_unopenable"),
    ("file is not a database", "database_not_one"),
    ("malformed", "database_damaged"),
    ("locked", "database_busy"),
    ("disk i/o", "disk_failed"),
)


def from_sqlite(error: sqlite3.Error, path: str) -> DatabaseError:
    """Return an SQLite error as one whose cause people can act on."""
    text = str(error).lower()
    for needle, code in _CAUSES:
        if needle in text:
            return DatabaseError(_nearer(code, path), path=path)
    return DatabaseError("database_failed", path=path, reason=str(error))


def from_os(error: OSError, path: str) -> DatabaseError:
    """Return an error of the operating system on creating a database as one whose cause people can act on."""
    codes = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full", errno.EROFS: "database_read_only"}
    return DatabaseError(codes.get(error.errno or 0, "database_unopenable"), path=path)


def _nearer(code: str, path: str) -> str:
    """Return the real cause when SQLite can't create the files that it needs beside the database."""
    if code not in ("disk_failed", "database_unopenable"):
        return code
    try:
        disk = os.statvfs(Path(path).parent)
    except OSError:
        return code
    if disk.f_flag & os.ST_RDONLY:
        return "database_read_only"
    return "disk_full" if disk.f_bavail * disk.f_frsize < _LEAST_FREE_BYTES else code
