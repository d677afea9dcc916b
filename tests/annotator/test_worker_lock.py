from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import worker_lock

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_worker_that_the_app_keeps_is_on_its_way_and_then_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "project.db"
    monkeypatch.setenv(worker_lock.KEEPER, "1")
    assert worker_lock.is_starting(database)
    with worker_lock.only_worker(database):
        assert not worker_lock.is_starting(database)
    assert worker_lock.is_starting(database), "the app starts it again"


def test_a_worker_that_stays_away_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "project.db"
    monkeypatch.setenv(worker_lock.KEEPER, "1")
    monkeypatch.setattr(worker_lock, "_STARTS_WITHIN_SECONDS", 0.0)
    assert not worker_lock.is_starting(database)


def test_nobody_starts_a_worker_where_the_app_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(worker_lock.KEEPER, raising=False)
    assert not worker_lock.is_starting(tmp_path / "project.db")
