"""Groups that could be labelled at once are listed in a terminal, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError
from db.connection import write
from tests import reviewed
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


@pytest.fixture
def filled(opened: Database) -> Database:
    """Forty undecided diaries of two moods, each mood close together."""
    fill(opened, 40)
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    reviewed.add_model(opened)
    reviewed.add_vectors(opened)
    return opened


def _run(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["groups", *arguments, "--db", str(path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_groups_are_printed_one_a_line(filled: Database, project_path: Path) -> None:
    lines = _run(project_path).splitlines()
    assert [line.split("\t")[:2] for line in lines[:2]] == [["행복", "20"], ["슬픔", "20"]]
    assert "#2" in lines[1].split("\t")[2].split()
    assert "0편 가운데 0편" in lines[2]


def test_a_program_gets_ids_and_what_was_checked(filled: Database, project_path: Path) -> None:
    said = json.loads(_run(project_path, "--prediction", "슬픔", "--json"))
    assert [sorted(group["diary_ids"]) for group in said["groups"]] == [list(range(2, 41, 2))]
    assert said["checks"]["count"] == 0
    assert json.loads(_run(project_path, "--kind", "copies", "--prediction", "중립", "--json"))["groups"] == []


def test_a_label_that_there_is_not_is_said(filled: Database, project_path: Path) -> None:
    arguments = ["groups", "--prediction", "없는 감정", "--db", str(project_path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code
    assert isinstance(result.exception, UserError | SystemExit)
