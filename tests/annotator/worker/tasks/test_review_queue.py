from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings
from annotator.review import actions
from annotator.review.actions import Filter, ReviewAction
from db.answers import decisions
from db.label_sets import labels
from db.models import explanations, models
from db.people import annotators
from db.review import label_issues, queue, reviews
from db.review.label_issues import NewDoubt
from learner.text.units import eojeol
from tests import reviewed
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    reviewed.make(opened)
    return opened


def _signals(db: Database) -> dict[int, set[str]]:
    return {row.diary_id: set(row.signals) for row in queue.list_rows(db, Filter(state=None), limit=100)}


def test_the_queue_follows_decisions_one_by_one(db: Database) -> None:
    assert not reviewed.refresh(db), "nothing is new"
    made = reviewed.label(db, 1, HAPPY)
    reviewed.label(db, 6, HAPPY)
    assert reviewed.refresh(db)
    assert sorted(_signals(db)) == [2, 3, 6]
    assert decisions.undo(db, made, token="undo-1")
    assert reviewed.refresh(db)
    assert sorted(_signals(db)) == [1, 2, 3, 6]


def test_the_likeliest_mistake_comes_first(db: Database) -> None:
    rows = actions.page(db, Filter()).rows
    errors = [row.expected_error for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert all(0 < error < 1 for error in errors)


def test_only_people_who_disagree_bring_a_blind_test_diary(db: Database) -> None:
    db.conn.execute("update diaries set part = 'test' where id in (1, 3)")
    db.conn.commit()
    reviewed.label(db, 1, SAD)
    reviewed.label(db, 3, HAPPY)
    reviewed.refresh(db)
    assert _signals(db) == {2: {"low_confidence"}, 3: {"disagreement"}}
    shown = {row.diary_id: row.expected_error for row in actions.page(db, Filter()).rows}[3]
    reviewed.add_model(db, sure=0.3)
    reviewed.refresh(db)
    assert {row.diary_id: row.expected_error for row in actions.page(db, Filter()).rows}[3] == shown


def test_test_diaries_that_are_not_blind_are_doubted_like_others(db: Database) -> None:
    db.conn.execute("update diaries set part = 'test' where id = 1")
    db.conn.commit()
    settings.change(db, blind_test=False)
    reviewed.refresh(db)
    assert 1 in _signals(db)


def test_heads_that_had_not_seen_the_label_have_the_last_word(db: Database) -> None:
    standing = {d.diary_id: d.id for d in decisions.list_standing(db, [1, 5]) if d.kind == "label"}
    model_id = models.find_active_id(db)
    assert model_id is not None
    label_issues.store_doubts(
        db,
        model_id,
        [NewDoubt(standing[1], 1, 0.8, HAPPY, False), NewDoubt(standing[5], 5, 0.1, SAD, True)],
    )
    reviewed.refresh(db)
    signals = _signals(db)
    assert 1 not in signals
    assert "low_confidence" in signals[5]


def test_a_label_that_was_looked_at_again_before_there_were_reviews_is_not_doubted(db: Database) -> None:
    kept = decisions.list_standing(db, [1])[0]
    db.conn.execute("insert into label_checks values (?, ?, '')", (kept.id, kept.annotator_id))
    db.conn.commit()
    reviewed.refresh(db)
    assert sorted(_signals(db)) == [2, 3]


def test_the_first_model_is_no_ground_for_doubt(opened: Database) -> None:
    reviewed.make(opened)
    opened.conn.execute("update models set tier = 'zero'")
    opened.conn.commit()
    reviewed.label(opened, 4, HAPPY)
    opened.conn.execute("delete from settings where key = 'audit_made_from'")
    opened.conn.commit()
    reviewed.refresh(opened)
    assert _signals(opened) == {3: {"disagreement"}}


def test_an_answer_that_rests_on_a_filler_is_odd(db: Database) -> None:
    model_id, text = models.find_active_id(db), "4번째 날. 오늘은 너무 슬프고 눈물이 났다."
    assert model_id is not None
    spans = eojeol(text)
    column = [label.id for label in labels.list_labels(db)].index(HAPPY)
    weights = np.zeros((len(spans), 7), np.float32)
    weights[0, column] = 1.0  # "5번째"
    explanations.store_explanation(db, explanations.Explanation(5, model_id, "eojeol", spans, weights, (1.0,) * 7, 9))
    reviewed.refresh(db)
    assert _signals(db).get(5) == {"odd_explanation"}


def test_settled_rows_stay_as_the_reviewer_met_them(db: Database) -> None:
    me = annotators.get_or_create_id(db, "검토자")
    actions.apply(db, ReviewAction("label", 1, reviews.get_revision(db, 1), HAPPY, comment="까닭"), reviewer_id=me)
    reviewed.refresh(db)
    queue_row = queue.find_row(db, 1)
    assert queue_row is not None
    assert queue_row.signals
    actions.undo_last(db, me)
    reviewed.refresh(db)
    assert 1 in [row.diary_id for row in actions.page(db, Filter()).rows]


def test_merged_labels_are_one_label(db: Database) -> None:
    reviewed.label(db, 7, 6, name="서연")
    reviewed.refresh(db)
    assert "disagreement" in _signals(db)[7]
    db.conn.execute("update labels set merged_into = ?, retired_at = '' where id = 6", (HAPPY,))
    me = annotators.get_or_create_id(db, "서연")
    db.conn.execute(
        "insert into label_history (action, label_id, before, after, last_decision_id, annotator_id, changed_at)"
        " values ('merge', 6, '{}', '{}', 0, ?, '')",
        (me,),
    )
    db.conn.commit()
    reviewed.refresh(db)
    assert 7 not in _signals(db)
    assert "disagreement" not in _signals(db).get(3, set())
