"""What a round would learn from, who may ask for one, and going back to an earlier version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.errors import UserError
from annotator.training import rounds as round_cases
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.errors import DatabaseError
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

LABEL_IDS = (1, 2, 3, 4, 5, 6, 7)


def _add_model(
    db: Database,
    *,
    encoder: str = "bundled",
    label_ids: tuple[int, ...] = LABEL_IDS,
    training: tuple[int, ...] = (),
    serve: bool = True,
) -> int:
    count = len(models.list_models(db))
    new = models.NewModel("zero", encoder, encoder, label_ids, f"w{count}".encode(), {}, training_decisions=training)
    model_id = models.add_model(db, new)
    if serve:
        models.activate(db, model_id, reason="test")
    return model_id


def _label(db: Database, diary_id: int, label_id: int) -> int:
    me = annotators.get_or_create_id(db, "나")
    token = f"token-{decisions.last_decision_id(db)}"
    return decisions.add(db, NewDecision(diary_id, me, "label", token, label_id)) or 0


def test_nothing_can_be_learned_from_an_empty_project(opened: Database) -> None:
    plan = round_cases.plan_round(opened)
    assert (plan.label_count, plan.new_count, plan.test_count, plan.labels_in_use) == (0, 0, 0, 0)
    assert plan.obstacle == "round.obstacle.labels"
    with pytest.raises(UserError) as caught:
        round_cases.request(opened, annotator_id=None)
    assert (caught.value.code, caught.value.details) == ("labels_of_one_kind", {"count": 0})
    assert rounds.list_rounds(opened) == []


def test_a_plan_counts_training_labels_and_test_labels_apart(opened: Database) -> None:
    fill(opened, 60, labelled=True)
    test = len(diaries.list_ids(opened, "test"))
    plan = round_cases.plan_round(opened)
    assert (plan.label_count, plan.test_count, plan.new_count) == (60 - test, test, 60)
    assert (plan.labels_in_use, plan.obstacle) == (2, None)


def test_labels_of_one_kind_are_an_obstacle_until_a_second_kind_comes(opened: Database) -> None:
    fill(opened, 20)
    pool = diaries.list_ids(opened, "pool").tolist()
    for diary_id in pool[:5]:
        _label(opened, diary_id, 2)
    assert round_cases.plan_round(opened).obstacle == "round.obstacle.labels"
    _label(opened, pool[5], 3)
    assert round_cases.plan_round(opened).obstacle is None


def test_a_label_on_a_test_diary_does_not_make_a_second_kind(opened: Database) -> None:
    fill(opened, 40)
    pool, test = (diaries.list_ids(opened, part).tolist() for part in ("pool", "test"))
    _label(opened, pool[0], 2)
    _label(opened, test[0], 3)
    with pytest.raises(UserError, match="labels_of_one_kind"):
        round_cases.request(opened, annotator_id=None)


def test_only_labels_that_the_serving_model_has_not_seen_are_new(opened: Database) -> None:
    fill(opened, 20)
    pool = diaries.list_ids(opened, "pool").tolist()
    seen = [_label(opened, diary_id, 1 + n % 2) for n, diary_id in enumerate(pool[:6])]
    _add_model(opened, training=tuple(seen))
    assert round_cases.plan_round(opened).new_count == 0
    _label(opened, pool[7], 3)
    assert (round_cases.plan_round(opened).new_count, round_cases.plan_round(opened).label_count) == (1, 7)


def test_while_a_round_is_open_no_other_can_be_asked_for(opened: Database) -> None:
    fill(opened, 20, labelled=True)
    round_id = round_cases.request(opened, annotator_id=None)
    assert round_cases.plan_round(opened).obstacle == "round.obstacle.open"
    with pytest.raises(DatabaseError, match="round_open"):
        round_cases.request(opened, annotator_id=None)
    open_round = round_cases.find_open(opened)
    assert open_round is not None
    assert open_round.id == round_id


def test_a_round_that_nobody_has_begun_is_cancelled_at_once(opened: Database) -> None:
    fill(opened, 20, labelled=True)
    assert not round_cases.cancel(opened)
    round_cases.request(opened, annotator_id=None)
    assert round_cases.cancel(opened)
    ended = round_cases.find_last_ended(opened)
    assert ended is not None
    assert ended.status == "cancelled"
    assert round_cases.seconds_of(ended) >= 0
    assert round_cases.plan_round(opened).obstacle is None


def test_the_expected_time_follows_the_last_round(opened: Database) -> None:
    fill(opened, 60, labelled=True)
    first_guess = round_cases.plan_round(opened).expected_seconds
    assert first_guess > 0
    round_id = round_cases.request(opened, annotator_id=None)
    rounds.begin(opened, round_id, last_decision_id=60, previous_model_id=None)
    rounds.end(opened, round_id, status="done", report={"train": 10})
    assert round_cases.plan_round(opened).expected_seconds == 1.0, "never less than a second is promised"


def test_a_deeper_round_is_expected_to_take_longer_the_more_labels_there_are(opened: Database) -> None:
    fill(opened, 60, labelled=True)
    few = round_cases.plan_round(opened).tier_seconds
    assert few["instant"] < few["adapter"] < few["full"]
    fill(opened, 600, labelled=True)
    assert round_cases.plan_round(opened).tier_seconds["adapter"] > few["adapter"]


# Going back


def test_another_version_serves_when_a_person_says_so(opened: Database) -> None:
    first, second = _add_model(opened), _add_model(opened)
    round_cases.activate(opened, 0)
    assert models.find_active_id(opened) == first
    round_cases.activate(opened, 1)
    assert models.find_active_id(opened) == second


def test_a_version_that_does_not_exist_is_said_with_those_that_do(opened: Database) -> None:
    with pytest.raises(UserError, match="no_model_yet"):
        round_cases.activate(opened, 0)
    _add_model(opened)
    active = _add_model(opened)
    for version in (2, -1):
        with pytest.raises(UserError) as caught:
            round_cases.activate(opened, version)
        assert (caught.value.code, caught.value.details) == ("version_unknown", {"found": version, "newest": 1})
    assert models.find_active_id(opened) == active


def test_a_version_of_another_encoder_does_not_serve(opened: Database) -> None:
    _add_model(opened, encoder="old/encoder")
    active = _add_model(opened)
    with pytest.raises(UserError) as caught:
        round_cases.activate(opened, 0)
    assert caught.value.code == "model_of_other_encoder"
    assert caught.value.details == {"version": 0, "made": "old/encoder", "now": "bundled"}
    assert models.find_active_id(opened) == active


def test_a_version_that_knows_a_single_label_of_now_does_not_serve(opened: Database) -> None:
    _add_model(opened, label_ids=(1, 99))
    active = _add_model(opened)
    with pytest.raises(UserError, match="model_of_other_labels"):
        round_cases.activate(opened, 0)
    assert models.find_active_id(opened) == active
