"""Accepting the surest labels at once: those that were seen, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator.review import actions, bulk
from annotator.review.actions import Filter
from annotator.review.excerpts import LENGTH, excerpt
from db import connection
from db.answers import decisions
from db.people import annotators
from tests import reviewed

if TYPE_CHECKING:
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled sixty diaries; the first forty are suspected, the later the less."""
    reviewed.make(opened, 60)
    with connection.write(opened):
        opened.conn.execute("delete from audit_queue")
        opened.conn.executemany(
            "insert into audit_queue values (?, ?, '{\"low_confidence\": 0.9}', '')",
            [(i, 1 - i / 100) for i in range(1, 61)],
        )
    return opened


@pytest.fixture
def me(db: Database) -> int:
    """The reviewer."""
    return annotators.get_or_create_id(db, "검토자")


def _open(db: Database) -> set[int]:
    ids: set[int] = set()
    after = None
    while rows := actions.page(db, Filter(), after=after).rows:
        ids |= {row.diary_id for row in rows}
        after = (rows[-1].expected_error, rows[-1].diary_id)
    return ids


def test_the_surest_come_first_in_steps_and_no_tie_is_among_them(db: Database, me: int) -> None:
    surest = bulk.list_surest(db, Filter(), reviewer_id=me)
    assert [row.diary_id for row in surest.rows] == list(range(60, 10, -1))
    assert surest.steps == (5, 10, 20, 50)
    assert surest.rows[0].expected_error == pytest.approx(0.4)
    assert surest.excerpts.keys() == {row.diary_id for row in surest.rows}
    with connection.write(db):
        db.conn.execute("delete from audit_queue where diary_id > 7")
    few = bulk.list_surest(db, Filter(), reviewer_id=me)
    assert [row.diary_id for row in few.rows] == [7, 6, 5, 4, 2, 1], "two people disagree on 3"
    assert few.steps == (5, 6)
    assert bulk.list_surest(db, Filter(label_id=7), reviewer_id=me).steps == ()


def test_what_was_seen_is_accepted_and_one_undo_takes_it_back(db: Database, me: int) -> None:
    seen = bulk.list_surest(db, Filter(), reviewer_id=me)
    chosen = [row.diary_id for row in seen.rows[:5]]
    assert bulk.accept(db, chosen, reviewer_id=me, seen_decision_id=seen.last_decision_id) == 5
    assert _open(db) == set(range(1, 56))
    assert bulk.accept(db, chosen, reviewer_id=me, seen_decision_id=seen.last_decision_id) == 0
    assert sorted(actions.undo_last(db, me)) == sorted(chosen)
    assert _open(db) == set(range(1, 61))


def test_what_was_decided_since_it_was_seen_stays_open(db: Database, me: int) -> None:
    seen = bulk.list_surest(db, Filter(), reviewer_id=me)
    reviewed.label(db, 60, 7)
    chosen = [row.diary_id for row in seen.rows[:5]]
    assert bulk.accept(db, chosen, reviewer_id=me, seen_decision_id=seen.last_decision_id) == 4
    assert 60 in _open(db)


def test_no_diary_that_was_not_named_is_accepted(db: Database, me: int) -> None:
    up_to = decisions.last_decision_id(db)
    assert bulk.accept(db, [], reviewer_id=me, seen_decision_id=up_to) == 0
    assert bulk.accept(db, [3, 60, 9999], reviewer_id=me, seen_decision_id=up_to) == 1
    assert _open(db) == set(range(1, 60))


def test_a_text_is_shown_as_one_short_line() -> None:
    assert excerpt("가\n 나\t다") == "가 나 다"
    assert excerpt("가" * (LENGTH + 1)) == "가" * LENGTH + "…"
