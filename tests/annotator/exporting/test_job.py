"""An export beside the database: watched, stopped, and its troubles told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.accounts.permissions import machine_owner
from annotator.exporting import job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

_PATIENCE = 120.0

pytestmark = pytest.mark.slow


@pytest.fixture
def database(opened: Database, project_path: Path) -> Iterator[Path]:
    yield project_path
    job.forget(project_path)


def _start(database: Path, file_format: str = "csv", *, crosswalk: str | None = None) -> job.Job:
    job.start(database, file_format, person=machine_owner(), decided_only=False, crosswalk=crosswalk, language="ko")
    export = job.find(database)
    assert export is not None
    return export


def _wait(export: job.Job) -> None:
    until = time.monotonic() + _PATIENCE
    while export.poll() is not None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_an_export_lies_beside_the_database_with_its_card(database: Path) -> None:
    export = _start(database)
    assert export.poll() is not None
    job.start(database, "jsonl", person=machine_owner(), decided_only=False, crosswalk=None, language="ko")
    assert job.find(database) is export, "a second press doesn't begin another one"
    _wait(export)
    assert export.problem is None
    names = sorted(file.name for file in project.exports_folder(database).iterdir())
    assert names == ["csv-1.csv", "csv-1.csv.card.json", "csv-1.csv.card.md"]


def test_what_goes_wrong_is_said_in_one_sentence(database: Path) -> None:
    export = _start(database, crosswalk="kote")
    _wait(export)
    assert export.problem is not None
    assert "대응표에 없는 라벨이 있어" in export.problem
    assert list(project.exports_folder(database).iterdir()) == []


def test_a_stopped_export_is_forgotten_and_its_place_is_free(database: Path) -> None:
    export = _start(database)
    job.forget(database)
    assert not export.child.is_running
    assert job.find(database) is None
    assert not (project.exports_folder(database) / "csv-1.csv").exists()
