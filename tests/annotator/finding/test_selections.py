"""Selections that a link carries: found again, the same for the same diaries, without what was forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import finder, matching, query, selections, sending
from annotator.labelling import reasons
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db import connection
from db.connection import scalar, write
from db.people import annotators
from db.search import selections as stored
from tests import reviewed

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    reviewed.make(opened)
    return opened


@pytest.fixture
def me(db: Database) -> Actor:
    return diary_access.owner(annotators.get_or_create_id(db, "지민"))


def _ids(db: Database, actor: Actor, **asked: object) -> list[int]:
    results = finder.find(db, Path(connection.file_of(db)), actor, query.read(asked))
    return [hit.diary_id for hit in results.hits]


def test_a_selection_is_found_again_and_combines_with_words(db: Database, me: Actor) -> None:
    number = selections.keep(db, me, [2, 3, 8])
    assert _ids(db, me, selection=str(number)) == [8, 3, 2]
    assert _ids(db, me, selection=str(number), q="눈물") == [8, 2]
    assert query.read({"selection": str(number)}).address() == {"selection": str(number)}


def test_the_same_diaries_are_kept_once(db: Database, me: Actor) -> None:
    assert selections.keep(db, me, [2, 3]) == selections.keep(db, me, [3, 2, 2])
    assert selections.keep(db, me, [2, 4]) != selections.keep(db, me, [2, 3])
    assert scalar(db, "select count(*) from selected") == 4


def test_what_is_forgotten_goes_from_it_and_what_is_gone_does_not_come_in(db: Database, me: Actor) -> None:
    number = selections.keep(db, me, [2, 3])
    forgetting.forget(db, None, Selection(ids=(3,)))
    assert _ids(db, me, selection=str(number)) == [2]
    assert _ids(db, me, selection=str(selections.keep(db, me, [3, 5]))) == [5]
    assert scalar(db, "select count(*) from selected where diary_id = 3") == 0


def test_a_number_that_is_none_says_so(db: Database, me: Actor) -> None:
    with pytest.raises(UserError) as raised:
        _ids(db, me, selection="77")
    assert raised.value.code == "find_selection_gone"


def test_nothing_and_too_much_are_no_selection(db: Database, me: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "MOST", 3)
    for ids, code in (([], "find_selection_empty"), ([1, 2, 3, 4], "find_selection_large")):
        with pytest.raises(UserError) as raised:
            selections.keep(db, me, ids)
        assert raised.value.code == code


def test_the_oldest_give_way(db: Database, me: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_ROWS", 5)
    first, second = selections.keep(db, me, [1, 2, 3]), selections.keep(db, me, [4, 5])
    third = selections.keep(db, me, [6, 7, 8, 9, 10, 11])
    assert [stored.is_numbered(db, number) for number in (first, second, third)] == [False, False, True]
    with pytest.raises(UserError, match="find_selection_gone"):
        _ids(db, me, selection=str(first))
    assert _ids(db, me, selection=str(third)) == [11, 10, 9, 8, 7, 6]


def test_only_reviewers_select_and_ask_for_selections(db: Database, me: Actor) -> None:
    number = selections.keep(db, me, [1])
    annotator_id = annotators.get_or_create_id(db, "서연")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (annotator_id,),
        )
    with pytest.raises(UserError, match="right_missing"):
        selections.keep(db, diary_access.person(annotator_id), [1])
    with pytest.raises(UserError, match="find_reviewers_only"):
        _ids(db, diary_access.person(annotator_id), selection=str(number))


def test_those_who_get_them_read_that_they_come_from_the_map(db: Database, me: Actor) -> None:
    with write(db):
        db.conn.execute("delete from standing where diary_id = 12")
    number = selections.keep(db, me, [11, 12])
    sent = sending.send(db, Path(connection.file_of(db)), me, query.read({"selection": str(number)}))
    assert sent.sent_ids == (12,)
    assert "지도" in reasons._by_search({"selection": str(number)}, "ko")


def test_all_hits_are_those_of_the_list(db: Database, me: Actor) -> None:
    path = Path(connection.file_of(db))
    for asked in ({}, {"q": "눈물"}, {"label": "슬픔", "q": "기쁘"}, {"like": "4"}, {"prediction": "행복"}):
        matches = matching.find_all(db, path, me, query.read(asked))
        assert sorted(_ids(db, me, **asked)) == [i + 1 for i, hit in enumerate(matches.mask) if hit], asked
        assert not matches.is_more


def test_of_many_texts_to_compare_the_first_are_and_it_is_said(
    db: Database, me: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "MOST_COMPARED", 3)
    matches = matching.find_all(db, Path(connection.file_of(db)), me, query.read({"q": "오늘"}))
    assert matches.is_more
    assert matches.mask.sum() == 3
