from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import doubts
from annotator.errors import UserError
from db import annotators, decisions, label_doubts, models, rounds
from db.decisions import NewDecision
from db.label_doubts import NewDoubt
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


@pytest.fixture
def me(opened: Database) -> int:
    """The person who labelled two pool diaries as 2, both doubted by a round that finds 5 likelier."""
    fill(opened, 4)
    opened.conn.execute("update diaries set part = 'pool'")
    opened.conn.commit()
    me = annotators.annotator_id(opened, "나")
    made = [decisions.add(opened, NewDecision(i, me, "label", f"token-{i}", 2, memo="메모")) for i in (1, 2)]
    round_id = rounds.request_round(opened, annotator_id=me)
    model_id = models.add_model(opened, models.NewModel("instant", "bundled", "hash", (1, 2), b"", {}))
    rounds.set_model(opened, round_id, model_id)
    rounds.end(opened, round_id, status="done", report={"study": {"doubts": {str(made[0]): 0.71}}})
    label_doubts.store_doubts(opened, model_id, [NewDoubt(d or 0, i, 0.1 * i, 5, True) for i, d in enumerate(made, 1)])
    return me


def _next(db: Database) -> doubts.Card:
    card = doubts.next_card(db)
    assert card is not None
    return card


def _label_of(db: Database, diary_id: int) -> int | None:
    return decisions.list_standing(db, [diary_id])[0].label_id


def test_a_card_says_what_was_given_by_whom_and_what_the_model_finds(opened: Database, me: int) -> None:
    card = _next(opened)
    assert (card.diary_id, card.given.id, card.given_by) == (1, 2, "나")
    assert card.alternative is not None
    assert (card.alternative.id, card.given_proba, card.alternative_proba) == (5, pytest.approx(0.1), 0.71)


def test_a_label_can_be_kept_and_that_taken_back(opened: Database, me: int) -> None:
    review = doubts.keep(opened, _next(opened).decision_id, annotator_id=me)
    assert review is not None
    assert _next(opened).diary_id == 2
    assert (doubts.count(opened).done, doubts.count(opened).total) == (1, 2)
    assert doubts.undo(opened, review)
    assert _next(opened).diary_id == 1


def test_a_change_is_a_new_decision_that_keeps_the_memo_and_can_be_taken_back(opened: Database, me: int) -> None:
    before = decisions.last_decision_id(opened)
    review = doubts.change(opened, _next(opened).decision_id, 5, annotator_id=me)
    assert review is not None
    changed = decisions.list_standing(opened, [1])[0]
    assert (changed.label_id, changed.memo, changed.id) == (5, "메모", before + 1)
    assert _next(opened).diary_id == 2
    assert doubts.undo(opened, review)
    assert _label_of(opened, 1) == 2
    assert _next(opened).diary_id == 1


def test_the_label_of_another_person_stays_beside_the_change(opened: Database, me: int) -> None:
    other = annotators.annotator_id(opened, "다른 사람")
    doubts.change(opened, _next(opened).decision_id, 5, annotator_id=other)
    assert {d.annotator_id: d.label_id for d in decisions.list_standing(opened, [1])} == {me: 2, other: 5}
    assert _next(opened).diary_id == 2


def test_a_second_press_on_the_same_card_changes_nothing(opened: Database, me: int) -> None:
    decision_id = _next(opened).decision_id
    assert doubts.change(opened, decision_id, 5, annotator_id=me) is not None
    after = decisions.last_decision_id(opened)
    assert doubts.change(opened, decision_id, 3, annotator_id=me) is None
    assert doubts.keep(opened, decision_id, annotator_id=me) is None
    assert decisions.last_decision_id(opened) == after


def test_changing_to_the_same_label_is_keeping_it(opened: Database, me: int) -> None:
    before = decisions.last_decision_id(opened)
    review = doubts.change(opened, _next(opened).decision_id, 2, annotator_id=me)
    assert review is not None
    assert review.kind == "kept"
    assert decisions.last_decision_id(opened) == before


def test_a_label_that_is_not_in_the_set_is_refused_and_nothing_kept(opened: Database, me: int) -> None:
    with pytest.raises(UserError, match="label_unknown"):
        doubts.change(opened, _next(opened).decision_id, 99, annotator_id=me)
    assert _next(opened).diary_id == 1


def test_what_a_newer_decision_has_overtaken_is_not_taken_back(opened: Database, me: int) -> None:
    review = doubts.change(opened, _next(opened).decision_id, 5, annotator_id=me)
    assert review is not None
    decisions.add(opened, NewDecision(1, me, "label", "token-later", 3))
    assert not doubts.undo(opened, review)
    assert _label_of(opened, 1) == 3


def test_what_the_model_thinks_of_a_test_diary_is_hidden(opened: Database, me: int) -> None:
    opened.conn.execute("update diaries set part = 'test' where id = 1")
    opened.conn.commit()
    doubts.keep(opened, _next(opened).decision_id, annotator_id=me)
    card = _next(opened)
    assert (card.diary_id, card.is_blind, card.alternative, card.given_proba) == (1, True, None, None)


def test_without_a_round_nothing_is_doubted(opened: Database) -> None:
    assert doubts.next_card(opened) is None
    assert doubts.count(opened).total == 0
