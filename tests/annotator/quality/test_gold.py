"""Gold diaries from the review page: the label in force for the answer, taken back by the same press."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator.accounts.permissions import Person
from annotator.errors import UserError
from annotator.quality import gold
from annotator.review import case
from db import connection
from db.answers import gold as kept
from db.people import audit_log
from tests import reviewed
from tests.reviewed import SAD

if TYPE_CHECKING:
    from db import Database

LEAD = Person(1, "나", "reviewer", is_solo=False)


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, the first as sad."""
    reviewed.make(opened)
    return opened


def test_the_label_in_force_becomes_the_answer_and_the_same_press_takes_it_back(db: Database) -> None:
    answer = gold.toggle(db, 1, person=LEAD)
    assert answer is not None
    assert answer.id == SAD
    assert [(entry.diary_id, entry.label_id) for entry in kept.list_gold(db)] == [(1, SAD)]
    assert case.read(db, Path(connection.file_of(db)), 1, "ko", reviewer_id=1).is_gold
    assert not case.read(db, Path(connection.file_of(db)), 2, "ko", reviewer_id=1).is_gold
    assert gold.toggle(db, 1, person=LEAD) is None
    assert kept.list_gold(db) == []
    assert [entry.action for entry in audit_log.list_entries(db)][:2] == ["gold.remove", "gold.add"]


def test_an_annotator_and_a_diary_without_a_label_are_refused(db: Database) -> None:
    with pytest.raises(UserError) as raised:
        gold.toggle(db, 1, person=Person(2, "지민", "annotator", is_solo=False))
    assert raised.value.code == "right_missing"
    with connection.write(db):
        db.conn.execute("delete from standing where diary_id = 1")
    with pytest.raises(UserError) as raised:
        gold.toggle(db, 1, person=LEAD)
    assert raised.value.code == "gold_undecided"
