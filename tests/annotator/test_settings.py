from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import db as database
from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.labelling.queueing import STRATEGIES
from annotator.settings import Settings
from db import settings as stored

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def test_settings_come_back_as_they_were_kept(tmp_path: Path) -> None:
    chosen = {"encoder": "somebody/encoder", "strategy": "entropy", "test_share": 0.3, "blind_test": False}
    project.init(tmp_path / "a.db", **chosen, unit="morpheme", overlap=2)
    with project.opened(tmp_path / "a.db") as db:
        kept = project_settings.load(db)
    assert kept == Settings(seed=kept.seed, **chosen, unit="morpheme", overlap=2)  # type: ignore[arg-type]


def test_a_project_keeps_the_encoder_that_it_began_with_when_new_ones_begin_with_another(tmp_path: Path) -> None:
    project.init(tmp_path / "a.db")
    with project.opened(tmp_path / "a.db") as db:
        assert stored.load(db)["encoder"] == project_settings.ENCODER, "a default that changes would change it"


def test_a_change_keeps_everything_else(opened: Database) -> None:
    before = project_settings.load(opened)
    changed = project_settings.change(opened, strategy="random")
    assert project_settings.load(opened) == changed
    assert (changed.strategy, changed.seed, changed.test_share) == ("random", before.seed, before.test_share)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"test_share": 0}, "test_share_outside"),
        ({"test_share": 1.0}, "test_share_outside"),
        ({"test_share": -0.2}, "test_share_outside"),
        ({"test_share": float("nan")}, "test_share_outside"),
        ({"blind_share": -0.1}, "blind_share_outside"),
        ({"blind_share": 1.1}, "blind_share_outside"),
        ({"blind_share": float("nan")}, "blind_share_outside"),
        ({"overlap_share": -0.1}, "share_outside"),
        ({"repeat_share": 1.1}, "share_outside"),
        ({"gold_share": float("nan")}, "share_outside"),
        ({"overlap": 0}, "overlap_outside"),
        ({"overlap": 21}, "overlap_outside"),
        ({"break_minutes": -1}, "break_minutes_outside"),
        ({"break_minutes": 10_000}, "break_minutes_outside"),
        ({"strategy": "guess"}, "strategy_unknown"),
        ({"unit": "letter"}, "unit_unknown"),
        ({"explanation_method": "shap"}, "setting_unknown"),
    ],
    ids=str,
)
def test_a_value_that_can_not_be_used_changes_nothing(opened: Database, values: dict[str, Any], code: str) -> None:
    before = project_settings.load(opened)
    with pytest.raises(UserError, match=code):
        project_settings.change(opened, **values)
    assert project_settings.load(opened) == before
    with pytest.raises(UserError, match=code):
        project_settings.new_settings(**values)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_can_be_chosen(opened: Database, name: str) -> None:
    assert project_settings.change(opened, strategy=name).strategy == name


def test_a_setting_that_this_version_does_not_know_is_passed_over(opened: Database) -> None:
    stored.store(opened, from_another_version=1)
    assert project_settings.load(opened).strategy == "margin"


def test_a_database_that_was_not_set_up_has_no_settings(tmp_path: Path) -> None:
    db = database.create(tmp_path / "bare.db")
    with pytest.raises(UserError, match="project_not_set_up"):
        project_settings.load(db)
    db.close()
