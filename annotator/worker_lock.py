"""One worker for each database: a lock file that the operating system frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from annotator.errors import UserError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


KEEPER = "MAEUMGYEOL_KEEPS_WORKER"
"""Variable of the environment that the app sets for its server when it keeps a worker running beside it."""

_STARTS_WITHIN_SECONDS = 60.0
_noticed_at: dict[Path, float] = {}


def _lock_path(database: Path) -> Path:
    return database.with_name(database.name + "-worker.lock")


@contextmanager
def only_worker(database: Path) -> Iterator[None]:
    """Hold the worker lock of a database for the length of the block.

    Raises:
        UserError: if another worker holds it, or the lock file can't be written.
    """
    try:
        private_files.touch(_lock_path(database))
        handle = os.open(_lock_path(database), os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(database.parent), reason=error.strerror or "") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        pid = os.pread(handle, 20, 0).decode(errors="ignore").strip() or "?"
        os.close(handle)
        raise UserError("worker_running", path=str(database), pid=pid) from error
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def is_working(database: Path) -> bool:
    """Return whether a worker holds the lock of a database right now."""
    try:
        handle = os.open(_lock_path(database), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def is_starting(database: Path) -> bool:
    """Return whether a worker is on its way: the app keeps one, and it has been missing for less than a minute."""
    now = time.monotonic()
    if is_working(database):
        _noticed_at[database] = now
        return False
    missing_for = now - _noticed_at.setdefault(database, now)
    return os.environ.get(KEEPER) == "1" and missing_for < _STARTS_WITHIN_SECONDS
