from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.answers import decisions, queue, training_data
from db.answers.decisions import NewDecision
from db.connection import rows
from db.people import annotators
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from db import Database


def _decide(db: Database, diary_id: int, annotator_id: int, label_id: int, token: str) -> int | None:
    return decisions.add(db, NewDecision(diary_id, annotator_id, "label", token, label_id))


def test_a_press_that_arrives_twice_is_kept_once(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    assert _decide(opened, 1, me, 2, "token-aa") is not None
    assert _decide(opened, 1, me, 5, "token-aa") is None
    assert [d.label_id for d in decisions.list_standing(opened, [1])] == [2]


def test_undo_restores_the_previous_label(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    _decide(opened, 1, me, 2, "token-aa")
    _decide(opened, 1, me, 5, "token-bb")
    undo_newest(opened, me, token="undo-aaa")
    assert [d.label_id for d in decisions.list_standing(opened, [1])] == [2]
    undo_newest(opened, me, token="undo-bbb")
    assert decisions.list_standing(opened, [1]) == []
    assert not undo_newest(opened, me, token="undo-ccc")


def test_undo_with_the_same_token_takes_back_one_decision_only(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    for diary_id in (1, 2, 3):
        _decide(opened, diary_id, me, 2, f"token-{diary_id}")
    newest = decisions.list_recent(opened, me, limit=1)[0]
    assert undo_newest(opened, me, token="undo-aaa")
    assert not undo_newest(opened, me, token="undo-aaa")
    assert decisions.find_undone_by(opened, me, token="undo-aaa") == newest
    assert (
        len(training_data.list_labelled(opened, part="pool")) + len(training_data.list_labelled(opened, part="test"))
        == 2
    )


def test_undo_leaves_the_decisions_of_others_and_of_imports(opened: Database) -> None:
    fill(opened, 4, labelled=True)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    _decide(opened, 1, you, 2, "token-aa")
    assert decisions.find_undoable(opened, me, token="token-aa") is None
    for (token,) in rows(opened, "select token from decisions where source = 'import'"):
        for person in (me, you):
            assert decisions.find_undoable(opened, person, token=token) is None


def test_decisions_can_not_be_changed_or_removed(opened: Database) -> None:
    fill(opened, 2)
    _decide(opened, 1, annotators.get_or_create_id(opened, "나"), 2, "token-aa")
    for statement in ("update decisions set label_id = 3", "delete from decisions"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"):
            opened.conn.execute(statement)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.booleans()), max_size=12))
def test_the_decisions_in_force_are_those_that_a_replay_of_the_log_gives(
    opened: Database, steps: list[tuple[int, int, bool]]
) -> None:
    if not rows(opened, "select 1 from diaries limit 1"):
        fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    while undo_newest(opened, me, token=f"clear-{decisions.last_decision_id(opened)}"):
        pass
    log: list[tuple[int, int]] = []
    for diary_id, label_id, undo in steps:
        token = f"token-{decisions.last_decision_id(opened)}-{len(log)}"
        if undo:
            undo_newest(opened, me, token=token)
            log = log[:-1]
        else:
            _decide(opened, diary_id, me, label_id, token)
            log.append((diary_id, label_id))
    assert {d.diary_id: d.label_id for d in decisions.list_standing(opened, [1, 2, 3])} == dict(log)


def test_the_state_right_after_an_earlier_decision_can_be_looked_at(opened: Database) -> None:
    fill(opened, 8)
    me = annotators.get_or_create_id(opened, "나")
    pool = [int(i) for (i,) in rows(opened, "select id from diaries where part = 'pool' order by id limit 3")]
    first = _decide(opened, pool[0], me, 1, "token-aa")
    _decide(opened, pool[1], me, 2, "token-bb")
    undo_newest(opened, me, token="undo-aaa")
    _decide(opened, pool[0], me, 3, "token-cc")
    assert training_data.list_labelled(opened, part="pool", up_to=first).label_ids.tolist() == [1]
    assert training_data.list_labelled(opened, part="pool").label_ids.tolist() == [3]


def test_a_decision_ends_its_lease(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
    _decide(opened, lease.diary_id, me, 1, lease.token)
    assert queue.list_leases(opened, annotator_id=me, holder="tab") == []


def test_a_decision_may_name_more_than_one_emotion_and_how_strong_it_is(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(1, me, "label", "token-aa", 2, other_label_ids=(5, 3, 5), intensity=4))
    decided = decisions.list_standing(opened, [1])[0]
    assert (decided.label_id, decided.other_label_ids, decided.intensity) == (2, (3, 5), 4)
    assert decisions.list_recent(opened, me, limit=3) == [decided]
    assert decisions.find_undoable(opened, me, token="token-aa") == decided
    assert undo_newest(opened, me, token="undo-aaa")
    assert decisions.find_undone(opened, 1, me) == decided


def test_a_further_emotion_counts_for_what_it_was_merged_into(opened: Database) -> None:
    fill(opened, 4)
    me = annotators.get_or_create_id(opened, "나")
    diary_id = int(rows(opened, "select id from diaries where part = 'pool' limit 1")[0][0])
    decision_id = decisions.add(
        opened, NewDecision(diary_id, me, "label", "token-aa", 2, other_label_ids=(3, 5), intensity=1)
    )
    opened.conn.execute("update labels set merged_into = 2, retired_at = '2026' where id = 3")
    assert decisions.list_standing(opened, [diary_id])[0].other_label_ids == (5,)
    labelled = training_data.list_labelled(opened, part="pool")
    assert [tuple(row) for row in labelled.others.tolist()] == [(decision_id, 2), (decision_id, 5)]


@pytest.mark.parametrize("intensity", [0, 6])
def test_an_intensity_that_there_is_not_leaves_nothing_behind(opened: Database, intensity: int) -> None:
    fill(opened, 2)
    me = annotators.get_or_create_id(opened, "나")
    with pytest.raises(sqlite3.IntegrityError):
        decisions.add(opened, NewDecision(1, me, "label", "token-aa", 2, other_label_ids=(3,), intensity=intensity))
    assert rows(opened, "select * from decision_labels") == []
