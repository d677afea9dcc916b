"""Finding diaries from a terminal, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError
from db.answers import queue
from tests import reviewed, trying

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


@pytest.fixture
def filled(opened: Database) -> Database:
    """Twelve diaries that 지민 has labelled."""
    reviewed.make(opened)
    return opened


def _run(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["find", *arguments, "--db", str(path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_hits_are_printed_one_a_line_with_their_number(filled: Database, project_path: Path) -> None:
    lines = _run(project_path, "눈물", "--limit", "2").splitlines()
    assert lines[0].startswith("#12\t판단함\t슬픔\t슬픔 90%\t11번째 날.")
    assert lines[2] == "찾은 일기 6편"
    assert "--after 10.0_10" in lines[3]


def test_programs_get_json(filled: Database, project_path: Path) -> None:
    data = json.loads(_run(project_path, "--label", "슬픔", "--sort", "id", "--limit", "1", "--json"))
    assert (data["count"], data["is_more"], data["not_searched"]) == (6, False, 0)
    assert data["diaries"][0]["diary_id"] == 1
    like = json.loads(_run(project_path, "--like", "1", "--json"))
    assert like["without_vector"] == 0
    assert like["vectors_made_at"]


def test_hits_are_sent_to_the_queue(filled: Database, project_path: Path) -> None:
    filled.conn.execute("delete from standing")
    filled.conn.commit()
    output = _run(project_path, "눈물", "--limit", "2", "--send-to-queue", "--name", "검토자")
    assert "2편을 다음 차례로 보냈어요" in output
    assert queue.list_head(filled, 2) == [12, 10]


@pytest.mark.slow
def test_diaries_like_a_typed_text_are_found(tmp_path: Path) -> None:
    path = trying.make(tmp_path)
    data = json.loads(_run(path, "--like-text", "너무 슬프고 눈물이 났다", "--json"))
    assert data["count"] == 6
    assert [diary["diary_id"] % 2 for diary in data["diaries"][:3]] == [0, 0, 0]


def test_what_can_not_be_looked_for_is_an_error(filled: Database, project_path: Path) -> None:
    with pytest.raises(UserError, match="find_too_long"):
        _run(project_path, "가" * 300)
