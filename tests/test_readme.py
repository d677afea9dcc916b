"""The README's commands work as they are written, in both languages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DIARIES, ROOT


def _blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_commands_of_the_readme_run(name: str, tmp_path: Path) -> None:
    shutil.copy(DIARIES, tmp_path / "diary.csv")
    block = next(block for block in _blocks((ROOT / name).read_text("utf-8")) if "maeumgyeol import" in block)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in block.splitlines():
        command = line.split("#")[0].strip()
        if command and "maeumgyeol app" not in command:
            subprocess.run(command, shell=True, check=True, cwd=tmp_path, env={**os.environ, "PATH": path}, timeout=60)
    assert (tmp_path / "labelled.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_two_commands_are_targets_of_the_makefile_and_ci_runs_one_of_them(name: str) -> None:
    blocks = _blocks((ROOT / name).read_text("utf-8"))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert [block.split()[:2] for block in blocks[:2]] == [["make", "app"], ["make", "test"]]
    assert {"app", "test"} <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_file_that_the_documents_point_to_is_there() -> None:
    for document in [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"
