"""Bytes that are no UTF-8 in an argument or on standard input: cp949 is read, anything else gets one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CP949 = "오늘은 슬펐다".encode("cp949")
BROKEN = b"\xff\xff\xfe"


def run(arguments: list[bytes | str], content: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MAEUMGYEOL_DB": str(folder / "none.db")}
    command = [sys.executable, "-m", "annotator.cli", *arguments]
    return subprocess.run(command, input=content, env=env, capture_output=True, check=False, cwd=folder)


@pytest.mark.parametrize("command", ["predict", "dictionary"])
def test_standard_input_that_is_no_text_gets_one_sentence(project_path: Path, command: str) -> None:
    arguments = [command, *(["tag"] if command == "dictionary" else []), "--db", str(project_path)]
    ended = run(arguments, BROKEN, project_path.parent)
    assert (ended.returncode, ended.stderr.decode().count("\n")) == (2, 1)
    assert "표준 입력" in ended.stderr.decode()


def test_cp949_on_standard_input_is_read(project_path: Path) -> None:
    ended = run(["dictionary", "tag", "--db", str(project_path)], CP949, project_path.parent)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(("argument", "code"), [(CP949, 0), (BROKEN, 2)])
def test_an_argument_is_read_in_cp949_or_refused(project_path: Path, argument: bytes, code: int) -> None:
    ended = run(["dictionary", "tag", argument, "--db", str(project_path)], b"", project_path.parent)
    assert ended.returncode == code, ended.stderr
    assert ended.stderr.decode().count("\n") == (code == 2)


def test_a_file_whose_name_is_no_utf_8_is_still_found(project_path: Path) -> None:
    name = "일기".encode("cp949") + b".csv"
    (project_path.parent / os.fsdecode(name)).write_text("text\n오늘은 긴 하루였다\n", "utf-8")
    ended = run(["import", name, "--db", str(project_path)], b"", project_path.parent)
    assert ended.returncode == 0, ended.stderr
