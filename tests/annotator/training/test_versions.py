"""Every version on today's test part, and two of them beside each other."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from annotator.errors import UserError
from annotator.training import versions
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import models
from tests.conftest import answer_test_part, fill

if TYPE_CHECKING:
    from db import Database

HAPPY, SAD, CALM = 2, 5, 6


def _add_model(db: Database) -> int:
    return models.add_model(db, models.NewModel("instant", "bundled", "hash", (1, 2, 3, 4, 5, 6, 7), b"", {}))


@pytest.fixture
def decided(opened: Database) -> Database:
    """Six test diaries, happy and sad in turn, and two versions."""
    fill(opened, 6, labelled=True)
    first, second = _add_model(opened), _add_model(opened)
    models.activate(opened, second, reason="test")
    answer_test_part(opened, first, [HAPPY, HAPPY, HAPPY, HAPPY, HAPPY, HAPPY])
    answer_test_part(opened, second, [HAPPY, SAD, HAPPY, SAD, HAPPY, CALM])
    return opened


def test_every_version_is_measured_on_the_same_test_diaries(decided: Database) -> None:
    old, new = versions.list_measured(decided)
    assert [(m.version, m.is_active, m.figures.n) for m in (old, new)] == [(0, False, 6), (1, True, 6)]
    assert (old.figures.accuracy, new.figures.accuracy) == pytest.approx((3 / 6, 5 / 6))
    assert new.figures.true_counts == (0, 3, 0, 0, 3, 0, 0)
    assert new.label_names[HAPPY - 1] == "행복"


def test_figures_follow_a_changed_decision_without_asking_anew(decided: Database) -> None:
    importer = decided.conn.execute("select annotator_id from standing where diary_id = 6").fetchone()[0]
    assert decisions.add(decided, NewDecision(6, importer, "label", secrets.token_hex(8), CALM))
    assert versions.list_measured(decided)[1].figures.accuracy == 1.0


def test_a_version_that_was_never_asked_is_not_measured(decided: Database) -> None:
    _add_model(decided)
    assert [m.version for m in versions.list_measured(decided)] == [0, 1]


def test_any_two_versions_are_compared_on_the_diaries_that_both_have_answered(decided: Database) -> None:
    answer_test_part(decided, _add_model(decided), [SAD, SAD, SAD])
    pair = versions.compare(decided, 0, 1)
    assert (pair.first.n, pair.second.n, pair.comparison.n) == (6, 6, 6)
    assert pair.difference.value == pytest.approx(2 / 6)
    assert pair.difference.low is not None
    assert pair.difference.high is not None
    assert pair.difference.low < 0 < pair.difference.high
    assert versions.compare(decided, 1, 0).difference.value == pytest.approx(-2 / 6)
    assert versions.compare(decided, 2, 1).comparison.n == 3


def test_versions_without_a_common_test_diary_can_not_be_compared(decided: Database) -> None:
    _add_model(decided)
    with pytest.raises(UserError) as refused:
        versions.compare(decided, 0, 2)
    assert refused.value.code == "versions_not_comparable"


def test_a_version_is_compared_with_another_one_that_is_there(decided: Database) -> None:
    for second, code in ((0, "versions_equal"), (99, "version_unknown")):
        with pytest.raises(UserError) as refused:
            versions.compare(decided, 0, second)
        assert refused.value.code == code
