"""Feelings over time, from a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError
from tests.conftest import import_ours
from tests.reviewed import HAPPY, label

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


@pytest.fixture
def dated(opened: Database) -> Database:
    """Three diaries of two writers, one of them decided."""
    lines = ["기쁜 날이었다,2026-01-05,가람", "비가 왔다,2026-03-02,나래", "날짜를 모른다,,가람"]
    import_ours(opened, "\n".join(["text,date,author", *lines]), "dated.csv")
    label(opened, 1, HAPPY)
    return opened


def _run(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["report", "feelings", *arguments, "--db", str(path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_people_read_counts_what_is_not_estimated_and_what_it_does_not_say(dated: Database, project_path: Path) -> None:
    output = _run(project_path)
    assert "2026-01-01: 일기 1편\n  행복  판단 1/1, 모델의 답 0/0" in output
    assert "30편부터" in output
    assert "날짜가 없거나 읽지 못한 일기 1편은 빠져 있어요: #3" in output
    assert "건강을 진단하는 데 쓸 수 없어요" in output


def test_programs_get_gaps_as_well(dated: Database, project_path: Path) -> None:
    data = json.loads(_run(project_path, "--json"))
    assert [(period["first_day"], period["diaries"]) for period in data["periods"]] == [
        ("2026-01-01", 1),
        ("2026-02-01", 0),
        ("2026-03-01", 1),
    ]
    assert data["periods"][0]["decided"]["행복"] == 1
    one = json.loads(_run(project_path, "--by", "week", "--writer", "나래", "--json"))
    assert (one["writer"], [period["first_day"] for period in one["periods"]]) == ("나래", ["2026-03-02"])


def test_among_several_people_the_command_is_refused_as_well(dated: Database, project_path: Path) -> None:
    label(dated, 2, HAPPY, name="서연")
    with pytest.raises(UserError, match="over_time_closed"):
        _run(project_path)
