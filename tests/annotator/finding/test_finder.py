"""Diaries are found by words and filters, page by page, by those who may see them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import accounts, diary_access
from annotator.errors import UserError
from annotator.finding import diary as diary_pages
from annotator.finding import finder, matching, query, sending
from annotator.labelling import board
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db import connection
from db.answers import queue, searched
from db.connection import scalar, write
from db.errors import NotFoundError
from db.people import annotators
from db.texts import care_flags, diaries
from tests import reviewed
from tests.conftest import import_ours
from tests.reviewed import SAD

if TYPE_CHECKING:
    from typing import Any

    from annotator.accounts.diary_access import Actor
    from annotator.finding.finder import Found
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    reviewed.make(opened)
    return opened


def _find(db: Database, actor: Actor | None = None, *, limit: int = 50, **asked: Any) -> Found:
    actor = actor or diary_access.owner(0)
    return finder.find(db, Path(connection.file_of(db)), actor, query.read(asked), limit=limit)


def _ids(db: Database, actor: Actor | None = None, **asked: Any) -> list[int]:
    return [hit.diary_id for hit in _find(db, actor, **asked).hits]


def _member(db: Database, name: str, role: str) -> Actor:
    annotator_id = annotators.get_or_create_id(db, name)
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, ?, '', '')",
            (annotator_id, role),
        )
    return diary_access.person(annotator_id)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"q": "눈물"}, [12, 10, 8, 6, 4, 2]),
        ({"q": "3번째 날"}, [4]),
        ({"q": '"즐거운 하루"', "sort": "id"}, [1, 3, 5, 7, 9, 11]),
        ({"q": "오늘 -슬프"}, [11, 9, 7, 5, 3, 1]),
        ({"label": "슬픔", "q": "기쁘"}, [1]),
        ({"prediction": "슬픔"}, [12, 10, 8, 6, 4, 2]),
        ({"prediction": "슬픔", "p_from": "0.95"}, []),
        ({"differs": "people"}, [3]),
        ({"differs": "model"}, [2, 1]),
        ({"person": "서연"}, [3]),
        ({"memo": "1"}, [1]),
        ({"state": "waiting"}, []),
        ({"state": "decided", "part": "test"}, []),
        ({"longer": "1000"}, []),
        ({"since": "2020-01-01"}, []),
        ({"writer": "아무도"}, []),
        ({"batch": "1", "q": "11번째"}, [12]),
        ({"q": "없는 낱말"}, []),
        ({"q": "🙂"}, []),
    ],
)
def test_words_and_filters_narrow_the_list_down(db: Database, asked: dict[str, str], ids: list[int]) -> None:
    results = _find(db, **asked)
    assert [hit.diary_id for hit in results.hits] == ids
    assert results.count == len(ids)
    assert not results.is_more


def test_a_hit_says_what_is_known_of_the_diary_and_marks_the_words(db: Database) -> None:
    (hit,) = _find(db, q="0번째 -10번째").hits
    start, end = hit.spans[0]
    assert hit.line[start:end] == "0번째"
    assert (hit.state, hit.prediction, hit.probability, hit.part) == ("decided", "행복", 0.9, "pool")
    assert [(answer.name, answer.label) for answer in hit.answers] == [("지민", "슬픔")]
    assert (hit.source, hit.length) == ("12.csv", len(hit.line))


@pytest.mark.parametrize(
    "sort", ["id", "-id", "length", "-probability", "label", "-prediction", "date", "writer", "source"]
)
def test_pages_follow_each_other_without_a_gap_in_any_order(db: Database, sort: str) -> None:
    whole = _ids(db, sort=sort)
    assert sorted(whole) == list(range(1, 13))
    pages: list[int] = []
    after = ""
    for _ in range(4):
        page = _find(db, sort=sort, after=after, limit=5)
        assert page.count == 12
        pages += [hit.diary_id for hit in page.hits]
        after = page.next
        if not after:
            break
    assert pages == whole


def test_pages_of_words_follow_each_other_too(db: Database) -> None:
    first = _find(db, q="눈물", limit=4)
    second = _find(db, q="눈물", limit=4, after=first.next)
    assert [hit.diary_id for hit in (*first.hits, *second.hits)] == [12, 10, 8, 6, 4, 2]
    assert (second.count, second.next) == (6, "")


def test_counting_stops_where_it_would_take_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "COUNTED", 3)
    monkeypatch.setattr(matching, "_AT_A_TIME", 2)
    results = _find(db, q="오늘", limit=2)
    assert (results.count, results.is_more, len(results.hits)) == (3, True, 2)


def test_what_is_covered_is_not_found_by_those_who_may_not_uncover_it(db: Database) -> None:
    with write(db):
        db.conn.execute("update diaries set text = '전화는 010-1234-5678이다.' where id = 5")
    reviewer, administrator = _member(db, "검토자", "reviewer"), _member(db, "관리자", "administrator")
    assert _ids(db, administrator, q="1234") == [5]
    results = _find(db, reviewer, q="1234")
    assert (results.hits, results.count) == ((), 0)
    (hit,) = _find(db, reviewer, q="전화").hits
    assert "1234" not in hit.line


def test_annotators_find_what_they_have_decided_and_nothing_of_others(db: Database) -> None:
    seoyeon = annotators.get_or_create_id(db, "서연")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (seoyeon,),
        )
    me = diary_access.person(seoyeon)
    (hit,) = _find(db, me).hits
    assert hit.diary_id == 3
    assert [answer.name for answer in hit.answers] == ["서연"]
    assert (hit.prediction, hit.probability, hit.part) == (None, None, None)
    assert _ids(db, me, label="행복") == [], "지민's label"
    for name in ("prediction", "person", "part", "differs"):
        with pytest.raises(UserError, match="find_reviewers_only"):
            _find(db, me, **{name: {"prediction": "슬픔", "person": "지민", "part": "test", "differs": "model"}[name]})
    with pytest.raises(UserError, match="find_reviewers_only"):
        _find(db, me, sort="probability")
    with pytest.raises(UserError, match="right_missing"):
        sending.send(db, Path(connection.file_of(db)), me, query.read({}))


def test_annotators_do_not_find_what_is_withheld(db: Database) -> None:
    seoyeon = annotators.get_or_create_id(db, "서연")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (seoyeon,),
        )
    care_flags.flag(db, [3], list_hash="x", up_to=12)
    assert _ids(db, diary_access.person(seoyeon)) == []
    assert _find(db, state="withheld").hits[0].state == "withheld"


def test_the_answer_to_a_test_diary_is_not_told_before_somebody_decides_it(db: Database) -> None:
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id in (4, 6)")
        db.conn.execute("delete from standing where diary_id = 4")
    assert _ids(db, prediction="슬픔") == [12, 10, 8, 6, 2]
    (hit,) = _find(db, state="waiting").hits
    assert (hit.diary_id, hit.prediction) == (4, None)


def test_a_filter_tells_nothing_of_what_is_still_to_be_decided_blind(db: Database) -> None:
    with write(db):
        db.conn.execute("delete from standing where diary_id in (4, 6)")
    assert _ids(db, prediction="슬픔") == [12, 10, 8, 6, 4, 2]
    project_settings.change(db, blind_share=1.0)
    assert _ids(db, prediction="슬픔") == _ids(db, p_from="0.5", prediction="슬픔") == [12, 10, 8, 2]
    in_order = _ids(db, sort="-probability")
    assert set(in_order[-2:]) == {4, 6}, "those without an answer come last"
    reviewed.label(db, 4, SAD)
    assert _ids(db, prediction="슬픔") == [12, 10, 8, 4, 2]


def test_blind_diaries_are_the_same_for_lists_and_for_the_board(db: Database) -> None:
    project_settings.change(db, blind_share=0.5)
    with write(db):
        db.conn.execute("delete from standing")
    settings = project_settings.load(db)
    each = [blinding.is_blind(diaries.get_diary(db, diary_id), settings) for diary_id in range(1, 13)]
    assert blinding.still_blind(db, 12).tolist() == each
    assert 0 < sum(each) < 12


def test_a_diary_that_is_forgotten_is_found_no_more(db: Database) -> None:
    forgetting.forget(db, None, Selection(ids=(12,)))
    assert _ids(db, q="눈물") == [10, 8, 6, 4, 2]
    with pytest.raises(NotFoundError, match="diary_forgotten"):
        _find(db, like="12")


def test_the_nearest_come_first_and_filters_hold(db: Database) -> None:
    results = _find(db, like="1")
    ids = [hit.diary_id for hit in results.hits]
    assert set(ids[:5]) == {3, 5, 7, 9, 11}
    assert 1 not in ids
    assert results.nearness is not None
    assert results.nearness.missing_count == 0
    assert results.nearness.made_at
    assert [hit.diary_id for hit in _find(db, like="1", q="슬프", label="행복").hits] == [2]


def test_diaries_without_a_vector_are_counted(db: Database) -> None:
    import_ours(db, "text\n뒤늦게 온 글이다\n그리고 또 하나", "late.csv")
    results = _find(db, like="1")
    assert results.nearness is not None
    assert results.nearness.missing_count == 2
    with pytest.raises(UserError, match="find_no_vectors"):
        _find(db, like="13")


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "gone"},
        {"since": "gestern"},
        {"p_from": "nan"},
        {"batch": "-1"},
        {"longer": "x"},
        {"sort": "colour"},
        {"sort": "nearness"},
        {"after": "x"},
        {"writer": "가" * 1000},
        {"like_text": "가" * 6000},
    ],
)
def test_values_that_can_not_be_are_said(db: Database, asked: dict[str, str]) -> None:
    with pytest.raises(UserError, match="find_value"):
        _find(db, **asked)


def test_likeness_to_a_diary_and_to_a_text_at_once_is_refused(db: Database) -> None:
    with pytest.raises(UserError, match="find_two_likes"):
        _find(db, like="1", like_text="슬픈 날")


def test_labels_and_people_that_are_not_there_are_said(db: Database) -> None:
    with pytest.raises(UserError, match="find_unknown_label"):
        _find(db, label="없음")
    with pytest.raises(UserError, match="find_unknown_person"):
        _find(db, person="없음")


def test_a_query_reads_back_from_its_address() -> None:
    asked = query.read({"q": "화 -영화", "p_to": "0.5", "memo": "1", "like": "3", "sort": "-date", "foreign": "x"})
    assert query.read(asked.address()) == asked
    assert asked.address() == {"q": "화 -영화", "like": "3", "p_to": "0.5", "memo": "1", "sort": "-date"}


def _waiting(db: Database) -> list[int]:
    with write(db):
        db.conn.execute("delete from standing")
        db.conn.execute("delete from queue")
    queue.append_to_queue(db, range(1, 13), strategy="margin")
    return list(range(1, 13))


def test_what_was_found_is_handed_out_next_and_says_why(db: Database) -> None:
    _waiting(db)
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    sent = sending.send(db, Path(connection.file_of(db)), me, query.read({"q": "눈물", "sort": "id"}))
    assert sent.sent_ids == (2, 4, 6, 8, 10, 12)
    shown = board.load_board(
        db, annotator_id=annotators.get_or_create_id(db, "하나"), holder="tab", language="ko", with_repeats=False
    )
    assert [item["diary_id"] for item in shown.items] == [2, 4, 6, 8, 10, 12]
    assert shown.items[0]["why"].startswith("누군가 ‘눈물’을 찾아서 보낸 일기예요.")
    assert scalar(db, "select action from audit_log order by id desc") == "find.send"


def test_a_decision_on_a_searched_diary_is_neither_random_nor_chosen_by_the_model(db: Database) -> None:
    _waiting(db)
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    sending.send(db, Path(connection.file_of(db)), me, query.read({"q": "3번째"}))
    reviewed.label(db, 4, SAD, name="하나")
    assert scalar(db, "select asked_by from decisions order by id desc limit 1") == searched.STRATEGY


def test_test_diaries_and_those_drawn_at_random_stay_where_they_are(db: Database) -> None:
    _waiting(db)
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id = 2")
        db.conn.execute("update queue set strategy = 'random' where diary_id in (4, 2)")
        db.conn.execute("insert or replace into settings (key, value) values ('queue_ranked_by', '1')")
    reviewed.label(db, 6, SAD, name="하나")
    before = dict(db.conn.execute("select diary_id, place from queue").fetchall())
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    sent = sending.send(db, Path(connection.file_of(db)), me, query.read({"q": "눈물"}))
    assert (sent.sent_ids, sent.test_count, sent.drawn_count, sent.decided_count) == ((12, 10, 8), 1, 1, 1)
    after = dict(db.conn.execute("select diary_id, place from queue").fetchall())
    assert {i for i in before if before[i] != after[i]} == {8, 10, 12}


def test_a_new_order_of_the_queue_keeps_what_was_sent_first(db: Database) -> None:
    _waiting(db)
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    sending.send(db, Path(connection.file_of(db)), me, query.read({"q": "11번째"}))
    model_id = int(scalar(db, "select max(id) from models"))
    queue.replace_queue(db, [queue.QueueEntry(i, "margin", 0.5) for i in (1, 12, 3)], model_id=model_id)
    ordered = db.conn.execute("select diary_id, strategy from queue order by place").fetchall()
    assert ordered == [(12, "searched"), (1, "margin"), (3, "margin")]


def test_no_more_than_the_share_comes_from_searches(db: Database) -> None:
    _waiting(db)
    project_settings.change(db, searched_share=0.5)
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    sending.send(db, Path(connection.file_of(db)), me, query.read({"q": "눈물"}))
    rules = board.rules_of(project_settings.load(db))
    held = queue.claim(
        db, annotator_id=annotators.get_or_create_id(db, "하나"), holder="t", limit=6, seconds=60, rules=rules
    )
    assert [lease.strategy for lease in held].count("searched") == 3


def test_accounts_decide_what_is_open(db: Database) -> None:
    assert accounts.has_any(db) is False
    closed = _member(db, "닫힘", "reviewer")
    with write(db):
        db.conn.execute("update accounts set disabled_at = '2026-01-01' where annotator_id = ?", (closed.annotator_id,))
    with pytest.raises(UserError, match="right_missing"):
        _find(db, closed)


def test_a_label_from_a_diarys_page_counts_as_searched_for_and_says_what_was_shown(db: Database) -> None:
    with write(db):
        db.conn.execute("delete from standing where diary_id in (4, 6)")
        db.conn.execute("update diaries set part = 'test' where id = 6")
    me = diary_access.owner(annotators.get_or_create_id(db, "검토자"))
    page = diary_pages.read(db, Path(connection.file_of(db)), me, 4, "ko")
    assert page.shown is not None
    assert page.acts == {"label", "send", "care", "forget"}
    assert [(version, label) for version, label, _ in page.versions] == [(0, "슬픔")]
    diary_pages.label(db, me, 4, SAD, shown=page.shown)
    newest = db.conn.execute("select asked_by, shown_label_id from decisions order by id desc").fetchone()
    assert newest == (searched.STRATEGY, SAD)
    assert "label" not in diary_pages.read(db, Path(connection.file_of(db)), me, 6, "ko").acts
    with pytest.raises(UserError, match="find_test_undecided"):
        diary_pages.label(db, me, 6, SAD, shown=None)
