"""`maeumgyeol labels`: the label set from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def _run(path: Path, *arguments: str) -> str:
    done = CliRunner().invoke(
        cli, ["labels", *arguments, "--db", str(path)], catch_exceptions=False, standalone_mode=False
    )
    assert done.exception is None, done.exception
    return done.output


def _json(path: Path, *arguments: str) -> Any:
    return json.loads(_run(path, *arguments, "--json"))


def test_a_label_is_added_renamed_merged_and_taken_back(project_path: Path) -> None:
    assert "8" in _run(project_path, "add", "서운함", "--definition", "아쉽다.", "--note", "자주 나온다")
    _run(project_path, "rename", "서운함", "섭섭함", "--name", "민지")
    _run(project_path, "merge", "혐오", "분노")
    names = [row["name"] for row in _json(project_path, "list")]
    assert names == ["분노", "행복", "불안", "당황", "슬픔", "중립", "섭섭함"]
    history = _json(project_path, "history")
    assert [(row["action"], row["by"]) for row in history] == [("merge", "나"), ("rename", "민지"), ("add", "나")]
    assert history[0]["what"] == "혐오를 분노에 합침"
    assert "혐오를 분노에 합침" in _run(project_path, "undo", str(history[0]["id"]))
    assert len(_json(project_path, "list")) == 8
    assert "(되돌림)" in _run(project_path, "history")


def test_a_split_says_how_many_decisions_wait(project_path: Path) -> None:
    changed = _run(project_path, "split", "슬픔", "--into", "서운함", "--into", "그리움")
    assert "슬픔을 서운함, 그리움으로 나눔" in changed
    assert [row["name"] for row in _json(project_path, "list")][-2:] == ["서운함", "그리움"]
    assert _json(project_path, "retire", "그리움")[0]["action"] == "retire"


def test_a_label_that_is_not_there_is_named(project_path: Path) -> None:
    with pytest.raises(UserError, match="label_unknown"):
        CliRunner().invoke(
            cli,
            ["labels", "merge", "없음", "분노", "--db", str(project_path)],
            catch_exceptions=False,
            standalone_mode=False,
        )
