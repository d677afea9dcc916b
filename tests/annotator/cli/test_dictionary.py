from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from annotator.errors import UserError
from db.models import word_emotions

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _run(path: Path, *arguments: str, given: str | None = None) -> str:
    command, *rest = arguments
    ran = CliRunner().invoke(
        cli, ["dictionary", command, "--db", str(path), *rest], input=given, catch_exceptions=False,
        standalone_mode=False,
    )  # fmt: skip
    return ran.output


def _json(path: Path, *arguments: str) -> Any:
    return json.loads(_run(path, *arguments, "--json"))


def test_a_word_goes_in_is_listed_tagged_and_kept_out_again(project_path: Path, tmp_path: Path) -> None:
    assert _json(project_path, "add", "슬펐어요", "슬픔") == {"word": "슬프다", "label": "슬픔"}
    assert "감정 없음" in _run(project_path, "add", "책상")
    listed = _json(project_path, "list", "--state", "confirmed")
    assert [(row["word"], row["label"], row["state"]) for row in listed] == [
        ("슬프다", "슬픔", "confirmed"),
        ("책상", None, "confirmed"),
    ]
    assert [row["word"] for row in _json(project_path, "list", "--label", "슬픔")] == ["슬프다"]
    assert _json(project_path, "tag", "슬픈 하루") == [
        {"text": "슬픈", "word": "슬프다", "label": "슬픔", "known": True},
        {"text": "하루", "word": "하루", "label": None, "known": False},
    ]
    assert _run(project_path, "tag", given="슬펐다").splitlines() == ["슬펐다\t슬프다\t슬픔"]
    assert _json(project_path, "reject", "슬프다") == {"word": "슬프다"}
    assert "슬프다\t넣지 않음" in _run(project_path, "list")
    target = tmp_path / "words.csv"
    _run(project_path, "export", str(target))
    assert target.read_bytes().startswith(b"\xef\xbb\xbfword,state,label")
    with pytest.raises(UserError, match="target_exists"):
        _run(project_path, "export", str(target))


def test_an_empty_dictionary_says_so(project_path: Path) -> None:
    assert _run(project_path, "list").strip() == "낱말이 없어요."
    assert _json(project_path, "list") == []


@pytest.mark.parametrize(
    ("arguments", "code"), [(("add", "슬프다", "없는 감정"), "label_unknown"), (("add", "..."), "word_missing")]
)
def test_what_cannot_be_done_is_said(project_path: Path, arguments: tuple[str, ...], code: str) -> None:
    with pytest.raises(UserError, match=code):
        _run(project_path, *arguments)


def test_the_worker_is_asked(project_path: Path, opened: Database) -> None:
    _run(project_path, "measure")
    _run(project_path, "relate")
    assert word_emotions.is_asked(opened, "effect")
    assert word_emotions.is_asked(opened, "vectors")
