"""Reports on the command line: in words, and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def decided(project_path: Path) -> Path:
    """A project of which forty test diaries are labelled, a quarter of them 행복."""
    with project.opened(project_path) as db:
        fill(db, 400)
        me = annotators.get_or_create_id(db, "나")
        for place, diary_id in enumerate(diaries.list_ids(db, "test")[:40].tolist()):
            decisions.add(db, NewDecision(diary_id, me, "label", f"token-{diary_id:04}", 5 if place % 4 else 2))
    return project_path


def _report(path: Path, *options: str) -> str:
    ran = CliRunner().invoke(cli, ["report", "shares", "--db", str(path), *options], catch_exceptions=False)
    assert ran.exit_code == 0
    return ran.output


def test_shares_are_reported_with_interval_n_and_method(decided: Path) -> None:
    happy = next(line for line in _report(decided).splitlines() if "행복" in line)
    assert "25.0% (" in happy
    assert "n=40)" in happy
    assert "그 감정 10편" in happy


def test_shares_are_reported_as_json_by_source(decided: Path) -> None:
    report = json.loads(_report(decided, "--by", "source", "--json"))
    (group,) = report["groups"]
    assert (report["by"], group["name"], group["n"]) == ("source", "400.csv", 40)
    assert dict(zip(report["label_names"], [s["value"] for s in group["shares"]], strict=True))[
        "행복"
    ] == pytest.approx(0.25)


def test_a_project_without_test_labels_says_what_is_missing(project_path: Path) -> None:
    assert "30편부터" in _report(project_path)
    with project.opened(project_path) as db:
        fill(db, 100)
    assert "지금은 0편이에요" in _report(project_path)
