"""Opening the database, and the two ways to use it: read, or write in one immediate transaction."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from db import migrations, trust
from db.engine import Database
from db.errors import DatabaseError, NotFoundError, from_os, from_sqlite
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "Database",
    "backup",
    "connect",
    "create",
    "data_version",
    "empty_log",
    "one",
    "pooled",
    "rewrite",
    "rows",
    "scalar",
    "write",
]

APPLICATION_ID = 0x6D61656D
"""'maem' in ``pragma application_id``: says whose file this is before any table is read."""

_BUSY_SECONDS = 60
"""How long a press waits for another one's write; an import of a million rows takes half of it."""

_PRAGMAS = (
    # The file's own schema may use no function or virtual table that could act outside the file.
    "trusted_schema=off",
    "cell_size_check=on",
    "foreign_keys=on",
    "synchronous=full",
    "temp_store=memory",
    "secure_delete=on",
)

_COUNT_MIGRATIONS = "select count(*) from _sqlite_migrations"

_up_to_date: dict[tuple[int, int, int, int], int] = {}
"""Files and their schemas, as SQLite counts them, that need no further look while they have as many migrations: a key
on the label page opens the database twice."""


_MOST_IDLE = 4

_RETRY_SECONDS = 0.05

_idle: dict[tuple[str, int, int], list[Database]] = {}
"""Connections that were lent and are waiting to be lent again, by path and file."""

_idle_lock = threading.Lock()


