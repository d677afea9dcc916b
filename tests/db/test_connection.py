from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import db
from db import settings
from db.connection import backup, pooled, scalar, write
from db.errors import DatabaseError
from maeumgyeol.location import ROOT


def test_a_database_that_is_missing_is_not_made_by_connecting(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="database_missing"):
        db.connect(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()


def test_a_foreign_sqlite_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table theirs (x)")
    before = path.read_bytes()
    for opening in (db.connect, db.create):
        with pytest.raises(DatabaseError, match="database_not_ours"):
            opening(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "diary.txt"
    path.write_text("오늘은 비가 왔다. " * 200)
    with pytest.raises(DatabaseError, match="database_not_one"):
        db.connect(path)


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with closing(db.create(path)) as made:
        made.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('maeumgyeol', 'm999', '')"
        )
    with pytest.raises(DatabaseError) as caught:
        db.connect(path)
    assert (caught.value.code, caught.value.details["migration"]) == ("database_newer", "m999")


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="folder_missing"):
        db.create(tmp_path / "no" / "project.db")


def test_a_full_disk_is_named_and_the_transaction_undone(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "full.db")) as made:
        settings.store(made, kept="yes")
        pages = scalar(made, "pragma page_count")
        made.conn.execute(f"pragma max_page_count = {pages + 1}")
        with pytest.raises(DatabaseError, match="disk_full"):
            settings.store(made, large="x" * 1_000_000)
        assert settings.load(made) == {"kept": "yes"}


def test_a_read_only_database_is_named(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "read.db")) as made:
        made.conn.execute("pragma query_only = on")
        with pytest.raises(DatabaseError, match="database_read_only"):
            settings.store(made, x=1)


def test_reading_and_then_writing_from_many_threads_never_finds_it_locked(tmp_path: Path) -> None:
    path = tmp_path / "busy.db"
    db.create(path).close()

    def count_up() -> None:
        with closing(db.connect(path)) as mine:
            for _ in range(25):
                with write(mine):
                    settings.store(mine, n=settings.load(mine).get("n", 0) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(db.connect(path)) as made:
        assert settings.load(made) == {"n": 100}


def test_a_backup_is_whole_and_never_overwrites(tmp_path: Path) -> None:
    with closing(db.create(tmp_path / "a.db")) as made:
        settings.store(made, x=1)
        db.backup(made, tmp_path / "b.db")
        with pytest.raises(DatabaseError, match="target_exists"):
            db.backup(made, tmp_path / "b.db")
    with closing(db.connect(tmp_path / "b.db")) as copy:
        assert settings.load(copy) == {"x": 1}


def test_a_lent_connection_is_lent_again_and_never_to_two_at_once(project_path: Path) -> None:
    with pooled(project_path) as first, pooled(project_path) as second:
        assert first is not second
    with pooled(project_path) as again:
        assert again in (first, second)


def test_a_lent_connection_goes_from_thread_to_thread(project_path: Path) -> None:
    seen = []

    def look() -> None:
        with pooled(project_path) as one:
            seen.append((id(one), scalar(one, "select count(*) from labels")))

    for _ in range(2):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen[0] == seen[1]
    assert seen[0][1] > 1


def test_a_connection_in_which_something_went_wrong_is_not_lent_again(project_path: Path) -> None:
    seen = []

    def fail() -> None:
        with pooled(project_path) as broken:
            seen.append(broken)
            broken.conn.execute("begin immediate")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pooled(project_path) as left_open:
        assert left_open not in seen
        left_open.conn.execute("begin immediate")
    with pooled(project_path) as fresh, write(fresh):
        assert fresh is not left_open


def test_a_database_that_takes_the_place_of_another_is_the_one_that_is_lent(project_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with pooled(project_path) as old:
        backup(old, other)
        settings.store(old, mark="old")
    with pooled(project_path) as before:
        for ending in ("", "-wal", "-shm"):
            Path(f"{project_path}{ending}").unlink(missing_ok=True)
        other.rename(project_path)
    with pooled(project_path) as after:
        assert after is not before
        assert "mark" not in settings.load(after)


def test_a_process_that_opens_a_database_loads_pandas_only_if_it_needs_it() -> None:
    code = "import sys, db.connection; assert 'pandas' not in sys.modules; import pandas; assert pandas.DataFrame"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
