"""docs/seed-systems.md names files, tests and commands that exist, and leaves no row out."""

from __future__ import annotations

import ast
import re

import pytest

from annotator.cli.main import cli
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "seed-systems.md").read_text("utf-8")

ROWS = [*(f"A{i}" for i in range(1, 11)), "B1", *(f"C{i}" for i in range(1, 5)), *(f"D{i}" for i in range(1, 5)), "E1"]

_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def _cells(row: str) -> list[str]:
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_row_is_there_once_and_in_order() -> None:
    assert re.findall(r"^\| ([A-E]\d+) \|", TEXT, re.MULTILINE) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_a_row_says_how_it_is_done_and_names_tests_that_exist(row: str) -> None:
    _, what, how, tests, here, _ = _cells(row)
    assert what
    assert how
    assert here
    named = _TEST.findall(tests)
    assert named
    for path, name in named:
        functions = {
            node.name for node in ast.parse((ROOT / path).read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
        }
        assert not name or name in functions, f"{path}::{name}"


def test_every_other_file_and_document_that_is_named_exists() -> None:
    files = re.findall(r"`((?:learner|annotator|pages|service)/[\w/]+\.\w+)`", TEXT)
    files += [f"docs/{name}" for name in re.findall(r"\]\(([\w.-]+\.md)\)", TEXT)]
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_every_command_that_is_named_exists() -> None:
    for first, second in re.findall(r"`maeumgyeol (\w+)(?: (\w+))?", TEXT):
        command = cli.commands[first]
        if second and hasattr(command, "commands"):
            assert second in command.commands
