from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows, scalar
from db.people import annotators
from db.stats import automation_bias
from db.stats.automation_bias import Agreeing
from db.texts import diaries
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from db import Database

SEEN = {"shown_label_id": 2, "predicted_label_id": 2}
HIDDEN = {"predicted_label_id": 2, "blind": True}
NOT_COME = {"predicted_label_id": 2, "blind": False}
OF_BEFORE = {"predicted_label_id": 2}


class Log:
    """Label decisions of one person on ever new diaries of the pool."""

    def __init__(self, db: Database) -> None:
        self.db, self.me = db, annotators.get_or_create_id(db, "나")
        self.pool = [int(i) for i in diaries.list_ids(db, "pool")]
        self.count = 0

    def add(self, label_id: int | None, **values: Any) -> int:
        self.count += 1
        values = {"diary_id": self.pool[self.count], "kind": "label", "seconds": 1.5, **values}
        decision = NewDecision(annotator_id=self.me, token=f"token-{self.count:03}", label_id=label_id, **values)
        kept = decisions.add(self.db, decision)
        assert kept is not None
        return kept


def _count(db: Database, *, drawn: tuple[int, ...] = ()) -> tuple[Agreeing, Agreeing]:
    return automation_bias.count_agreeing(db, is_drawn=lambda diary_id: diary_id in drawn)


@pytest.fixture
def log(opened: Database) -> Log:
    fill(opened, 40)
    return Log(opened)


def test_a_decision_keeps_what_the_model_would_have_said(log: Log) -> None:
    first, second = log.add(1, **HIDDEN), log.add(1)
    kept = dict(rows(log.db, "select id, predicted_label_id from decisions"))
    assert kept == {first: 2, second: None}


def test_imported_labels_stand_beside_no_prediction(opened: Database) -> None:
    fill(opened, 6, labelled=True)
    assert scalar(opened, "select count(*) from decisions where source = 'import'") == 6
    assert scalar(opened, "select count(predicted_label_id) from decisions") == 0


def test_labels_are_counted_by_whether_the_answer_was_in_view(log: Log) -> None:
    for label_id, values in ((2, HIDDEN), (2, SEEN), (3, SEEN), (3, HIDDEN), (2, SEEN), (5, HIDDEN)):
        log.add(label_id, **values)
    assert _count(log.db) == (Agreeing(3, 2), Agreeing(3, 1))


def test_nothing_is_counted_where_nothing_was_hidden(log: Log) -> None:
    assert _count(log.db) == (Agreeing(0, 0), Agreeing(0, 0))
    log.add(2, **SEEN)
    assert _count(log.db) == (Agreeing(0, 0), Agreeing(0, 0))


def test_a_label_beside_which_the_answer_had_not_come_yet_is_on_neither_side(log: Log) -> None:
    for label_id, values in ((2, HIDDEN), (3, NOT_COME), (2, SEEN), (3, NOT_COME), (3, HIDDEN)):
        log.add(label_id, **values)
    assert _count(log.db) == (Agreeing(1, 1), Agreeing(2, 1))


def test_of_labels_of_before_those_are_hidden_whose_diary_the_draw_hides(log: Log) -> None:
    for values in (OF_BEFORE, SEEN, OF_BEFORE, OF_BEFORE):
        log.add(2, **values)
    first, third = log.pool[1], log.pool[3]
    assert _count(log.db, drawn=(first, third)) == (Agreeing(1, 1), Agreeing(2, 2))
    assert _count(log.db) == (Agreeing(0, 0), Agreeing(0, 0))


def test_what_was_decided_before_and_after_the_time_of_hiding_is_left_out(log: Log) -> None:
    for values in (SEEN, HIDDEN, SEEN, HIDDEN, SEEN, SEEN):
        log.add(2, **values)
    assert _count(log.db) == (Agreeing(1, 1), Agreeing(2, 2))


def test_the_answer_in_view_counts_where_another_model_served_when_the_press_arrived(log: Log) -> None:
    log.add(2, **HIDDEN)
    log.add(2, shown_label_id=2, predicted_label_id=4)
    log.add(2, **HIDDEN)
    assert _count(log.db)[0] == Agreeing(1, 1)


@pytest.mark.parametrize(
    "values",
    [{"predicted_label_id": None}, {"seconds": None}, {"kind": "skip", "label_id": None}],
    ids=["no model yet", "not from the label page", "skipped"],
)
def test_decisions_that_say_nothing_of_agreement_are_left_out(log: Log, values: dict[str, Any]) -> None:
    log.add(2, **HIDDEN)
    for base in (HIDDEN, SEEN):
        both = {**base, **values}
        log.add(both.pop("label_id", 2), **both)
    log.add(2, **HIDDEN)
    assert _count(log.db) == (Agreeing(0, 0), Agreeing(2, 2))


def test_test_diaries_are_left_out(log: Log) -> None:
    log.add(2, **HIDDEN)
    log.add(2, **HIDDEN, diary_id=int(diaries.list_ids(log.db, "test")[0]))
    log.add(2, **HIDDEN)
    assert _count(log.db)[1] == Agreeing(2, 2)


def test_labels_that_were_taken_back_are_left_out_but_not_those_that_were_changed_elsewhere(log: Log) -> None:
    log.add(2, **HIDDEN)
    undo_newest(log.db, log.me, token="undo-0001")
    changed = log.add(2, **HIDDEN)
    log.add(5, diary_id=decisions.get_decision(log.db, changed).diary_id, seconds=None, **HIDDEN)
    assert _count(log.db)[1] == Agreeing(1, 1)
