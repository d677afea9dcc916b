"""What stands beside an accuracy: diaries set aside, answers that were in view, and how far readers agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.quality import accuracy_limits
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.people import annotators
from db.stats import part_counts
from db.texts import diaries
from learner.classification.metrics import wilson
from tests.conftest import fill

if TYPE_CHECKING:
    from typing import Any

    from db import Database

HAPPY, SAD = 2, 5


def _ids(db: Database, part: Any) -> list[int]:
    return [int(i) for i in diaries.list_ids(db, part)]


def _press(db: Database, name: str, diary_id: int, label_id: int | None, kind: Any = "label", **values: Any) -> None:
    person = annotators.get_or_create_id(db, name)
    decisions.add(db, NewDecision(diary_id, person, kind, f"{name}-token-{diary_id:04}", label_id, **values))


def test_test_diaries_are_counted_by_what_was_decided_of_them(opened: Database) -> None:
    fill(opened, 100)
    first, second, third, *others = _ids(opened, "test")
    _press(opened, "나", first, HAPPY)
    _press(opened, "나", second, None, "skip")
    _press(opened, "너", second, None, "flag")
    _press(opened, "너", third, None, "skip")
    assert part_counts.count_test_kinds(opened) == {"label": 1, "flag": 1, "skip": 1, "open": len(others)}
    limits = accuracy_limits.find_limits(opened)
    assert (limits.labelled, limits.skipped, limits.flagged, limits.shown) == (1, 1, 1, 0)


def test_labels_given_with_the_answer_in_view_are_counted_on_the_test_part_alone(opened: Database) -> None:
    fill(opened, 100)
    for diary_id in [*_ids(opened, "test")[:2], *_ids(opened, "pool")[:3]]:
        _press(opened, "나", diary_id, HAPPY, shown_label_id=HAPPY)
    _press(opened, "나", _ids(opened, "test")[2], HAPPY)
    assert accuracy_limits.find_limits(opened).shown == 2


def test_how_far_readers_agree_is_the_ceiling_of_an_accuracy(opened: Database) -> None:
    fill(opened, 400)
    test = _ids(opened, "test")[:40]
    for place, diary_id in enumerate(test):
        _press(opened, "나", diary_id, HAPPY)
        _press(opened, "너", diary_id, SAD if place < 10 else HAPPY)
    ceiling = accuracy_limits.find_limits(opened).ceiling
    assert ceiling is not None
    assert (ceiling.n, ceiling.is_test, ceiling.same.value) == (40, True, 0.75)
    assert (ceiling.same.low, ceiling.same.high) == pytest.approx(wilson(30, 40))
    assert ceiling.same.high < 1
    assert ceiling.best.low < ceiling.best.value == pytest.approx(0.8645, abs=1e-3)


def test_where_few_test_diaries_were_shared_all_shared_diaries_count(opened: Database) -> None:
    fill(opened, 200)
    shared = [*_ids(opened, "test")[:5], *_ids(opened, "pool")[:24]]
    for diary_id in shared:
        _press(opened, "나", diary_id, HAPPY)
        _press(opened, "너", diary_id, HAPPY)
    assert accuracy_limits.find_limits(opened).ceiling is None
    _press(opened, "나", _ids(opened, "pool")[24], HAPPY)
    _press(opened, "너", _ids(opened, "pool")[24], HAPPY)
    ceiling = accuracy_limits.find_limits(opened).ceiling
    assert ceiling is not None
    assert (ceiling.n, ceiling.is_test) == (30, False)
    assert ceiling.same.low < 1 == ceiling.same.value


def test_an_empty_project_has_no_ceiling(opened: Database) -> None:
    assert accuracy_limits.find_limits(opened).ceiling is None
