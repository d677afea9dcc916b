from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import db
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.answers.queue import QueueEntry, Rules
from db.connection import rows
from db.people import annotators
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database


def _claim(opened: Database, annotator_id: int, holder: str, limit: int = 3, seconds: float = 60) -> list[int]:
    return [
        lease.diary_id
        for lease in queue.claim(opened, annotator_id=annotator_id, holder=holder, limit=limit, seconds=seconds)
    ]


def test_two_browsers_never_get_the_same_diary(opened: Database) -> None:
    fill(opened, 10)
    me = annotators.get_or_create_id(opened, "나")
    first, second = _claim(opened, me, "tab-1"), _claim(opened, me, "tab-2")
    assert len(first) == len(second) == 3
    assert not set(first) & set(second)


def test_many_browsers_at_once_never_get_the_same_diary(project_path: Path, opened: Database) -> None:
    fill(opened, 60)
    people = [annotators.get_or_create_id(opened, f"사람 {i}") for i in range(6)]
    got: list[list[int]] = []

    def claim_all(annotator_id: int) -> None:
        with closing(db.connect(project_path)) as mine:
            for turn in range(5):
                claimed = _claim(mine, annotator_id, f"tab-{annotator_id}-{turn}", limit=2)
                got.append(claimed)

    threads = [threading.Thread(target=claim_all, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handed = [diary_id for diary_ids in got for diary_id in diary_ids]
    assert len(handed) == len(set(handed)) == 60


def test_a_lease_that_ran_out_goes_to_the_next_and_its_decision_is_still_kept(opened: Database) -> None:
    fill(opened, 3)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    lease = queue.claim(opened, annotator_id=me, holder="tab-1", limit=1, seconds=-1)[0]
    assert lease.diary_id in _claim(opened, you, "tab-2", limit=3)
    assert decisions.add(opened, NewDecision(lease.diary_id, me, "label", lease.token, 1)) is not None


def test_a_finished_diary_does_not_come_back_to_the_same_person(opened: Database) -> None:
    fill(opened, 5)
    me = annotators.get_or_create_id(opened, "나")
    seen = []
    for kind in ("label", "skip", "flag", "label", "skip"):
        lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
        seen.append(lease.diary_id)
        label_id = 1 if kind == "label" else None
        decisions.add(opened, NewDecision(lease.diary_id, me, kind, lease.token, label_id))  # type: ignore[arg-type]
    assert sorted(seen) == [1, 2, 3, 4, 5]
    assert _claim(opened, me, "tab") == []


def test_a_skipped_diary_goes_to_somebody_else(opened: Database) -> None:
    fill(opened, 1)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    lease = queue.claim(opened, annotator_id=me, holder="tab-1", limit=1, seconds=60)[0]
    decisions.add(opened, NewDecision(lease.diary_id, me, "skip", lease.token))
    assert _claim(opened, you, "tab-2") == [1]


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_each_diary_is_handed_to_as_many_people_as_the_overlap_asks(opened: Database, overlap: int) -> None:
    fill(opened, 2)
    people = [annotators.get_or_create_id(opened, f"사람 {i}") for i in range(4)]
    handed = [
        queue.claim(opened, annotator_id=p, holder=f"tab-{p}", limit=2, seconds=60, rules=Rules(overlap=overlap))
        for p in people
    ]
    assert [len(leases) for leases in handed] == [2] * overlap + [0] * (4 - overlap)


def test_the_queue_is_followed_in_its_order_and_an_undone_diary_comes_first(opened: Database) -> None:
    fill(opened, 6)
    me = annotators.get_or_create_id(opened, "나")
    queue.replace_queue(opened, [QueueEntry(i, "margin", float(i)) for i in (5, 3, 1, 2, 4, 6)], model_id=1)
    assert _claim(opened, me, "tab", limit=2) == [5, 3]
    queue.lease_again(opened, diary_id=6, annotator_id=me, holder="tab", seconds=60)
    assert [lease.diary_id for lease in queue.list_leases(opened, annotator_id=me, holder="tab")] == [6, 5, 3]
    assert set(queue.list_head(opened, 4)) == {6, 5, 3, 1}


def test_what_is_on_a_screen_comes_before_what_others_hold_in_reserve(opened: Database) -> None:
    fill(opened, 12)
    me, other = (annotators.get_or_create_id(opened, name) for name in ("나", "동생"))
    first = _claim(opened, me, "tab")
    for diary_id in first[:2]:  # later slots than those of a tab that was opened later
        token = next(
            x.token for x in queue.list_leases(opened, annotator_id=me, holder="tab") if x.diary_id == diary_id
        )
        decisions.add(opened, NewDecision(diary_id, me, "label", token, 1))
    second = _claim(opened, other, "other")
    assert set(queue.list_held(opened, 1)) == {first[2], second[0]}
    assert set(queue.list_head(opened, 2)) == {first[2], second[0]}
    assert set(queue.list_held(opened)) == {*first[2:], *second}


def test_giving_back_leaves_what_is_kept(opened: Database) -> None:
    fill(opened, 6)
    me = annotators.get_or_create_id(opened, "나")
    held = _claim(opened, me, "tab")
    queue.release(opened, annotator_id=me, holder="tab", keep=held[:1])
    assert [lease.diary_id for lease in queue.list_leases(opened, annotator_id=me, holder="tab")] == held[:1]


def test_only_the_share_of_the_overlap_goes_to_several_people(opened: Database) -> None:
    fill(opened, 60)
    people = [annotators.get_or_create_id(opened, f"사람 {i}") for i in range(3)]
    rules = Rules(overlap=3, overlap_share=0.4)
    handed = [
        lease.diary_id
        for person in people
        for lease in queue.claim(opened, annotator_id=person, holder=f"tab-{person}", limit=60, seconds=60, rules=rules)
    ]
    shared = {i for (i,) in rows(opened, "select id from diaries where draw % 9973 < 0.4 * 9973")}
    assert 10 < len(shared) < 40
    assert {i for i in handed if handed.count(i) == 3} == shared
    assert sorted(set(handed)) == list(range(1, 61))


@pytest.mark.parametrize("rules", [Rules(), Rules(overlap=2), Rules(overlap=2, overlap_share=0.5)], ids=str)
def test_what_is_left_follows_the_overlap(opened: Database, rules: Rules) -> None:
    fill(opened, 40)
    people = [annotators.get_or_create_id(opened, f"사람 {i}") for i in range(3)]
    for person in people * 2:
        left = queue.count_open(opened, person, rules)
        leases = queue.claim(opened, annotator_id=person, holder="tab", limit=40, seconds=60, rules=rules)
        queue.release(opened, annotator_id=person, holder="tab")
        assert left == len(leases)
        for lease in leases[:5]:
            kind = "skip" if lease.diary_id % 3 == 0 else "flag"
            decisions.add(opened, NewDecision(lease.diary_id, person, kind, lease.token))  # type: ignore[arg-type]


def test_a_round_does_not_take_diaries_out_that_wait_for_another_person(opened: Database) -> None:
    fill(opened, 6)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    rules = Rules(overlap=2)
    first = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60, rules=rules)[0]
    decisions.add(opened, NewDecision(first.diary_id, me, "label", first.token, 1))
    others = [i for i in range(1, 7) if i != first.diary_id]
    queue.replace_queue(opened, [QueueEntry(i, "margin", 0.5) for i in others], model_id=1)
    handed = queue.claim(opened, annotator_id=you, holder="other", limit=2, seconds=60, rules=rules)
    assert [lease.diary_id for lease in handed] == [first.diary_id, others[0]]


def test_diaries_that_need_nobody_any_more_leave_the_queue_and_an_undo_brings_them_back(opened: Database) -> None:
    fill(opened, 5)
    me = annotators.get_or_create_id(opened, "나")
    queue.replace_queue(opened, [QueueEntry(i, "margin", 0.5) for i in range(1, 6)], model_id=1)
    lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
    decisions.add(opened, NewDecision(lease.diary_id, me, "label", lease.token, 1))
    queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)
    assert rows(opened, "select diary_id from queue where diary_id = 1") == []
    undo_newest(opened, me, token="undo-aaa")
    queue.lease_again(opened, diary_id=1, annotator_id=me, holder="tab", seconds=60)
    back = queue.list_leases(opened, annotator_id=me, holder="tab")[0]
    assert (back.diary_id, back.strategy) == (1, "margin"), "and it is known why it was asked for"


