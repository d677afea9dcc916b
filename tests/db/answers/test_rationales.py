from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from db.answers import rationales
from db.answers.rationales import NewRationale
from db.people import annotators
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

WORD = (7, 10)
"""Characters of 오늘은 in the diaries that `fill` makes."""


@pytest.fixture
def pool(opened: Database) -> Database:
    """Ten diaries; the last two are test diaries."""
    fill(opened, 10)
    opened.conn.execute("update diaries set part = case when id > 8 then 'test' else 'pool' end")
    opened.conn.commit()
    return opened


def _mark(db: Database, diary_id: int, verdict: Any, *, name: str = "나", label_id: int = 5, **values: Any) -> int:
    me = annotators.get_or_create_id(db, name)
    token = values.get("token", f"mark-{rationales.last_rationale_id(db)}")
    start, end = values.get("span", WORD)
    added = rationales.add(db, NewRationale(diary_id, me, label_id, start, end, verdict, token))
    return added or 0


def _standing(db: Database, diary_id: int, name: str = "나") -> list[tuple[int, int, str]]:
    marks = rationales.list_standing(db, diary_id, annotators.get_or_create_id(db, name))
    return [(mark.start, mark.end, mark.verdict) for mark in marks]


def test_the_newest_mark_of_a_word_counts_and_others_stay(pool: Database) -> None:
    _mark(pool, 1, "right", span=(11, 13))
    _mark(pool, 1, "right")
    _mark(pool, 1, "wrong")
    assert _standing(pool, 1) == [(7, 10, "wrong"), (11, 13, "right")]


def test_a_mark_that_is_taken_back_is_gone_and_can_come_again(pool: Database) -> None:
    _mark(pool, 1, "wrong")
    _mark(pool, 1, "none")
    assert _standing(pool, 1) == []
    _mark(pool, 1, "right")
    assert _standing(pool, 1) == [(7, 10, "right")]


def test_marks_of_others_are_their_own(pool: Database) -> None:
    _mark(pool, 1, "wrong")
    _mark(pool, 1, "none", name="너")
    assert _standing(pool, 1) == [(7, 10, "wrong")]
    assert _standing(pool, 1, "너") == []


def test_the_same_press_again_changes_nothing(pool: Database) -> None:
    assert _mark(pool, 1, "wrong", token="token-a")
    _mark(pool, 1, "right", token="token-b")
    assert not _mark(pool, 1, "wrong", token="token-a")
    assert _standing(pool, 1) == [(7, 10, "right")]


def test_training_sees_the_state_that_it_asks_for_and_no_test_diary(pool: Database) -> None:
    first = _mark(pool, 1, "wrong")
    _mark(pool, 9, "wrong")
    _mark(pool, 2, "right")
    newest = _mark(pool, 1, "none")
    assert [m.diary_id for m in rationales.list_training(pool, up_to=newest, limit=9)] == [2]
    assert [m.diary_id for m in rationales.list_training(pool, up_to=newest - 1, limit=9)] == [1, 2]
    assert [m.id for m in rationales.list_training(pool, up_to=first, limit=9)] == [first]
    assert [m.diary_id for m in rationales.list_training(pool, up_to=newest - 1, limit=1)] == [2]


def test_words_marked_since_a_round_are_counted_once_and_without_the_test_part(pool: Database) -> None:
    known = _mark(pool, 1, "wrong")
    assert rationales.count_since(pool, known) == 0
    _mark(pool, 1, "right")
    _mark(pool, 1, "none")
    _mark(pool, 1, "wrong", name="너")
    _mark(pool, 9, "wrong")
    assert rationales.count_since(pool, known) == 2
    assert rationales.count_since(pool, 0) == 2


@pytest.mark.parametrize("statement", ["update rationales set verdict = 'none'", "delete from rationales"])
def test_marks_are_only_added_to(pool: Database, statement: str) -> None:
    _mark(pool, 1, "wrong")
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        pool.conn.execute(statement)
