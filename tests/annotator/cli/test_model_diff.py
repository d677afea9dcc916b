"""What a version answers otherwise than another, from a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError
from tests import reviewed
from tests.annotator.serving.test_version_answers import _add as add_version

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


@pytest.fixture
def versions(opened: Database) -> Database:
    """Twelve labelled diaries; version 1 answers by their vectors, of version 2 the head for 슬픔 is damaged."""
    reviewed.make(opened)
    add_version(opened)
    add_version(opened, damaged=True)
    return opened


def _run(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["model", "diff", *arguments, "--db", str(path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_damaged_head_stands_first_though_no_answer_was_kept(versions: Database, project_path: Path) -> None:
    data = json.loads(_run(project_path, "1", "2", "--json"))
    assert (data["first"], data["second"], data["n"]) == (1, 2, 12)
    assert data["without_answer"] == {"first": 0, "second": 0}
    assert data["labels"][0]["label"] == "슬픔"
    assert data["pairs"][0]["before"] == "슬픔"
    assert data["pairs"][0]["became_wrong"] == data["decided"]["later"]["lost"] == 5
    assert {row["before"] for row in data["diaries"]} == {"슬픔"}
    assert data["diaries"][0]["outcome"] == "lost"


def test_people_get_a_table(versions: Database, project_path: Path) -> None:
    output = _run(project_path, "1", "2", "--limit", "1")
    assert "두 판이 모두 답한 12편 가운데" in output
    assert "틀리게 됨 5편" in output
    assert output.splitlines()[-1].startswith("#")


def test_a_pair_narrows_the_diaries_down(versions: Database, project_path: Path) -> None:
    assert json.loads(_run(project_path, "2", "1", "--now", "슬픔", "--json"))["listed"] == 6
    assert json.loads(_run(project_path, "2", "1", "--was", "슬픔", "--json"))["listed"] == 0


def test_versions_that_are_not_there_are_an_error(versions: Database, project_path: Path) -> None:
    with pytest.raises(UserError, match="version_unknown"):
        _run(project_path, "1", "9")