def _open(path: Path, *, must_exist: bool, shared: bool = False) -> Database:
    path = path.resolve()
    try:
        if not must_exist:
            # SQLite would make it readable by everybody; its logs inherit its permissions.
            private_files.touch(path)
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, check_same_thread=not shared
        )
        # Extensions are never loaded: Python's default, which nothing here changes.
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        # `execute_plugins` would run whatever sqlite-utils plugin happens to be installed.
        db = Database(connection, execute_plugins=False)
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
        connection.execute("select count(*) from sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise from_sqlite(error, str(path)) from error
    except OSError as error:
        raise from_os(error, str(path)) from error
    return db


def create(path: Path) -> Database:
    """Create the database, or bring an older one up to date, and return it open.

    Raises:
        DatabaseError: if the file can't be written, isn't ours, or has a newer version.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return _create(path)
        except DatabaseError as error:
            # SQLite waits for no lock while it sets a journal up: another process may be creating the same file.
            if error.code != "database_busy" or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def _create(path: Path) -> Database:
    existed = trust.check_path(path) and path.stat().st_size > 0
    if not path.parent.is_dir():
        raise DatabaseError("folder_missing", path=str(path.parent))
    db = _open(path, must_exist=False)
    try:
        if existed:
            _check_ours(db, path)
        else:
            # Without a rollback journal, which `check_path` would take for a foreign one.
            db.conn.execute("pragma journal_mode=memory")
            db.conn.execute(f"pragma application_id={APPLICATION_ID}")
            db.enable_wal()
        migrations.apply(db)
    except sqlite3.Error as error:
        db.close()
        raise from_sqlite(error, str(path)) from error
    except DatabaseError:
        db.close()
        raise
    return db


def connect(path: Path, *, shared: bool = False) -> Database:
    """Open an existing database for one script run, command or job step.

    Args:
        shared: whether several threads may use it, one at a time.

    Raises:
        DatabaseError: if it is missing, isn't ours, is newer than this version or waits for `create`.
    """
    if not trust.check_path(path):
        raise DatabaseError("database_missing", path=str(path))
    db = _open(path, must_exist=True, shared=shared)
    try:
        _bring_up_to_date(db, path)
    except sqlite3.Error as error:
        db.close()
        raise from_sqlite(error, str(path)) from error
    except DatabaseError:
        db.close()
        raise
    return db


@contextmanager
def pooled(path: Path) -> Iterator[Database]:
    """Hold an existing database open for the block, on a connection that nobody else uses meanwhile.

    Opening takes as long as all the reads of a page, and each key press opens twice, so connections are kept for the
    next block. A connection on which something went wrong is closed.

    Raises:
        DatabaseError: as `connect` does.
    """
    file = _file_at(path)
    db = _take(path, file)
    try:
        yield db
    except BaseException:
        db.close()
        raise
    # A connection to a file that has been replaced meanwhile is useless.
    if db.conn.in_transaction or file is None or file != _file_at(path) or not _put_back(file, db):
        db.close()


def _take(path: Path, file: tuple[str, int, int] | None) -> Database:
    """Return an idle connection to a file, or a new one."""
    with _idle_lock:
        for other in [key for key in _idle if key[0] == str(path) and key != file]:
            for stale in _idle.pop(other):
                stale.close()
        db = _idle[file].pop() if file is not None and _idle.get(file) else None
    if db is None:
        return connect(path, shared=True)
    try:
        _bring_up_to_date(db, path)
    except (sqlite3.Error, DatabaseError, OSError):
        db.close()
        return connect(path, shared=True)
    return db


def _put_back(file: tuple[str, int, int], db: Database) -> bool:
    with _idle_lock:
        idle = _idle.setdefault(file, [])
        if len(idle) >= _MOST_IDLE:
            return False
        idle.append(db)
        return True


def _file_at(path: Path) -> tuple[str, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_dev, status.st_ino


def _bring_up_to_date(db: Database, path: Path) -> None:
    """Check that the database is ours and not newer, and apply missing migrations: once per state of its schema."""
    file = path.stat()
    state = (file.st_dev, file.st_ino, scalar(db, "pragma application_id"), scalar(db, "pragma schema_version"))
    if state in _up_to_date and _up_to_date[state] == scalar(db, _COUNT_MIGRATIONS):
        return
    _check_ours(db, path)
    # A copy made by another program uses a rollback journal, and keeps it if the file is read-only.
    with suppress(sqlite3.OperationalError):
        db.enable_wal()
    if migrations.pending(db):
        migrations.apply(db)
    else:
        _up_to_date[state] = scalar(db, _COUNT_MIGRATIONS)


def _check_ours(db: Database, path: Path) -> None:
    if scalar(db, "pragma application_id") != APPLICATION_ID:
        raise DatabaseError("database_not_ours", path=str(path))
    trust.check_schema(db, path)


@contextmanager
def write(db: Database) -> Iterator[Database]:
    """Run the block as one transaction that takes the write lock first, so that it waits instead of failing.

    sqlite-utils' own ``atomic()`` begins deferred: a read followed by a write then fails at once with *database is
    locked* if another writer came in between, whatever the busy timeout. Nested blocks join the outer one.

    Raises:
        DatabaseError: for a full or read-only disk, a lock that was not released, a damaged file.
        NotFoundError: ``row_gone`` if what a row refers to has been forgotten meanwhile.
    """
    if db.conn.in_transaction:
        yield db
        return
    try:
        db.conn.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.conn.rollback()
            raise
        db.conn.commit()
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise NotFoundError("row_gone") from error
        raise
    except sqlite3.Error as error:
        db.conn.rollback()
        raise from_sqlite(error, file_of(db)) from error


def rows(db: Database, sql: str, **parameters: Any) -> list[Any]:
    """Return every row of a statement with named parameters."""
    try:
        return db.conn.execute(sql, parameters).fetchall()
    except sqlite3.OperationalError as error:
        raise from_sqlite(error, file_of(db)) from error


def one(db: Database, sql: str, **parameters: Any) -> Any | None:
    """Return the first row of a statement, or None."""
    records = rows(db, sql, **parameters)
    return records[0] if records else None


def scalar(db: Database, sql: str, **parameters: Any) -> Any:
    """Return the first column of the first row, or None."""
    row = one(db, sql, **parameters)
    return row[0] if row else None


def file_of(db: Database) -> str:
    """Return the path of the open database."""
    return str(db.conn.execute("pragma database_list").fetchone()[2])


def data_version(db: Database) -> int:
    """Return a number that changes when another connection has committed something."""
    return int(scalar(db, "pragma data_version"))


def empty_log(db: Database, *, seconds: float) -> bool:
    """Move the write-ahead log into the database and truncate it; return False if others keep reading for too long.

    Args:
        seconds: how long writers may have to wait for it.
    """
    db.conn.execute(f"pragma busy_timeout={round(1000 * seconds)}")
    try:
        return not rows(db, "pragma wal_checkpoint(truncate)")[0][0]
    finally:
        db.conn.execute(f"pragma busy_timeout={1000 * _BUSY_SECONDS}")


def rewrite(db: Database) -> None:
    """Rewrite the database, so that nothing is left between its rows. Others wait meanwhile.

    Raises:
        DatabaseError: for a full disk, or a lock that was not released.
    """
    db.conn.execute("pragma temp_store=file")  # in memory there may be no room for it
    try:
        db.conn.execute("vacuum")
    except sqlite3.Error as error:
        raise from_sqlite(error, file_of(db)) from error
    finally:
        db.conn.execute("pragma temp_store=memory")


def backup(db: Database, target: Path) -> None:
    """Copy the database in its current state into a new file while others go on writing.

    Raises:
        DatabaseError: if the target exists or can't be written.
    """
    if target.exists() or target.is_symlink():
        raise DatabaseError("target_exists", path=str(target))
    try:
        private_files.touch(target)
        with sqlite3.connect(target) as copy:
            db.conn.backup(copy, pages=4096, sleep=0.01)
        copy.close()
    except sqlite3.Error as error:
        raise from_sqlite(error, str(target)) from error
    except OSError as error:
        raise from_os(error, str(target)) from error
