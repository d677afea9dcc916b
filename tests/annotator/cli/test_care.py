"""Commands for the lead, as they are typed."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from annotator.worker.tasks import care_flags
from db.answers import gold, queue
from db.people import annotators, audit_log

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ("살기 싫다는 말이 나온다", "전화는 010-1234-5678이다", "맑은 하루였다")


@pytest.fixture
def path(project_path: Path) -> Path:
    """A project with three diaries, looked through by the worker."""
    with closing(project.open_project(project_path)) as db:
        import_file(db, "\n".join(["text", *TEXTS]).encode(), "일기.csv", after=enqueue_import)
        while care_flags.scan(db):
            pass
    return project_path


def _run(path: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--db", str(path)], catch_exceptions=False, standalone_mode=False)
    return result.output


def test_diaries_to_look_after_are_listed(path: Path) -> None:
    assert json.loads(_run(path, "care", "list", "--json")) == {"open": 1, "handled": 0, "diary_ids": [1]}
    assert "#1" in _run(path, "care", "list")


def test_a_list_goes_out_and_in_again(path: Path, tmp_path: Path) -> None:
    own = tmp_path / "care.txt"
    own.write_text(_run(path, "care", "phrases") + "\n맑은 하루\n", encoding="utf-8")
    assert "1" in _run(path, "care", "use", str(own))
    with closing(project.open_project(path)) as db:
        while care_flags.scan(db):
            pass
    assert json.loads(_run(path, "care", "list", "--json"))["diary_ids"] == [1, 3]
    _run(path, "care", "use", "--default")
    assert "맑은 하루" not in _run(path, "care", "phrases")


def test_a_list_that_is_no_text_is_refused(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "care.txt"
    broken.write_bytes(b"\xff\xff\xfe")
    with pytest.raises(UserError, match="phrases_unreadable"):
        _run(path, "care", "use", str(broken))


def test_a_gold_diary_is_set_by_name_or_refused(path: Path) -> None:
    assert "행복" in _run(path, "gold", "add", "3", "행복")
    assert json.loads(_run(path, "gold", "list", "--json")) == [{"diary_id": 3, "label": "행복"}]
    with pytest.raises(UserError, match="gold_undecided"):
        _run(path, "gold", "add", "2")
    with pytest.raises(UserError, match="label_unknown"):
        _run(path, "gold", "add", "2", "졸림")
    _run(path, "gold", "remove", "3")
    with closing(project.open_project(path)) as db:
        assert gold.list_gold(db) == []


def test_the_original_is_shown_and_that_is_on_record(path: Path) -> None:
    assert "010-1234-5678" in _run(path, "reveal", "2")
    with closing(project.open_project(path)) as db:
        newest = audit_log.list_entries(db)[0]
    assert (newest.action, newest.subject) == ("mask.reveal", "diary:2")


def test_next_shows_no_number_of_a_person(path: Path) -> None:
    with closing(project.open_project(path)) as db:
        db.conn.execute("update queue set place = -1 where diary_id = 2")
        db.conn.commit()
    assert "●●●-●●●●-●●●●" in _run(path, "next", "--name", "나")


def test_what_a_person_holds_is_given_back(path: Path) -> None:
    with closing(project.open_project(path)) as db:
        me = annotators.get_or_create_id(db, "나")
        queue.claim(db, annotator_id=me, holder="tab", limit=2, seconds=60)
    assert "2" in _run(path, "release", "나")
    with closing(project.open_project(path)) as db:
        assert queue.list_leases(db, annotator_id=me, holder="tab") == []
        assert audit_log.list_entries(db)[0].action == "lease.release"
    with pytest.raises(UserError, match="person_missing"):
        _run(path, "release", "아무도")
