"""A database that came from elsewhere is opened only where nothing in it acts by itself."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

import db
from annotator import project, settings
from annotator.messages import LANGUAGES, explain
from db import connection, migrations, trust
from db.connection import scalar, write
from db.errors import DatabaseError
from db.label_sets import labels
from tests.conftest import ROOT, fill

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


@pytest.fixture
def path(project_path: Path) -> Path:
    return project_path


def _spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        for statement in statements:
            other.execute(statement)
        other.commit()


_WRITABLE = "pragma writable_schema=on"

FOREIGN = {
    "trigger": ["create trigger t after insert on decisions begin delete from decisions; end"],
    "trigger on reading": [
        "create view v as select 1 x",
        "create trigger t instead of insert on v begin select 1; end",
    ],
    "view": ["create view v as select * from diaries"],
    "view in the place of a table": ["drop table gold", "create view gold as select id as diary_id from diaries"],
    "virtual table": ["create virtual table t using fts5(x)"],
    "table": ["create table t (x)"],
    "table with a name to be shown": ['create table "\x1b[2J\x07<script>" (x)'],
    "generated column": ["alter table diaries add column t text as (upper(text))"],
    "column": ["alter table diaries add column t text default 'x'"],
    "computed default": ["alter table diaries add column t text default (hex(randomblob(9)))"],
    "index": ["create index t on diaries (author)"],
    "index on an expression": ["create index t on diaries (lower(text))"],
    "trigger of ours that does something else": [
        "drop trigger decisions_stay",
        "create trigger decisions_stay before update on decisions begin delete from diaries; end",
    ],
    "trigger of ours on another table": [
        "drop trigger decisions_stay",
        """create trigger decisions_stay before update on labels
        begin select raise(abort, 'decisions are only added to'); end""",
    ],
    "check": [
        _WRITABLE,
        """update sqlite_schema set sql = replace(sql, 'value text not null', 'value text not null check (value <> 1)')
        where name = 'settings'""",
    ],
    "statistics that are none": [
        "analyze",
        _WRITABLE,
        """update sqlite_schema set sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat default (1))'
        where name = 'sqlite_stat1'""",
    ],
    "migrations": ["drop table _sqlite_migrations", "create view _sqlite_migrations as select 'm001_first' as name"],
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_database_with_something_that_is_not_ours_is_refused_with_a_sentence(path: Path, kind: str) -> None:
    _spoil(path, *FOREIGN[kind])
    before = path.read_bytes()
    for opening in (db.connect, db.create, project.open_project):
        with pytest.raises(DatabaseError) as caught:
            opening(path)
        assert caught.value.code == "database_foreign"
        for language in LANGUAGES:
            said = explain(caught.value, language)
            assert said.isprintable(), "control characters of a terminal are not repeated"
            assert str(path) in said
    assert path.read_bytes() == before


MISSING = {
    "trigger": ["drop trigger decisions_stay"],
    "index": ["drop index leases_by_holder"],
    "unique index": ["drop index one_open_round"],
    "table": ["drop table gold"],
    "all triggers": [_WRITABLE, "delete from sqlite_schema where type = 'trigger'"],
}


@pytest.mark.parametrize("kind", MISSING)
def test_a_database_without_something_of_ours_is_refused_with_a_sentence(path: Path, kind: str) -> None:
    _spoil(path, *MISSING[kind])
    for opening in (db.connect, db.create, project.open_project):
        with pytest.raises(DatabaseError, match="database_incomplete"):
            opening(path)


def test_two_tables_in_one_place_are_refused(path: Path) -> None:
    moved = """update sqlite_schema set rootpage = (select rootpage from sqlite_schema where name = 'gold')
        where name = 'care_flags'"""
    _spoil(path, _WRITABLE, moved)
    with pytest.raises(DatabaseError, match="database_damaged"):
        db.connect(path)


def test_what_is_refused_is_refused_as_soon_as_it_is_there(path: Path) -> None:
    """A process that has opened the file before looks again when its schema has changed."""
    with connection.pooled(path):
        pass
    _spoil(path, *FOREIGN["trigger"])
    with pytest.raises(DatabaseError, match="database_foreign"), connection.pooled(path):
        pass


def test_a_database_of_every_earlier_version_is_opened_and_brought_up_to_date(tmp_path: Path) -> None:
    names = [migration.name for migration in migrations.migrations.pending(Database(memory=True))]
    for number, later in enumerate([*names[1:], None], 1):
        path = tmp_path / f"{number}.db"
        with closing(connection._open(path, must_exist=False)) as older:
            older.conn.execute(f"pragma application_id={connection.APPLICATION_ID}")
            older.enable_wal()
            migrations.migrations.apply(older, stop_before=later)
            assert len(migrations.applied(older)) == number
        with closing(db.connect(path)) as newer:
            assert migrations.applied(newer) == set(names)


def test_what_sqlite_keeps_for_itself_is_no_ground_to_refuse(path: Path) -> None:
    _spoil(path, "analyze")
    _spoil(path, "vacuum")
    db.connect(path).close()


def test_a_copy_by_another_program_is_opened_and_has_a_log_ahead_again(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    _spoil(path, f"vacuum into '{copy}'")
    with closing(db.connect(copy)) as opened:
        assert scalar(opened, "pragma journal_mode") == "wal"
        assert len(labels.list_labels(opened)) == 7


def test_an_opened_database_trusts_nothing_that_it_holds(path: Path) -> None:
    with closing(db.connect(path)) as opened:
        assert scalar(opened, "pragma trusted_schema") == 0
        assert scalar(opened, "pragma cell_size_check") == 1
        with pytest.raises(sqlite3.OperationalError, match="not authorized"):
            opened.conn.execute("select load_extension('x')")
        if sys.version_info >= (3, 12):
            assert opened.conn.getconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)


# Paths


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("folder", "pipe", "loop"):
        for opening in (db.create, project.init):
            with pytest.raises(DatabaseError) as caught:
                opening(tmp_path / name)
            assert caught.value.code == "database_no_file"
    for name in ("folder", "pipe"):
        with pytest.raises(DatabaseError, match="database_no_file"):
            db.connect(tmp_path / name)


def test_ones_own_link_leads_to_the_database(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    db.connect(tmp_path / "link.db").close()
    (tmp_path / "new.db").symlink_to(tmp_path / "there.db")
    db.create(tmp_path / "new.db").close()
    assert (tmp_path / "there.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: only root gives links away")
def test_a_link_of_another_account_is_not_followed(path: Path, tmp_path: Path) -> None:
    for name, target in (("old.db", path), ("new.db", tmp_path / "there.db")):
        (tmp_path / name).symlink_to(target)
        os.lchown(tmp_path / name, NOBODY, NOBODY)
        with pytest.raises(DatabaseError, match="database_no_file"):
            db.create(tmp_path / name)
    assert not (tmp_path / "there.db").exists()


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_what_lies_in_the_place_of_a_log_is_refused(path: Path, tmp_path: Path, ending: str) -> None:
    beside = path.with_name(path.name + ending)
    for spoil in (lambda: os.mkfifo(beside), lambda: beside.symlink_to(tmp_path / "elsewhere"), beside.mkdir):
        spoil()
        with pytest.raises(DatabaseError) as caught:
            db.connect(path)
        assert (caught.value.code, caught.value.details["beside"]) == ("database_beside", beside.name)
        beside.rmdir() if beside.is_dir() and not beside.is_symlink() else beside.unlink()
    db.connect(path).close()


def test_a_rollback_journal_from_elsewhere_is_not_played_back(path: Path, tmp_path: Path) -> None:
    """It would change the database, and one that names a further file would have that deleted."""
    other = tmp_path / "other.db"
    _spoil(other, "create table t (x)", "insert into t values (1)")
    with closing(sqlite3.connect(other)) as writing:
        writing.execute("pragma cache_size=1")
        writing.execute("begin immediate")
        writing.execute("update t set x = 2")
        writing.execute("insert into t values (hex(randomblob(90000)))")
        shutil.copy(f"{other}-journal", f"{path}-journal")
        writing.rollback()
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match="database_beside"):
        db.connect(path)
    assert path.read_bytes() == before


def test_the_log_of_another_database_brings_nothing_in(path: Path, tmp_path: Path) -> None:
    """SQLite plays a log that fits back: what is then there is looked at as if it had been there before."""
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as other:
        other.execute("pragma wal_autocheckpoint=0")
        other.execute(FOREIGN["trigger"][0])
        other.commit()
        shutil.copy(f"{copy}-wal", f"{path}-wal")
    with pytest.raises(DatabaseError, match="database_foreign"):
        db.connect(path)


def test_many_processes_that_make_one_project_find_it_ours(tmp_path: Path) -> None:
    program = (
        "import sys, db; from pathlib import Path; p = Path(sys.argv[1]); db.create(p).close(); db.connect(p).close()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "new.db")]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, said) == (0, b"")


# Values that go into pages as they are


COLOURS = ["red;background:url(//x)", "#12345", "#1234567", "url(javascript:alert(1))", '#fff"><script>', "", "#12345g",
           "#123456\n", "＃123456", "var(--x)"]  # fmt: skip


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_that_is_none_is_refused_when_it_is_read(path: Path, colour: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("update labels set colour = ? where id = 2", (colour,))
        other.commit()
    for opening in (project.open_project, project.is_set_up):
        with pytest.raises(DatabaseError) as caught:
            opening(path)
        assert caught.value.details == {"path": str(path), "id": 2, "field": "colour"}
    for language in LANGUAGES:
        assert colour not in explain(caught.value, language) or not colour


@pytest.mark.parametrize("key", ["", "ab", "<", "-", "-x", "ㅁ", "1\n"])
def test_a_key_that_is_none_is_refused_when_it_is_read(path: Path, key: str) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("update labels set key = ? where id = 2", (key,))
        other.commit()
    with pytest.raises(DatabaseError, match="database_label"):
        project.open_project(path)


_MADE_UP = {"INTEGER": 1, "TEXT": "x", "REAL": 0.5, "BLOB": b"x"}

SETTINGS = {
    "seed": ["{}", '""', '"xy"', '"abc"', "7", "null", '"00 00"'],
    "overlap": ["0", "1.5", "true", '"1"', "100000000000", "[]"],
    "overlap_share": ["-0.1", "2", "1e999", "NaN", '"half"', "false"],
    "mask": ["0", '"yes"', "null"],
    "strategy": ['"nothing"', "{}", "[1]"],
    "label_distance": ["[]", '"x"', '{"pairs": 5}', '{"points": {"1": 5}}', '{"pairs": [[1]]}', '{"points": [1]}'],
    "unit": ['"letters"'],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SETTINGS.items() for value in values])
def test_a_setting_that_this_program_never_keeps_is_refused_when_it_is_read(path: Path, name: str, value: str) -> None:
    _spoil(path, f"update settings set value = '{value}' where key = '{name}'")
    with closing(project.open_project(path)) as opened, pytest.raises(DatabaseError) as caught:
        settings.load(opened)
    assert caught.value.code == "database_setting"
    assert all(str(path) in explain(caught.value, language) for language in LANGUAGES)


@pytest.mark.parametrize("table", ["diaries", "decisions", "annotators", "labels", "models", "rounds"])
@pytest.mark.parametrize("number", [2**63 - 1, 2**40, 0, -1, -(2**63)])
def test_numbers_that_no_counting_reaches_are_refused(path: Path, table: str, number: int) -> None:
    with closing(sqlite3.connect(path)) as other:
        columns = other.execute("select name, type from pragma_table_info(?)", (table,)).fetchall()
        values = [number if name == "id" else _MADE_UP[kind] for name, kind in columns]
        other.execute("pragma ignore_check_constraints = on")
        other.execute(f"insert into {table} values ({', '.join('?' * len(values))})", values)
        other.commit()
    with pytest.raises(DatabaseError, match="database_damaged"):
        db.connect(path)


def test_a_project_in_which_forgetting_seems_to_go_on_is_refused(path: Path) -> None:
    """As long as that row is there, nothing keeps decisions and the audit log from being changed."""
    _spoil(path, "insert into forgetting (id) values (1)")
    with pytest.raises(DatabaseError, match="database_damaged"):
        project.open_project(path)


def test_a_number_beyond_all_counting_among_the_forgotten_is_refused(path: Path) -> None:
    _spoil(path, f"insert into forgotten (diary_id) values ({2**31 + 1})")
    with pytest.raises(DatabaseError, match="database_damaged"):
        project.open_project(path)


def test_a_diary_that_went_back_to_the_head_of_the_queue_is_no_ground_to_refuse(path: Path) -> None:
    """Places before the first one are negative: only what is counted has a least number."""
    with project.opened(path) as opened:
        fill(opened, 4)
        with write(opened):
            opened.conn.execute("update queue set place = place - 10")
    connection._up_to_date.clear()
    db.connect(path).close()


def test_parts_are_looked_up_once(path: Path) -> None:
    trust._parts.cache_clear()
    for _ in range(3):
        db.connect(path).close()
    connection._up_to_date.clear()
    db.connect(path).close()
    assert trust._parts.cache_info().misses <= 2
