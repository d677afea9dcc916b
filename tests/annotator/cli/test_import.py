"""`maeumgyeol import`, as it is typed: questions with an option and a count for each answer, and several files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from annotator.importing.choices import ALL_OPTIONS
from annotator.messages import LANGUAGES, say
from db.texts.diaries import count_diaries

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "text,label\n오늘은 비가 왔다.,뿌듯함\n내일은 해가 난다.,행복\n"


def run(path: Path, *arguments: object) -> str:
    """Return what the command prints."""
    words = ["import", *map(str, arguments), "--db", str(path)]
    return CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).output


def refused(path: Path, *arguments: object) -> str:
    """Return what a command says that imports nothing."""
    with pytest.raises(click.ClickException) as caught:
        cli(["import", *map(str, arguments), "--db", str(path)], standalone_mode=False)
    with project.opened(path) as db:
        assert count_diaries(db) == 0
    return caught.value.format_message()


def test_a_question_names_an_option_and_a_count_for_each_answer(project_path: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")
    said = refused(project_path, tmp_path / "a.csv")
    assert "--unknown-labels add" in said
    assert "라벨 1개" in said
    assert "--unknown-labels leave" in said
    assert "1행" in said
    assert "일기 2개와 판단 2개가 들어왔어요" in run(project_path, tmp_path / "a.csv", "--unknown-labels", "add")


def test_several_files_have_a_line_each_and_one_for_all(project_path: Path, tmp_path: Path) -> None:
    for name in ("3월.csv", "4월.csv"):
        (tmp_path / name).write_text(TABLE.replace("뿌듯함", "슬픔").replace("오늘은", name), "utf-8")
    lines = run(project_path, tmp_path / "3월.csv", tmp_path / "4월.csv").splitlines()
    assert [line.partition(":")[0] for line in lines if not line.startswith(" ")] == ["3월.csv", "4월.csv", "파일 2개"]


def test_of_several_files_one_that_is_asked_about_keeps_all_out(project_path: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TABLE.replace("뿌듯함", "슬픔"), "utf-8")
    (tmp_path / "b.csv").write_text(TABLE, "utf-8")
    assert "a.csv 외 1개" in refused(project_path, tmp_path / "a.csv", tmp_path / "b.csv")


def test_several_columns_of_text_and_what_was_chosen_last_time(project_path: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("아침,저녁\n오늘은 비가 왔다.,밤에는 그쳤다.\n", "utf-8")
    (tmp_path / "b.csv").write_text("아침,저녁\n내일은 해가 난다.,밤에는 흐리다.\n", "utf-8")
    columns = ("--text-column", "아침", "--text-column", "저녁")
    assert "--texts each" in refused(project_path, tmp_path / "a.csv", *columns)
    run(project_path, tmp_path / "a.csv", *columns, "--texts", "each")
    assert "지난번과 같이 읽었어요 (글 열마다 따로)" in run(project_path, tmp_path / "b.csv")
    with project.opened(project_path) as db:
        assert count_diaries(db) == 4
    with pytest.raises(click.ClickException):
        cli(["import", str(tmp_path / "b.csv"), *columns, "--afresh", "--db", str(project_path)], standalone_mode=False)


def test_every_answer_of_every_question_has_its_words() -> None:
    for kind, options in ALL_OPTIONS.items():
        for option in options:
            assert all("7" in say(f"import_page.answer_{kind}_{option}", language, count=7) for language in LANGUAGES)
