from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import db
from db import annotators, decisions, queue
from db.decisions import NewDecision
from db.queue import QueueEntry
from tests.conftest import fill

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
    me = annotators.annotator_id(opened, "나")
    first, second = _claim(opened, me, "tab-1"), _claim(opened, me, "tab-2")
    assert len(first) == len(second) == 3
    assert not set(first) & set(second)


def test_many_browsers_at_once_never_get_the_same_diary(project_path: Path, opened: Database) -> None:
    fill(opened, 60)
    people = [annotators.annotator_id(opened, f"사람 {i}") for i in range(6)]
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
    me, you = (annotators.annotator_id(opened, name) for name in ("나", "너"))
    lease = queue.claim(opened, annotator_id=me, holder="tab-1", limit=1, seconds=-1)[0]
    assert lease.diary_id in _claim(opened, you, "tab-2", limit=3)
    assert decisions.add(opened, NewDecision(lease.diary_id, me, "label", lease.token, 1)) is not None


def test_a_finished_diary_does_not_come_back_to_the_same_person(opened: Database) -> None:
    fill(opened, 5)
    me = annotators.annotator_id(opened, "나")
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
    me, you = (annotators.annotator_id(opened, name) for name in ("나", "너"))
    lease = queue.claim(opened, annotator_id=me, holder="tab-1", limit=1, seconds=60)[0]
    decisions.add(opened, NewDecision(lease.diary_id, me, "skip", lease.token))
    assert _claim(opened, you, "tab-2") == [1]


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_each_diary_is_handed_to_as_many_people_as_the_overlap_asks(opened: Database, overlap: int) -> None:
    fill(opened, 2)
    people = [annotators.annotator_id(opened, f"사람 {i}") for i in range(4)]
    handed = [
        queue.claim(opened, annotator_id=p, holder=f"tab-{p}", limit=2, seconds=60, overlap=overlap) for p in people
    ]
    assert [len(leases) for leases in handed] == [2] * overlap + [0] * (4 - overlap)


def test_the_queue_is_followed_in_its_order_and_an_undone_diary_comes_first(opened: Database) -> None:
    fill(opened, 6)
    me = annotators.annotator_id(opened, "나")
    queue.replace_queue(opened, [QueueEntry(i, "margin", float(i)) for i in (5, 3, 1, 2, 4, 6)], model_id=1)
    assert _claim(opened, me, "tab", limit=2) == [5, 3]
    queue.lease_again(opened, diary_id=6, annotator_id=me, holder="tab", seconds=60)
    assert [lease.diary_id for lease in queue.list_leases(opened, "tab")] == [6, 5, 3]
    assert set(queue.head(opened, 4)) == {6, 5, 3, 1}


def test_giving_back_leaves_what_is_kept(opened: Database) -> None:
    fill(opened, 6)
    me = annotators.annotator_id(opened, "나")
    held = _claim(opened, me, "tab")
    queue.release(opened, "tab", keep=held[:1])
    assert [lease.diary_id for lease in queue.list_leases(opened, "tab")] == held[:1]
