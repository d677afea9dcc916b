"""A whole import is taken back: its diaries go, its decisions are undone, and what stood before is in force again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.accounts.permissions import Person
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.importing import import_file, taking_back
from annotator.importing.history import list_imports
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows
from db.people import annotators
from tests.annotator.importing.test_cases import labels_of

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

BEFORE = "text,label,annotator\n비가 왔다 정말 많이,슬픔,가람\n해가 났다 오랜만에,행복,가람\n".encode()
AFTER = "text,label,annotator\n비가 왔다 정말 많이,중립,가람\n눈이 왔다 하루 종일,행복,가람\n".encode()


def test_what_stood_before_is_in_force_again(opened: Database) -> None:
    import_file(opened, BEFORE, "a.csv")
    second = import_file(opened, AFTER, "b.csv")
    assert labels_of(opened) == ["중립", "행복", "행복"]
    preview = taking_back.preview(opened, second.batch_id)
    assert (preview.diary_count, preview.staying_count, preview.decision_count) == (1, 0, 2)
    assert taking_back.take_back(opened, second.batch_id, None) == preview
    assert labels_of(opened) == ["슬픔", "행복"]


def test_a_file_that_was_taken_back_may_come_again(opened: Database) -> None:
    import_file(opened, BEFORE, "a.csv")
    for _ in range(2):
        report = import_file(opened, AFTER, "b.csv")
        assert (report.kept_count, report.superseding_count) == (1, 1)
        assert labels_of(opened) == ["중립", "행복", "행복"]
        taking_back.take_back(opened, report.batch_id, None)
    assert labels_of(opened) == ["슬픔", "행복"]


def test_diaries_that_somebody_has_decided_since_stay(opened: Database) -> None:
    report = import_file(opened, BEFORE, "a.csv")
    me = annotators.get_or_create_id(opened, "나루")
    decisions.add(opened, NewDecision(2, me, "label", "press", 6))
    done = taking_back.take_back(opened, report.batch_id, None)
    assert (done.diary_count, done.staying_count, done.decision_count) == (1, 1, 2)
    assert rows(opened, "select id from diaries") == [(2,)]
    assert labels_of(opened) == ["중립"]


def test_taking_back_twice_changes_nothing(opened: Database) -> None:
    report = import_file(opened, BEFORE, "a.csv")
    taking_back.take_back(opened, report.batch_id, None)
    again = taking_back.take_back(opened, report.batch_id, None)
    assert (again.diary_count, again.decision_count, labels_of(opened)) == (0, 0, [])


def test_only_administrators_take_back_and_only_imports_that_are_there(opened: Database) -> None:
    report = import_file(opened, BEFORE, "a.csv")
    somebody = Person(annotators.get_or_create_id(opened, "나루"), "나루", "annotator", is_solo=False)
    with pytest.raises(UserError, match="right_missing"):
        taking_back.take_back(opened, report.batch_id, somebody)
    with pytest.raises(UserError, match="forget_batch_unknown"):
        taking_back.take_back(opened, 7, None)
    assert labels_of(opened) == ["슬픔", "행복"]


def test_the_history_counts_rows_that_only_said_something(opened: Database) -> None:
    import_file(opened, BEFORE, "a.csv")
    import_file(opened, AFTER, "b.csv")
    newest = list_imports(opened)[0]
    assert (newest.kept_count, newest.joined_count, newest.left_out_count) == (1, 1, 0)


def test_the_command_line_asks_before_it_takes_back(project_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(BEFORE)
    run = CliRunner()
    done = run.invoke(cli, ["import", str(file), "--db", str(project_path)])
    assert "일기 2개와 판단 2개가 들어왔어요" in done.output
    asked = run.invoke(cli, ["import", "--take-back", "1", "--db", str(project_path)], input="n\n")
    assert "일기 2개가 지워지고" in asked.output
    with project.opened(project_path) as db:
        assert labels_of(db) == ["슬픔", "행복"]
    assert run.invoke(cli, ["import", "--take-back", "1", "--yes", "--db", str(project_path)]).exit_code == 0
    with project.opened(project_path) as db:
        assert labels_of(db) == []


def test_the_command_line_names_the_answers_and_exits_with_two(project_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\n비가 왔다 정말 많이,슬픔|중립\n", "utf-8")
    refused = CliRunner().invoke(cli, ["import", str(file), "--db", str(project_path)])
    assert refused.exit_code != 0
    assert "--several first" in refused.output
    accepted = CliRunner().invoke(cli, ["import", str(file), "--several", "first", "--db", str(project_path)])
    assert accepted.exit_code == 0
    assert "뺀 행은 없어요" in accepted.output