def test_when_the_overlap_is_raised_decided_diaries_are_asked_for_again(opened: Database) -> None:
    fill(opened, 5)
    me = annotators.get_or_create_id(opened, "나")
    for _ in range(5):
        lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)[0]
        decisions.add(opened, NewDecision(lease.diary_id, me, "label", lease.token, 1))
    queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60)
    assert queue.list_unqueued_ids(opened, limit=9) == []
    assert sorted(queue.list_unqueued_ids(opened, limit=9, rules=Rules(overlap=2))) == [1, 2, 3, 4, 5]


def test_what_a_person_holds_is_given_back_and_what_they_press_still_counts(opened: Database) -> None:
    fill(opened, 9)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    lease = queue.claim(opened, annotator_id=me, holder="tab-1", limit=3, seconds=60)[0]
    _claim(opened, me, "tab-2")
    kept = _claim(opened, you, "tab-3")
    assert queue.release_person(opened, me) == 6
    assert _claim(opened, you, "tab-3", limit=0) == kept
    assert lease.diary_id in _claim(opened, you, "tab-3", limit=9)
    assert decisions.add(opened, NewDecision(lease.diary_id, me, "label", lease.token, 1)) is not None


def test_two_people_who_save_the_same_diary_at_the_same_moment_are_both_kept(
    project_path: Path, opened: Database
) -> None:
    fill(opened, 2)
    people = [annotators.get_or_create_id(opened, name) for name in ("나", "너")]
    together = threading.Barrier(2)

    def save(annotator_id: int) -> None:
        with closing(db.connect(project_path)) as mine:
            together.wait()
            decisions.add(mine, NewDecision(1, annotator_id, "label", f"token-{annotator_id}-a", annotator_id % 7 + 1))

    threads = [threading.Thread(target=save, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(d.annotator_id for d in decisions.list_standing(opened, [1])) == sorted(people)
