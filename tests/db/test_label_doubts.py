from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db import annotators, decisions, label_doubts, models
from db.decisions import NewDecision
from db.label_doubts import NewDoubt
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def _label(db: Database, diary_id: int, label_id: int, *, name: str = "나") -> int:
    me = annotators.annotator_id(db, name)
    token = f"{name}-{diary_id}-{decisions.last_decision_id(db)}"
    added = decisions.add(db, NewDecision(diary_id, me, "label", token, label_id))
    assert added is not None
    return added


def _doubt(db: Database, *quality: float) -> tuple[int, list[int]]:
    """Label the first diaries as 2 and doubt each with a quality; return the model and the decisions."""
    made = [_label(db, diary_id, 2) for diary_id in range(1, len(quality) + 1)]
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", (1, 2), b"", {}))
    label_doubts.store_doubts(
        db, model_id, [NewDoubt(d, i, q, 5, True) for i, (d, q) in enumerate(zip(made, quality, strict=True), 1)]
    )
    return model_id, made


@pytest.fixture
def pool(opened: Database) -> Database:
    """Ten diaries, all in the pool."""
    fill(opened, 10)
    opened.conn.execute("update diaries set part = 'pool'")
    opened.conn.commit()
    return opened


def test_the_least_likely_label_is_looked_at_first(pool: Database) -> None:
    _, made = _doubt(pool, 0.3, 0.1, 0.2)
    found = label_doubts.find_next(pool)
    assert found is not None
    assert (found.decision_id, found.label_id, found.suggested_label_id) == (made[1], 2, 5)
    assert (found.annotator_name, found.flagged) == ("나", True)
    assert label_doubts.count(pool) == label_doubts.DoubtCount(0, 3)


def test_a_kept_label_is_not_asked_again_until_that_is_taken_back(pool: Database) -> None:
    _, made = _doubt(pool, 0.1)
    me = annotators.annotator_id(pool, "나")
    label_doubts.add_check(pool, made[0], annotator_id=me)
    label_doubts.add_check(pool, made[0], annotator_id=me)
    assert label_doubts.find_next(pool) is None
    assert label_doubts.list_checked(pool).tolist() == made
    assert label_doubts.count(pool) == label_doubts.DoubtCount(1, 1)
    label_doubts.remove_check(pool, made[0])
    assert label_doubts.is_open(pool, made[0])


def test_a_newer_label_by_anybody_settles_a_doubt(pool: Database) -> None:
    _, made = _doubt(pool, 0.1, 0.2)
    _label(pool, 1, 5)
    _label(pool, 2, 5, name="다른 사람")
    assert not any(label_doubts.is_open(pool, decision_id) for decision_id in made)


def test_a_label_that_was_taken_back_is_not_doubted_any_more(pool: Database) -> None:
    _, made = _doubt(pool, 0.1)
    assert decisions.undo(pool, made[0], token="undo-1")
    assert label_doubts.find_next(pool) is None
    assert not decisions.undo(pool, made[0], token="undo-2"), "it is not in force"


def test_only_the_newest_round_is_doubted_by(pool: Database) -> None:
    _, made = _doubt(pool, 0.1, 0.2)
    newer = models.add_model(pool, models.NewModel("instant", "bundled", "hash", (1, 2), b"", {}))
    label_doubts.store_doubts(pool, newer, [NewDoubt(made[1], 2, 0.4, 5, False)])
    assert label_doubts.count(pool).total == 1
    found = label_doubts.find_next(pool)
    assert found is not None
    assert (found.model_id, found.decision_id) == (newer, made[1])


def test_test_diaries_come_last_and_in_an_order_that_tells_nothing(pool: Database) -> None:
    _, made = _doubt(pool, 0.5, 0.1, 0.9)
    pool.conn.execute("update diaries set part = 'test' where id in (1, 2)")
    pool.conn.commit()
    me = annotators.annotator_id(pool, "나")
    seen = []
    while (found := label_doubts.find_next(pool)) is not None:
        seen.append(found.decision_id)
        label_doubts.add_check(pool, found.decision_id, annotator_id=me)
    assert seen == [made[2], made[0], made[1]]


def test_a_changed_label_keeps_its_place_and_who_asked_for_it(pool: Database) -> None:
    pool.conn.execute("update queue set strategy = 'margin' where diary_id = 2")
    pool.conn.commit()
    first = [_label(pool, i, 2) for i in (1, 2)]
    pool.conn.execute("delete from queue")
    pool.conn.commit()
    _label(pool, 2, 5)
    assert decisions.list_asked(pool) == {1: (first[0], "random"), 2: (first[1], "margin")}
