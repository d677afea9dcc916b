"""`maeumgyeol forget`: shows, asks once, and does it."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from annotator.errors import UserError
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(project_path: Path) -> Path:
    with closing(project.open_project(project_path)) as db:
        fill(db, 5, labelled=True)
    return project_path


def _run(path: Path, *arguments: str, answer: str | None = None) -> str:
    result = CliRunner().invoke(cli, ["forget", *arguments, "--db", str(path)], input=answer, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def _left(path: Path) -> list[int]:
    with closing(project.open_project(path)) as db:
        return [int(i) for i in diaries.list_ids(db)]


def test_it_shows_what_would_go_and_asks(path: Path) -> None:
    shown = _run(path, "2", "3", answer="n\n")
    assert "2편" in shown
    assert "판단 2" in shown
    assert "백업" in shown
    assert "오늘은" not in shown, "no word of a diary"
    assert _left(path) == [1, 2, 3, 4, 5]
    assert "완전히 지웠어요" in _run(path, "2", "3", answer="y\n")
    assert _left(path) == [1, 4, 5]


def test_programs_look_first_and_then_say_yes(path: Path) -> None:
    seen = json.loads(_run(path, "--batch", "1", "--json"))
    assert seen["diary_count"] == 5
    assert _left(path) == [1, 2, 3, 4, 5]
    done = json.loads(_run(path, "--batch", "1", "--yes", "--json"))
    assert done["diary_count"] == 5
    assert done["row_counts"] == seen["row_counts"]
    assert _left(path) == []


@pytest.mark.parametrize("arguments", [(), ("1", "--batch", "1"), ("--author", "a", "--batch", "1")])
def test_diaries_are_chosen_in_one_way(path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="forget_choose_one"):
        _run(path, *arguments)


def test_a_setting_says_whether_texts_are_refused(path: Path) -> None:
    changed = CliRunner().invoke(cli, ["settings", "--no-refuse-forgotten", "--json", "--db", str(path)])
    assert json.loads(changed.output)["refuse_forgotten"] is False
