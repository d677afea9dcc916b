"""Whether a database is one that this program made, and holds nothing that could act by itself.

SQLite runs triggers, views, generated columns and expressions of indexes and checks from the file that it opens. A
database of ours holds only what its migrations put there, so everything else is refused before it can run.
"""

from __future__ import annotations

import errno
import stat
from functools import cache
from typing import TYPE_CHECKING

from db import migrations
from db.engine import Database
from db.errors import DatabaseError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from pathlib import Path

    Part = tuple[str, str, str, str]

_NAME_CHARACTERS = 40

_LARGEST_ID = 2**31

_STATISTICS: frozenset[Part] = frozenset(
    ("table", name, name, f"CREATE TABLE {name}({columns})")
    for name, columns in (
        ("sqlite_stat1", "tbl,idx,stat"),
        ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"),
    )
)
"""What ``analyze`` leaves."""


def check_path(path: Path) -> bool:
    """Return whether there is a file at a path, after checking that it and SQLite's logs beside it are plain files.

    Raises:
        DatabaseError: if the path can't be read, is another account's link or is not a file; if a log is a link or
            not a file; and for a rollback journal: WAL mode has none, and a foreign one would be played back into the
            database.
    """
    try:
        private_files.check_link(path)
        status = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        code = "database_unopenable" if error.errno == errno.EACCES else "database_no_file"
        raise DatabaseError(code, path=str(path)) from error
    if not stat.S_ISREG(status.st_mode):
        raise DatabaseError("database_no_file", path=str(path))
    for ending in ("-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + ending)
        try:
            log = beside.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(log.st_mode) or (ending == "-journal" and log.st_size):
            raise DatabaseError("database_beside", path=str(path), beside=beside.name)
    return True


def check_schema(db: Database, path: Path) -> None:
    """Check that a database holds what its migrations made, and nothing else.

    Raises:
        DatabaseError: if its version is newer, it holds something that is not ours, or it lacks something of ours.
    """
    parts, applied, pages = _read(db)
    if unknown := sorted(applied - migrations.known()):
        raise DatabaseError("database_newer", path=str(path), migration=unknown[0])
    if strange := sorted(parts - _parts(applied) - _STATISTICS):
        kind, name, *_ = strange[0]
        raise DatabaseError("database_foreign", path=str(path), found=f"{_plain(kind)} {_plain(name)}")
    # Without the triggers that protect decisions from changes, or the indexes that keep a press from being stored
    # twice, nothing in the database can be relied on.
    if missing := sorted(_parts(applied) - parts) if applied else []:
        kind, name, *_ = missing[0]
        raise DatabaseError("database_incomplete", path=str(path), missing=f"{kind} {name}")
    # If two tables began on the same page, writing to one would change the other.
    if len(set(pages)) < len(pages) or _has_strange_ids(db) or _is_forgetting(db):
        raise DatabaseError("database_damaged", path=str(path))


def _is_forgetting(db: Database) -> bool:
    """Return whether the row that lets triggers rest is there for good: nobody ever commits it."""
    tables = db.conn.execute("select 1 from sqlite_schema where name = 'forgetting'").fetchall()
    return bool(tables and db.conn.execute("select 1 from forgetting").fetchall())


def _has_strange_ids(db: Database) -> bool:
    """Return whether a row has a number that counting never reaches: vectors lie in files by it."""
    columns = db.conn.execute(
        """
        select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c
        where t.type = 'table' and c.type = 'INTEGER' and (c.pk = 1 and c.name = 'id'
            or (t.name, c.name) in (('models', 'version'), ('rounds', 'number'), ('forgotten', 'diary_id')))
        """
    ).fetchall()
    for table, column in columns:
        ends = db.conn.execute(f"select min({column}), max({column}) from {table}").fetchone()  # noqa: S608 - our schema
        first = 1 if column == "id" else 0
        if ends != (None, None) and not first <= ends[0] <= ends[1] <= _LARGEST_ID:
            return True
    return False


def _read(db: Database) -> tuple[frozenset[Part], frozenset[str], list[int]]:
    """Return the parts of a database, the migrations applied to it and its tables' root pages, from one snapshot."""
    # Another process may be bringing it up to date.
    db.conn.execute("begin")
    try:
        rows = db.conn.execute("select type, name, tbl_name, sql, rootpage from sqlite_schema").fetchall()
        parts = frozenset(_part(*row[:4]) for row in rows)
        applied = migrations.applied(db) if _parts(frozenset()) <= parts else frozenset()
    finally:
        db.conn.rollback()
    return parts, applied, [row[4] for row in rows if row[4]]


@cache
def _parts(applied: frozenset[str]) -> frozenset[Part]:
    """Return the parts of a database to which some migrations have been applied."""
    db = Database(memory=True, execute_plugins=False)
    migrations.apply_only(db, applied)
    rows = db.conn.execute("select type, name, tbl_name, sql from sqlite_schema").fetchall()
    db.close()
    return frozenset(_part(*row) for row in rows)


def _part(kind: str, name: str, table: str, sql: str | None) -> Part:
    # Line breaks may differ from those when the database was made.
    return str(kind), str(name), str(table), " ".join(str(sql or "").split())


def _plain(text: str) -> str:
    """Return a name from a foreign file in a form that can be shown: short, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:_NAME_CHARACTERS])
