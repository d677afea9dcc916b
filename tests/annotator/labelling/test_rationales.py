"""Marks arrive by the same road as decisions: once, checked, and with a sentence where they can't be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from annotator import settings
from annotator.accounts.permissions import machine_owner
from annotator.errors import UserError
from annotator.importing import import_file
from annotator.labelling import board as labelling
from annotator.labelling import rationales
from annotator.labelling.decisions import receive
from annotator.labelling.rationales import MarkedWord
from annotator.messages import explain
from db.errors import NotFoundError
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from annotator.labelling.decisions import Receipt
    from db import Database

TAB = "tab-0001"
MARK = {"seq": 1, "kind": "rationale", "token": "mark-0001", "diary_id": 1, "span": [7, 10], "verdict": "wrong"}


@pytest.fixture
def me(opened: Database) -> int:
    fill(opened, 4)
    return annotators.get_or_create_id(opened, "나")


def _send(db: Database, me: int, acked: int = 0, **values: Any) -> Receipt:
    return receive(db, {**MARK, "label_id": 5, **values}, annotator_id=me, holder=TAB, acked=acked)


def test_a_mark_is_kept_and_comes_back_with_its_diary(opened: Database, me: int) -> None:
    board = labelling.load_board(opened, annotator_id=me, holder=TAB, language="ko")
    shown = board.items[0]["diary_id"]
    assert board.items[0]["rationales"] == []
    assert _send(opened, me, diary_id=shown).refused is None
    board = labelling.load_board(opened, annotator_id=me, holder=TAB, language="ko")
    assert board.items[0]["rationales"] == [{"span": [7, 10], "verdict": "wrong", "label_id": 5}]
    assert board.items[1]["rationales"] == []


def test_a_mark_decides_nothing_and_leaves_the_diary_where_it_is(opened: Database, me: int) -> None:
    before = labelling.load_board(opened, annotator_id=me, holder=TAB, language="ko")
    _send(opened, me, diary_id=before.items[0]["diary_id"])
    after = labelling.load_board(opened, annotator_id=me, holder=TAB, language="ko")
    assert [i["token"] for i in after.items] == [i["token"] for i in before.items]
    assert (after.mine, after.recent) == (0, [])


def test_a_mark_that_is_sent_again_counts_once(opened: Database, me: int) -> None:
    assert _send(opened, me).acked == 1
    _send(opened, me, acked=1, seq=2, token="mark-0002", verdict="none")
    for acked in (0, 2):
        assert _send(opened, me, acked=acked).refused is None
    assert rationales.list_for_diary(opened, 1, annotator_id=me) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"span": [7, 999]}, "rationale_outside"),
        ({"span": [6, 7]}, "rationale_outside"),  # a space
        ({"label_id": 99}, "label_unknown"),
        ({"diary_id": 99}, "diary_missing"),
        ({"model_id": 99}, "model_missing"),
        ({"label_id": None}, "event_broken"),
        ({"diary_id": None}, "event_broken"),
        ({"span": None}, "event_broken"),
        ({"verdict": None}, "event_broken"),
    ],
)
def test_what_can_never_be_kept_is_refused_with_a_sentence(
    opened: Database, me: int, wrong: dict[str, Any], code: str
) -> None:
    receipt = _send(opened, me, **wrong)
    assert isinstance(receipt.refused, UserError | NotFoundError)
    assert (receipt.acked, receipt.refused.code) == (1, code)
    assert explain(receipt.refused, "ko")
    assert rationales.list_for_diary(opened, 1, annotator_id=me) == []


def test_a_report_names_the_words_of_its_spans(opened: Database, me: int) -> None:
    round_id = rounds.request_round(opened, annotator_id=me)
    rounds.set_model(opened, round_id, models.add_model(opened, models.NewModel("instant", "b", "h", (1,), b"", {})))
    told = {"diary_id": 1, "span": [7, 10], "label_id": 5, "verdict": "wrong", "before": 0.8, "after": -0.1}
    rounds.end(opened, round_id, status="done", report={"rationales": [told]})
    (word,) = rationales.list_for_round(opened, rounds.get_round(opened, round_id), person=machine_owner())
    assert word == MarkedWord(1, "오늘은", "슬픔", "wrong", 0.8, -0.1)
    assert word.came_nearer_to_nothing
    assert not MarkedWord(1, "오늘은", "슬픔", "wrong", None, 0.0).came_nearer_to_nothing


def test_what_is_masked_on_the_board_is_masked_in_a_report(opened: Database, me: int) -> None:
    text = "오늘은 김민서 씨에게 010-7788-9911로 전화해서 minseo@example.com 주소를 물었다."
    import_file(opened, f"text\n{text}\n".encode(), "b.csv")
    diary_id = diaries.last_diary_id(opened)
    round_id = rounds.request_round(opened, annotator_id=me)
    told = {
        "diary_id": diary_id,
        "span": [0, len(text)],
        "label_id": 5,
        "verdict": "right",
        "before": 0.8,
        "after": 0.9,
    }
    rounds.end(opened, round_id, status="done", report={"rationales": [told]})
    settings.change(opened, mask=True, mask_names=True)
    (word,) = rationales.list_for_round(opened, rounds.get_round(opened, round_id), person=machine_owner())
    assert not any(private in word.word for private in ("김민서", "7788", "9911", "minseo", "example"))
    assert len(word.word) == len(text)


def test_a_round_before_there_were_marks_has_none(opened: Database, me: int) -> None:
    round_id = rounds.request_round(opened, annotator_id=me)
    assert rationales.list_for_round(opened, rounds.get_round(opened, round_id), person=machine_owner()) == []
