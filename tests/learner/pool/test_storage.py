"""Files of a pool are there whole or not at all, in a folder and on a filesystem of fsspec."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from learner.pool.storage import PoolError, Storage, digest_of, normalise

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fsspec")


@pytest.fixture(params=["folder", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "pool") if request.param == "folder" else f"memory://{secrets.token_hex(4)}")


def test_what_is_written_is_read_back_and_has_its_digest(storage: Storage) -> None:
    storage.write("texts/00000.parquet", b"first")
    storage.write("texts/00000.parquet", b"second")
    assert storage.read("texts/00000.parquet") == b"second"
    assert storage.digest("texts/00000.parquet") == digest_of(b"second")
    assert storage.size("texts/00000.parquet") == 6
    assert storage.list_names() == ["texts/00000.parquet"]


def test_what_is_not_there_has_no_size_and_no_digest(storage: Storage) -> None:
    assert (storage.size("a/b"), storage.digest("a/b"), storage.list_names()) == (None, None, [])
    with pytest.raises(PoolError, match="pool_file_missing"):
        storage.read("a/b")
    storage.remove("a/b")
    storage.write("a/b", b"x")
    storage.remove("a/b")
    assert storage.size("a/b") is None


def test_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    os.umask(0o000)
    Storage(str(tmp_path / "pool")).write("encode/abc/00000.arrow", b"x")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted((tmp_path / "pool").rglob("*"))]
    assert modes == [0o700, 0o700, 0o600]


KILLED = """
import os, sys
from pathlib import Path
from learner.pool.storage import Storage
from maeumgyeol import private_files
Path.replace = lambda *a: os.kill(os.getpid(), 9)
Storage(sys.argv[1]).write("texts/00000.parquet", b"new" * 1000)
"""


def test_a_killed_writer_leaves_what_was_there_and_a_part_that_is_removed(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    storage.write("texts/00000.parquet", b"old")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert ended.returncode == -9
    assert storage.read("texts/00000.parquet") == b"old"
    assert len(storage.list_names()) == 2
    assert storage.remove_parts("texts") == 1
    assert storage.list_names() == ["texts/00000.parquet"]


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(str(tmp_path))
    storage.write("texts/00000.parquet", b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(PoolError, match="pool_unwritable"):
        storage.write("texts/00000.parquet", b"new")
    assert storage.list_names() == ["texts/00000.parquet"]
    assert storage.read("texts/00000.parquet") == b"old"


def test_addresses_are_kept_in_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert normalise("pool/") == normalise(f"file://{tmp_path}/pool") == str(tmp_path / "pool")
    assert normalise("s3://bucket/pool/") == "s3://bucket/pool"


def test_a_scheme_that_nobody_knows_is_said(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="pool_filesystem"):
        Storage("nowhere://a/b")
