from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator.review import actions
from annotator.review import case as review_case
from annotator.review.actions import ReviewAction
from db import connection
from db.answers import decisions
from db.people import annotators
from db.review import reviews
from tests import reviewed
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from annotator.review.case import Case
    from db import Database


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    reviewed.make(opened)
    return opened


def _read(db: Database, diary_id: int) -> Case:
    return review_case.read(db, Path(connection.file_of(db)), diary_id, "ko", reviewer_id=1)


def test_a_case_says_why_it_is_there_and_who_said_what(db: Database) -> None:
    case = _read(db, 1)
    assert case.why[0].startswith("모델은 슬픔이 맞을 가능성을 2%로 봐요")
    assert [(vote["name"], vote["label"], vote["memo"]) for vote in case.votes] == [("지민", "슬픔", "왠지 그랬다")]
    assert case.given_id == SAD
    disputed = _read(db, 3)
    assert any("행복 1, 중립 1" in sentence for sentence in disputed.why)


def test_private_text_is_masked_here_and_in_similar_diaries(db: Database) -> None:
    with connection.write(db):
        db.conn.execute("update diaries set text = '전화는 010-1234-5678이다.' where id in (1, 3, 5, 7, 9, 11)")
    case = _read(db, 1)
    assert "1234" not in case.item["text"]
    assert len(case.item["text"]) == len("전화는 010-1234-5678이다.")
    assert case.similar
    assert all("1234" not in near["text"] for near in case.similar)


def test_the_three_most_similar_decided_diaries_stand_beside_it(db: Database) -> None:
    for taken_back in (3, 5):
        for decision in decisions.list_standing(db, [taken_back]):
            assert decisions.undo(db, decision.id, token=f"undo-{decision.id}")
    near = _read(db, 1).similar
    assert len(near) == 3
    assert all(neighbour["diary_id"] % 2 == 1 for neighbour in near), "the same mood"
    assert not {neighbour["diary_id"] for neighbour in near} & {1, 3, 5}, "neither itself nor undecided ones"


def test_what_is_written_about_the_pair_is_shown_and_otherwise_both_definitions(db: Database) -> None:
    guide = _read(db, 1).guide
    assert guide is not None
    assert [told["label"] for told in guide["definitions"]] == ["슬픔", "행복"]
    me = annotators.get_or_create_id(db, "지민")
    with connection.write(db):
        db.conn.execute(
            "insert into guidelines (label_id, other_label_id, text, examples, annotator_id, written_at)"
            " values (2, 5, '눈물만 보고 정하지 말아요', '[\"기뻐서 울었다\"]', ?, '')",
            (me,),
        )
    guide = _read(db, 1).guide
    assert guide is not None
    assert (guide["text"], guide["examples"], guide["definitions"]) == (
        "눈물만 보고 정하지 말아요",
        ["기뻐서 울었다"],
        [],
    )


def test_the_history_holds_decisions_reviews_and_undos_in_their_order(db: Database) -> None:
    me = annotators.get_or_create_id(db, "검토자")
    actions.apply(
        db, ReviewAction("label", 1, reviews.get_revision(db, 1), HAPPY, comment="기쁘다고 했어요"), reviewer_id=me
    )
    actions.undo_last(db, me)
    said = [moment["said"] for moment in _read(db, 1).moments]
    assert said[0] == "지민 님이 슬픔을 골랐어요"
    assert {"검토자 님이 행복으로 고쳤어요", "검토자 님이 고친 것을 되돌렸어요"} <= set(said)
    assert said[-1] in ("검토자 님이 행복을 되돌렸어요", "검토자 님이 고친 것을 되돌렸어요")
    assert "기쁘다고 했어요" in [moment["words"] for moment in _read(db, 1).moments]


def test_what_holds_on_a_diary_is_said_with_the_comment(db: Database) -> None:
    me = annotators.get_or_create_id(db, "검토자")
    actions.apply(db, ReviewAction("return", 1, reviews.get_revision(db, 1), comment="<i>다시</i>"), reviewer_id=me)
    standing = _read(db, 1).standing
    assert standing is not None
    assert (standing["kind"], standing["comment"]) == ("return", "<i>다시</i>")


def test_what_the_model_thinks_of_a_test_diary_is_hidden(db: Database) -> None:
    with connection.write(db):
        db.conn.execute("update diaries set part = 'test' where id = 3")
    case = _read(db, 3)
    assert case.item["blind"]
    assert (case.item["prediction"], case.item["explanation"]) == (None, None)


def test_without_vectors_or_labels_a_case_can_still_be_read(db: Database, tmp_path: Path) -> None:
    for decision in decisions.list_standing(db, [1]):
        assert decisions.undo(db, decision.id, token="undo-1")
    case = review_case.read(db, tmp_path / "elsewhere" / "x.db", 1, "en", reviewer_id=1)
    assert (case.similar, case.guide, case.votes, case.given_id) == ((), None, (), None)
