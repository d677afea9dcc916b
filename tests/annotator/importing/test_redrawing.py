"""Parts are drawn anew by writers when somebody asks, and every decision stays."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator import settings as project_settings
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.importing import import_file, redrawing
from annotator.labelling.queueing import enqueue_import
from db.connection import rows
from db.models import rounds
from db.people import audit_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    project.init(tmp_path / "project.db", seed="00" * 16)
    return tmp_path / "project.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as opened:
        yield opened


def _fill_as_before(db: Database, writers: int = 12) -> None:
    """Import labelled diaries as a project of before has them: drawn text by text."""
    lines = [f"쓴이{i % writers},{i}번째 날,{('행복', '슬픔')[i % 2]}" for i in range(120)]
    import_file(db, "\n".join(["작성자,일기,감정", *lines]).encode(), "a.csv", after=enqueue_import)
    db.conn.execute("update diaries set part = iif(id % 5 = 0, 'test', 'pool')")
    db.conn.commit()
    project_settings.change(db, writer_cut=0)


def _decisions(db: Database) -> list[tuple[object, ...]]:
    return rows(db, "select * from decisions") + rows(db, "select * from standing")


def test_a_preview_says_what_drawing_anew_then_does(db: Database) -> None:
    _fill_as_before(db)
    before, parts_before = _decisions(db), dict(rows(db, "select id, part from diaries"))
    plan = redrawing.preview(db)
    assert dict(rows(db, "select id, part from diaries")) == parts_before
    assert redrawing.redraw(db) == plan
    parts_after = dict(rows(db, "select id, part from diaries"))
    assert plan.by == "writers"
    assert plan.moved_count == sum(parts_after[i] != part for i, part in parts_before.items()) > 0
    assert plan.test_count == plan.test_decided_count == list(parts_after.values()).count("test")
    assert set(rows(db, "select count(distinct part) from diaries group by author")) == {(1,)}
    assert _decisions(db) == before
    assert audit_log.list_entries(db)[0].action == "parts.draw"


def test_an_old_project_is_told_once(db: Database) -> None:
    _fill_as_before(db)
    assert redrawing.is_offered(db)
    redrawing.close_offer(db)
    assert not redrawing.is_offered(db)


def test_a_project_that_is_split_by_writers_or_has_too_few_is_told_nothing(db: Database) -> None:
    assert not redrawing.is_offered(db)
    _fill_as_before(db, writers=4)
    assert not redrawing.is_offered(db)
    assert redrawing.redraw(db).by == "texts"


def test_parts_stay_while_a_round_runs(db: Database) -> None:
    _fill_as_before(db)
    rounds.request_round(db, annotator_id=None, tier="instant")
    with pytest.raises(UserError, match="round_open"):
        redrawing.redraw(db)


def test_the_command_says_what_it_will_do_and_asks(path: Path, db: Database) -> None:
    _fill_as_before(db)
    refused = CliRunner().invoke(cli, ["draw-parts", "--db", str(path)], input="n\n")
    assert "12" in refused.output
    assert project_settings.load(db).writer_cut == 0
    done = CliRunner().invoke(cli, ["draw-parts", "--db", str(path), "--yes", "--json"])
    assert done.exit_code == 0
    assert '"by": "writers"' in done.output
    assert project_settings.load(db).writer_cut > 0
