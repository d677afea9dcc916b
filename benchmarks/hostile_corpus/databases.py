"""Hostile project files: SQLite databases with triggers, views and damage, and foreign files beside them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from annotator import project
from benchmarks.hostile_corpus.hostile_file import HostileFile, of_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

_DIARY = "오늘은 비가 와서 조금 슬펐다"


def _changed(*statements: str) -> Callable[[Path, Random], None]:
    """Return a function that makes a project and then changes it behind our back."""

    def write(path: Path, _: Random) -> None:
        project.init(path, seed="00" * 16)
        with closing(sqlite3.connect(path)) as db:
            db.execute("pragma journal_mode = delete")
            for statement in statements:
                db.execute(statement)
            db.commit()

    return write


def _schema_edited(old: str, new: str) -> Callable[[Path, Random], None]:
    def write(path: Path, random: Random) -> None:
        _changed("pragma writable_schema = on", f"update sqlite_master set sql = replace(sql, '{old}', '{new}')")(
            path, random
        )

    return write


def _damaged(share: float) -> Callable[[Path, Random], None]:
    def write(path: Path, random: Random) -> None:
        _changed("create index if not exists x on labels (name)")(path, random)
        content = bytearray(path.read_bytes())
        for _ in range(int(len(content) * share)):
            content[random.randrange(100, len(content))] = random.randrange(256)
        path.write_bytes(content)

    return write


def _beside(ending: str, content: Callable[[Random], bytes]) -> Callable[[Path, Random], None]:
    def write(path: Path, random: Random) -> None:
        _changed()(path, random)
        path.with_name(path.name + ending).write_bytes(content(random))

    return write


def _foreign_wal(path: Path, random: Random) -> None:
    """Write a project beside the -wal of another one, in which somebody else is an administrator."""
    _changed()(path, random)
    other = path.with_name("other-" + path.name)
    project.init(other, seed="11" * 16)
    with closing(sqlite3.connect(other)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma wal_autocheckpoint = 0")
        db.execute("update labels set name = 'zq-foreign-' || id")
        db.commit()
        path.with_name(path.name + "-wal").write_bytes(other.with_name(other.name + "-wal").read_bytes())
    other.unlink()


def _truncated(path: Path, random: Random) -> None:
    _changed()(path, random)
    path.write_bytes(path.read_bytes()[:-5000])


def _of_another_program(path: Path, _: Random) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table labels (id, name)")
        db.commit()


def _database(name: str, write: Callable[[Path, Random], None], expected: str = "refused") -> HostileFile:
    return HostileFile("database", f"{name}.db", write, expected, "database")  # type: ignore[arg-type]


_TRIGGER = "create trigger zq after update on labels begin update settings set value = 'x'; end"
_FROM_THE_FUTURE = """
    insert into _sqlite_migrations (migration_set, name, applied_at)
    select migration_set, 'm999', applied_at from _sqlite_migrations limit 1
"""
_VIEW_OVER = "create view labels as select * from zq_labels"

CASES = (
    _database("trigger", _changed(_TRIGGER)),
    _database(
        "trigger-on-decisions", _changed("create trigger zq after insert on decisions begin delete from diaries; end")
    ),
    _database("view", _changed("create view zq as select * from diaries")),
    _database("view-in-place-of-table", _changed("alter table labels rename to zq_labels", _VIEW_OVER)),
    _database("virtual-table", _changed("create virtual table zq using fts5(x)")),
    _database("generated-column", _changed("alter table labels add column zq text as (name || 'x')")),
    _database("foreign-table", _changed("create table zq (x)"), "either"),
    _database("index-on-expression", _changed("create index zq on labels (length(name))")),
    _database("colour", _changed("update labels set colour = '#fff;}*{background:url(//evil.example/x)}'")),
    _database("colour-markup", _changed("update labels set colour = '\"><script>window.__pwned=1</script>'")),
    _database("label-key-markup", _changed("update labels set key = '<b>' where id = 1"), "either"),
    _database("default-edited", _schema_edited("check", "chekc")),
    _database("application-id", _changed("pragma application_id = 252006674")),
    _database("user-version-huge", _changed("pragma user_version = 2147483647"), "either"),
    _database("migration-from-the-future", _changed(_FROM_THE_FUTURE)),
    _database("migrations-forgotten", _changed("delete from _sqlite_migrations")),
    _database("settings-broken", _changed("update settings set value = '[[[['"), "either"),
    _database("settings-bytes", _changed("update settings set value = cast(x'ff00ff' as text)"), "either"),
    _database("labels-bytes", _changed("update labels set name = cast(x'fffe41' as text) where id = 1"), "either"),
    _database("labels-gone", _changed("drop table labels")),
    _database("pages-damaged", _damaged(0.02), "either"),
    _database("truncated", _truncated),
    _database("noise", of_bytes(lambda random: random.randbytes(20_000))),
    _database("header-only", of_bytes(lambda _: b"SQLite format 3\0")),
    _database("of-another-program", _of_another_program),
    _database("wal-of-another", _foreign_wal, "either"),
    _database("wal-noise", _beside("-wal", lambda random: random.randbytes(50_000)), "either"),
    _database(
        "journal-noise",
        _beside("-journal", lambda random: b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + random.randbytes(5000)),
        "either",
    ),
)
