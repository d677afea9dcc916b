"""Presses are kept once, diaries come in order, and nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db as database
from annotator import project
from annotator import settings as project_settings
from annotator.importing import import_file
from annotator.label_sets import editing
from annotator.labelling import board as labelling
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling.board import LOOKAHEAD, Board
from annotator.labelling.decisions import receive
from annotator.labelling.queueing import enqueue_import
from annotator.labelling.waiting import Wait
from db.answers import decisions, queue
from db.answers.imported_decisions import NewVote, Rules, VotePlacer
from db.connection import rows, scalar, write
from db.errors import DatabaseError
from db.models import explanations, models, predictions
from db.people import annotators
from db.texts import diaries
from learner.text.units import eojeol
from tests.conftest import fill

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.labelling.decisions import Receipt
    from db import Database

TAB = "tab-0001"


class Tab:
    """A browser tab of one person: it numbers its presses and sends them."""

    def __init__(self, db: Database, name: str = "나", holder: str = TAB) -> None:
        self.db, self.holder = db, holder
        self.annotator_id = annotators.get_or_create_id(db, name)
        self.acked = self.seq = 0
        self.model_id: int | None = None

    def board(self) -> Board:
        shown = labelling.load_board(
            self.db,
            annotator_id=self.annotator_id,
            holder=self.holder,
            language="ko",
            shown_model_id=self.model_id,
        )
        self.model_id = shown.model_id
        return shown

    def make(self, kind: str, item: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
        self.seq += 1
        token = item["token"] if item else f"undo-{self.holder}-{self.seq}"
        raw = {"seq": self.seq, "kind": kind, "token": token, "diary_id": item and item["diary_id"]}
        if kind == "undo":
            recent = labelling_decisions.list_recent(self.db, self.annotator_id, limit=1)
            raw["undoes"] = recent[0].token if recent else "nothing-to-undo"
        return {**raw, "label_id": 1 if kind == "label" else None, **values}

    def send(self, raw: Any) -> Receipt:
        receipt = receive(self.db, raw, annotator_id=self.annotator_id, holder=self.holder, acked=self.acked)
        self.acked = receipt.acked
        return receipt


@pytest.fixture
def tab(opened: Database) -> Tab:
    return Tab(opened)


def _ids(board: Board) -> list[int]:
    return [item["diary_id"] for item in board.items]


def _standing(db: Database) -> list[tuple[int, str, int | None]]:
    sql = "select diary_id, kind, label_id from standing order by diary_id, annotator_id"
    return [tuple(row) for row in rows(db, sql)]


def _add_model(db: Database, proba: float = 0.6, *, learned: bool = False) -> models.Model:
    label_ids = tuple(label.id for label in editing.list_labels(db))
    weights, trained = f"weights {proba}".encode(), (1,) if learned else ()
    tier = "frozen" if learned else "zero"
    model_id = models.add_model(
        db, models.NewModel(tier, "bundled", "hash", label_ids, weights, settings={}, training_decisions=trained)
    )
    row = np.full(len(label_ids), (1 - proba) / (len(label_ids) - 1), np.float32)
    row[1] = proba
    predictions.store_predictions(db, model_id, np.tile(row, (diaries.last_diary_id(db), 1)))
    models.activate(db, model_id, reason="test")
    return models.get_model(db, model_id)


# Presses


def test_a_press_is_kept_with_all_that_belongs_to_it(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    model = _add_model(opened)
    item = tab.board().items[0]
    seen = {"model_id": model.id, "shown_label_id": 2, "shown_proba": 0.6, "seconds": 1.5, "memo": "메모"}
    assert tab.send(tab.make("label", item, **seen)) == labelling_decisions.Receipt(1)
    sql = "select diary_id, label_id, token, memo, model_id, shown_label_id, shown_proba, seconds from decisions"
    assert rows(opened, sql) == [(item["diary_id"], 1, item["token"], "메모", model.id, 2, 0.6, 1.5)]


def test_a_press_that_comes_again_by_number_or_token_counts_once(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    press = tab.make("label", tab.board().items[0])
    assert tab.send(press).acked == 1
    assert tab.send(press).acked == 1
    tab.acked = 0  # the server has started anew and forgotten
    assert tab.send(press) == labelling_decisions.Receipt(1)
    assert tab.send({**press, "seq": 2, "label_id": 5}) == labelling_decisions.Receipt(2)
    assert scalar(opened, "select count(*) from decisions") == 1
    assert _standing(opened) == [(press["diary_id"], "label", 1)]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"label_id": 99}, "label_unknown"),
        ({"label_id": None}, "event_broken"),
        ({"diary_id": 12345}, "diary_missing"),
        ({"diary_id": None}, "event_broken"),
        ({"diary_id": 10**400}, "event_broken"),
        ({"kind": "delete"}, "event_broken"),
        ({"token": ""}, "event_broken"),
        ({"model_id": 77}, "model_missing"),
        ({"shown_label_id": 77}, "label_unknown"),
    ],
    ids=str,
)
def test_a_press_that_can_not_be_kept_is_done_with_and_says_why(
    opened: Database, tab: Tab, values: dict[str, Any], code: str
) -> None:
    fill(opened, 8)
    item = tab.board().items[0]
    receipt = tab.send({**tab.make("label", item), **values})
    assert receipt.acked == 1, "it is not sent for ever"
    assert receipt.refused is not None
    assert receipt.refused.code == code
    assert _standing(opened) == []
    assert tab.send(tab.make("label", item)).refused is None, "and those after it are kept"


def test_junk_without_a_number_leaves_the_count_alone(tab: Tab) -> None:
    tab.acked = 4
    for junk in (None, "x", {}, {"seq": "four"}):
        receipt = tab.send(junk)
        assert (receipt.acked, receipt.refused is not None) == (4, True)


def test_a_press_that_finds_the_disk_full_is_not_done_with(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    press = tab.make("label", tab.board().items[0], memo="긴 메모 " * 400)
    opened.conn.execute("pragma query_only = on")
    with pytest.raises(DatabaseError, match="database_read_only"):
        tab.send(press)
    assert tab.acked == 0
    opened.conn.execute("pragma query_only = off")
    assert tab.send(press) == labelling_decisions.Receipt(1)
    assert len(_standing(opened)) == 1


def test_an_undo_with_the_token_of_a_decision_changes_nothing(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    item = tab.board().items[0]
    tab.send(tab.make("label", item))
    _assert_not_undone(tab.send(tab.make("undo", token=item["token"])), 2)
    assert len(_standing(opened)) == 1


def test_an_undo_of_nothing_is_done_with_and_says_so(opened: Database, tab: Tab) -> None:
    fill(opened, 2)
    _assert_not_undone(tab.send(tab.make("undo")), 1)


def test_an_undo_takes_back_what_it_names_and_nothing_else(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    items = tab.board().items
    tab.send(tab.make("label", items[0]))
    refused = tab.make("label", items[1], label_id=99)
    late = tab.make("undo", undoes=refused["token"])  # pressed before the refusal was known
    tab.send(refused)
    _assert_not_undone(tab.send(late), 3)
    other = Tab(opened, "너", "tab-0002")
    theirs = other.make("label", other.board().items[0])
    other.send(theirs)
    _assert_not_undone(tab.send(tab.make("undo", undoes=theirs["token"])), 4)
    assert [d for d, *_ in _standing(opened)] == sorted((items[0]["diary_id"], theirs["diary_id"]))


def test_an_undo_from_a_tab_that_is_behind_takes_back_what_that_tab_showed(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    first = tab.board().items[0]
    tab.send(tab.make("label", first))
    seen = tab.make("undo")
    second = Tab(opened, "나", "tab-0002")
    newer = second.board().items[0]
    second.send(second.make("label", newer))
    assert tab.send(seen).refused is None
    assert _standing(opened) == [(newer["diary_id"], "label", 1)]


def test_an_undo_of_nothing_that_comes_again_takes_nothing_back_later(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    undo = tab.make("undo")
    tab.send(undo)
    tab.send(tab.make("label", tab.board().items[0]))
    tab.acked = 0  # the server has started anew and forgotten
    _assert_not_undone(tab.send(undo), 1)
    assert len(_standing(opened)) == 1


def test_an_undo_that_names_nothing_is_broken(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    tab.send(tab.make("label", tab.board().items[0]))
    for undoes in (None, "", 7, ["x"], "\ud800" * 8, "correct:review:1:2", "x" * 65, "긴 이름의 토큰입니다"):
        refused = tab.send(tab.make("undo", undoes=undoes)).refused
        assert refused is not None
        assert refused.code == "event_broken"
    assert len(_standing(opened)) == 1


def test_an_imported_decision_is_not_taken_back_by_a_press(opened: Database, tab: Tab) -> None:
    fill(opened, 2)
    with write(opened):
        vote = NewVote(None, "label", 2)
        placer = VotePlacer(opened, tab.annotator_id, "import-9-", Rules())
        placer.place(1, [vote], token="import-9-1")
    assert tab.board().recent == []
    receipt = tab.send(tab.make("undo", undoes="import-9-1-0"))
    assert receipt.refused is not None
    assert len(_standing(opened)) == 1


def _assert_not_undone(receipt: labelling_decisions.Receipt, acked: int) -> None:
    assert receipt.acked == acked
    assert receipt.refused is not None
    assert receipt.refused.code == "undo_not_in_force"


# The board


def test_the_board_hands_out_some_diaries_ahead_in_the_order_of_the_queue(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    order = queue.list_head(opened, 20)
    assert _ids(tab.board()) == order[:LOOKAHEAD]
    assert _ids(tab.board()) == order[:LOOKAHEAD], "and stays as it is"


def test_the_board_keeps_its_order_until_all_are_done(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    order, seen = queue.list_head(opened, 20), []
    while (board := tab.board()).items:
        seen.append(board.items[0]["diary_id"])
        tab.send(tab.make(("label", "skip", "flag")[len(seen) % 3], board.items[0]))
    assert seen == order
    assert (board.left, board.wait) == (0, None)


def test_a_tab_without_a_project_of_diaries_is_empty(tab: Tab) -> None:
    board = tab.board()
    assert (board.items, board.diary_count, board.left, board.mine, board.wait) == ([], 0, 0, 0, None)


def test_another_tab_gets_other_diaries(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    other = Tab(opened, "너", "tab-0002")
    assert not set(_ids(tab.board())) & set(_ids(other.board()))


def test_when_another_model_serves_only_the_diary_on_screen_stays(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    _add_model(opened)
    before = _ids(tab.board())
    second = _add_model(opened, 0.7)
    new_order = [i for i in reversed(queue.list_head(opened, 20)) if i not in before]
    queue.replace_queue(opened, [queue.QueueEntry(i, "margin", 0.5) for i in new_order], model_id=second.id)
    after = tab.board()
    assert _ids(after) == [before[0], *new_order[: LOOKAHEAD - 1]]
    assert after.model_id == second.id
    assert _ids(tab.board()) == _ids(after)


def test_the_first_model_exchanges_nothing_in_a_tab_that_has_seen_none(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    before = _ids(tab.board())
    _add_model(opened)
    assert _ids(tab.board()) == before


def test_prediction_and_explanation_are_shown_and_why_is_said(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    model = _add_model(opened)
    pool = [i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool"]
    queue.replace_queue(opened, [queue.QueueEntry(i, "margin", 0.5) for i in pool], model_id=model.id)
    weights = np.zeros((1, 7), np.float32)
    explanation = explanations.Explanation(pool[0], model.id, "eojeol", ((0, 2),), weights, (0.5,) * 7, 100)
    explanations.store_explanation(opened, explanation)
    board = tab.board()
    item = board.items[0]
    assert item["prediction"]["label_index"] == 1
    assert item["prediction"]["proba"][1] == pytest.approx(0.6, abs=1e-4)
    assert (item["explanation"]["spans"], item["explanation"]["fit"]) == ([[0, 2]], [0.5] * 7)
    assert "행복" in item["why"]
    assert "60" in item["why"]
    assert board.wait is None
    tab.send(tab.make("label", item))
    assert tab.board().wait == Wait(for_round=False, seconds=None), "the next one has no explanation yet"


def test_a_label_not_learned_yet_is_named_and_what_is_covered_is_said(opened: Database, tab: Tab) -> None:
    text = "전화는 010-1234-5678이다."
    import_file(opened, f"text\n{text}\n비가 왔다.".encode(), "calls.csv", after=enqueue_import)
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    _add_model(opened)
    editing.add(opened, editing.NewLabel("뿌듯함"), annotator_id=tab.annotator_id)
    items = {item["diary_id"]: item for item in tab.board().items}
    call = next(i for i in items if diaries.get_diary(opened, i).text == text)
    assert items[call]["covered"]
    assert len(items[call]["text"]) == len(text)
    assert sum(item["covered"] for item in items.values()) == 1
    assert all(item["prediction"]["unknown"] == [7] for item in items.values())


def test_an_explanation_is_put_into_words(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    model = _add_model(opened, learned=True)
    pool = next(i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool")
    queue.replace_queue(opened, [queue.QueueEntry(pool, "margin", 0.5)], model_id=model.id)
    spans = eojeol(diaries.get_diary(opened, pool).text)
    weights = np.zeros((len(spans), 7), np.float32)
    weights[4, 1] = 1
    tried = {"label_index": 1, "spans": [list(spans[4])], "before": 0.6, "after": 0.2}
    arc = [[0.1] * 6 + [0.4]] * 2
    given = explanations.Explanation(pool, model.id, "eojeol", spans, weights, (0.9,) * 7, 100, 0.9, tried, arc)
    explanations.store_explanation(opened, given)
    shown = tab.board().items[0]["explanation"]
    word = diaries.get_diary(opened, pool).text[slice(*spans[4])]
    assert shown["sentence"] == f"‘{word}’ 때문에 행복으로 봤어요."
    assert word in shown["contrast"]
    assert shown["deletion"] == "이 낱말을 빼면 행복이 60%에서 20%로 떨어져요."
    assert (shown["stability"], shown["arc"], shown["groups"]) == (0.9, arc, [])
    assert shown["by_sentence"] == "문장마다 보면 혐오 쪽이 더 많지만, 글 전체로는 행복에 더 가까워요."


def test_the_first_model_guesses(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    model = _add_model(opened, 0.9)
    for diary_id in queue.list_head(opened, 20):
        weights = np.array([[0, 1, 0, 0, 0, 0, 0], [0] * 7], np.float32)
        spans = ((0, 2), (3, 5))
        given = explanations.Explanation(diary_id, model.id, "eojeol", spans, weights, (0.9,) * 7, 100)
        explanations.store_explanation(opened, given)
    item = next(item for item in tab.board().items if not item["blind"])
    assert item["prediction"]["is_guess"]
    assert item["explanation"]["sentence"].startswith("아직 짐작이에요. ")
    assert "때문에" not in item["explanation"]["sentence"] + item["explanation"]["contrast"]


@pytest.mark.parametrize("has_learned", [True, False])
def test_a_diary_on_screen_keeps_the_reason_of_the_version_that_asked(
    opened: Database, tab: Tab, has_learned: bool
) -> None:
    fill(opened, 20)
    first = _add_model(opened, 0.3, learned=has_learned)
    pool = [i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool"]
    queue.replace_queue(opened, [queue.QueueEntry(i, "margin", 0.5) for i in pool], model_id=first.id)
    before = tab.board().items[0]
    second = _add_model(opened, 0.9, learned=True)
    queue.replace_queue(opened, [queue.QueueEntry(i, "entropy", 0.5) for i in reversed(pool)], model_id=second.id)
    item, other = tab.board().items[:2]
    assert item["token"] == before["token"]
    assert item["prediction"]["model_id"] == second.id
    assert item["why"] == f"앞서 모델 {first.version}판이 고른 일기예요. 그때의 이유: {before['why']}"
    assert "90%" in other["why"]
    tab.send(tab.make("label", item))
    assert scalar(opened, "select asked_by from decisions") == "margin"


def test_a_reason_whose_figures_are_gone_is_told_without_them(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    first = _add_model(opened, 0.3, learned=True)
    pool = [i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool"]
    queue.replace_queue(opened, [queue.QueueEntry(i, "margin", 0.5) for i in pool], model_id=first.id)
    tab.board()
    _add_model(opened, 0.9, learned=True)
    predictions.store_predictions(
        opened, first.id, np.full((diaries.last_diary_id(opened), len(first.label_ids)), np.nan, np.float32)
    )
    assert tab.board().items[0]["why"] == f"앞서 모델 {first.version}판이 고른 일기예요."


def test_a_diary_drawn_before_the_first_round_says_so_after_it(opened: Database, tab: Tab) -> None:
    fill(opened, 60)
    pool = [i for i in queue.list_head(opened, 60) if diaries.get_diary(opened, i).part == "pool"]
    queue.replace_queue(opened, [queue.QueueEntry(i, "random", 0.0) for i in pool], model_id=_add_model(opened).id)
    assert tab.board().items[0]["why"] == "아직 모델이 배우기 전이라 고르게 뽑은 일기예요."
    _add_model(opened, 0.9, learned=True)
    assert tab.board().items[0]["why"] == "모델이 배우기 전에 고르게 뽑아 둔 일기예요."


def test_an_undone_diary_comes_back_with_the_reason_it_had(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    model = _add_model(opened, 0.6, learned=True)
    pool = [i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool"]
    queue.replace_queue(opened, [queue.QueueEntry(i, "margin", 0.5) for i in pool], model_id=model.id)
    item = tab.board().items[0]
    press = tab.make("label", item, model_id=model.id)
    tab.send(press)
    tab.send(tab.make("undo", undoes=press["token"]))
    assert tab.board().items[0]["why"] == item["why"]


def test_an_explanation_of_before_has_no_deletion_and_no_arc(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    model = _add_model(opened, learned=True)
    pool = next(i for i in queue.list_head(opened, 20) if diaries.get_diary(opened, i).part == "pool")
    queue.replace_queue(opened, [queue.QueueEntry(pool, "margin", 0.5)], model_id=model.id)
    old = explanations.Explanation(pool, model.id, "eojeol", ((0, 2),), np.ones((1, 7), np.float32), (0.9,) * 7, 100)
    explanations.store_explanation(opened, old)
    shown = tab.board().items[0]["explanation"]
    assert (shown["stability"], shown["arc"], shown["deletion"], shown["contrast"]) == (None, None, None, None)
    assert shown["sentence"].endswith("행복으로 봤어요.")


def test_a_test_diary_shows_neither_prediction_nor_explanation(opened: Database, tab: Tab) -> None:
    fill(opened, 60)
    model = _add_model(opened)
    test = [int(i) for i in diaries.list_ids(opened, "test")]
    queue.replace_queue(opened, [queue.QueueEntry(i, "random", 0.0) for i in test], model_id=model.id)
    weights = np.ones((1, 7), np.float32)
    explanations.store_explanation(
        opened, explanations.Explanation(test[0], model.id, "eojeol", ((0, 2),), weights, (0.5,) * 7, 100)
    )
    item = tab.board().items[0]
    assert item["diary_id"] == test[0]
    assert (item["blind"], item["prediction"], item["explanation"]) == (True, None, None)
    assert "행복" not in item["why"]
    project_settings.change(opened, blind_test=False)
    shown = tab.board().items[0]
    assert not shown["blind"]
    assert shown["prediction"] is not None
    assert shown["explanation"] is not None


def test_an_undone_diary_comes_back_first_with_what_was_said_of_it(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    board = tab.board()
    for item in board.items[:2]:
        tab.send(tab.make("label", item, memo="아차"))
    tab.send(tab.make("undo"))
    back = tab.board()
    assert _ids(back)[0] == board.items[1]["diary_id"]
    previous = {"kind": "label", "label_id": 1, "memo": "아차", "other_label_ids": [], "intensity": None}
    assert back.items[0]["previous"] == previous
    assert back.items[0]["token"] != board.items[1]["token"]
    assert all(item["previous"] is None for item in back.items[1:])
    assert back.mine == 1


def test_every_decision_can_be_undone_one_after_the_other(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    done = []
    for _ in range(12):
        item = tab.board().items[0]
        done.append(item["diary_id"])
        tab.send(tab.make("label", item))
    for diary_id in reversed(done):
        tab.send(tab.make("undo"))
        assert _ids(tab.board())[0] == diary_id
    assert _standing(opened) == []


def test_an_undo_that_comes_again_does_not_bring_a_diary_back_that_was_decided_since(
    opened: Database, tab: Tab
) -> None:
    fill(opened, 20)
    item = tab.board().items[0]
    presses = [tab.make("label", item), tab.make("undo", undoes=item["token"])]
    for press in presses:
        tab.send(press)
    presses.append(tab.make("label", tab.board().items[0], label_id=2))
    tab.send(presses[-1])
    shown = _ids(tab.board())
    tab.acked = 0  # the server was started anew, so the tab sends all of them again
    for press in presses:
        tab.send(press)
    assert _standing(opened) == [(item["diary_id"], "label", 2)]
    assert _ids(tab.board()) == shown
    assert item["diary_id"] not in shown


def test_an_undo_whose_diary_was_lost_on_the_way_brings_it_back_when_it_comes_again(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    item = tab.board().items[0]
    tab.send(tab.make("label", item))
    undo = tab.make("undo")
    taken = decisions.list_recent(opened, tab.annotator_id, limit=1)[0]
    decisions.undo(opened, taken.id, token=undo["token"])  # and then the process was killed
    tab.send(undo)
    assert _ids(tab.board())[0] == item["diary_id"]


def test_counts_follow_every_press(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    for kind in ("label", "label", "skip", "flag"):
        tab.send(tab.make(kind, tab.board().items[0]))
    board = tab.board()
    assert (board.diary_count, board.mine, board.since_round, board.left) == (20, 2, 2, 16)
    assert [entry["kind"] for entry in board.recent] == ["flag", "skip", "label", "label"]
    tab.send(tab.make("undo"))
    assert [entry["kind"] for entry in tab.board().recent] == ["skip", "label", "label"]


def test_a_person_sees_only_their_own_history(opened: Database, tab: Tab) -> None:
    fill(opened, 20)
    tab.send(tab.make("label", tab.board().items[0]))
    other = Tab(opened, "너", "tab-0002").board()
    assert (other.mine, other.recent, other.left, other.since_round) == (0, [], 19, 1)


def test_a_tab_that_is_still_open_keeps_its_diaries(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    tab.board()
    queue.renew(opened, annotator_id=tab.annotator_id, holder=TAB, seconds=-1)
    labelling.keep_alive(opened, annotator_id=tab.annotator_id, holder=TAB)
    assert not set(_ids(Tab(opened, "너", "tab-0002").board())) & set(_ids(tab.board()))


def test_the_scope_differs_by_person_and_by_project(opened: Database, tmp_path: Path) -> None:
    assert (
        labelling.storage_scope(opened, "나")
        == labelling.storage_scope(opened, "나")
        != labelling.storage_scope(opened, "너")
    )
    project.init(tmp_path / "other.db", seed="01" * 16)
    with project.opened(tmp_path / "other.db") as other:
        assert labelling.storage_scope(other, "나") != labelling.storage_scope(opened, "나")


# More than one emotion, hidden repeats


def test_further_emotions_and_intensity_are_kept_shown_and_restored(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    item = tab.board().items[0]
    tab.send(tab.make("label", item, label_id=2, other_label_ids=[4, 3], intensity=5))
    values = {"kind": "label", "label_id": 2, "other_label_ids": (3, 4), "intensity": 5}
    assert tab.board().recent == [{"token": item["token"], "diary_id": item["diary_id"], **values}]
    tab.send(tab.make("undo"))
    previous = tab.board().items[0]["previous"]
    assert (previous["other_label_ids"], previous["intensity"]) == ([3, 4], 5)


def test_a_further_emotion_that_is_not_in_the_set_is_refused(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    receipt = tab.send(tab.make("label", tab.board().items[0], other_label_ids=[99]))
    assert receipt.refused is not None
    assert receipt.refused.code == "label_unknown"
    assert _standing(opened) == []


def test_a_skip_names_no_emotion_whatever_the_browser_sends(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    tab.send(tab.make("skip", tab.board().items[0], other_label_ids=[3], intensity=2))
    assert rows(opened, "select * from decision_labels") == []
    assert scalar(opened, "select intensity from decisions") is None


def _until_a_repeat(opened: Database, tab: Tab) -> Board:
    """Label until a hidden repeat is on screen, and return the board that shows it."""
    project_settings.change(opened, repeat_share=0.5)
    while not (board := tab.board()).items[0]["token"].startswith("r"):
        tab.send(tab.make("label", board.items[0]))
    return board


def test_a_hidden_repeat_looks_like_a_blind_diary_and_changes_no_decision(opened: Database, tab: Tab) -> None:
    fill(opened, 70)
    _add_model(opened)
    before = _until_a_repeat(opened, tab)
    item = before.items[0]
    assert (item["blind"], item["prediction"], item["previous"], item["rationales"]) == (True, None, None, [])
    standing, log = _standing(opened), decisions.last_decision_id(opened)
    press = tab.make("label", item, label_id=5)
    assert tab.send(press).refused is None
    tab.acked = 0  # the server was started anew, so the tab sends it again
    assert tab.send(press).refused is None
    after = tab.board()
    assert (_standing(opened), decisions.last_decision_id(opened)) == (standing, log)
    assert rows(opened, "select diary_id, label_id from repeats") == [(item["diary_id"], 5)]
    assert (after.recent[0]["label_id"], after.mine) == (5, before.mine + 1), "to the person it is one like others"


def test_a_hidden_repeat_is_taken_back_and_answered_anew(opened: Database, tab: Tab) -> None:
    fill(opened, 70)
    item = _until_a_repeat(opened, tab).items[0]
    standing = _standing(opened)
    tab.send(tab.make("label", item, label_id=5))
    tab.send(tab.make("undo"))
    back = tab.board()
    assert (back.items[0]["diary_id"], back.items[0]["previous"]) == (item["diary_id"], None)
    assert back.items[0]["token"] != item["token"]
    tab.send(tab.make("label", back.items[0], label_id=6))
    answers = rows(opened, "select label_id from repeats where undone_at is null")
    assert (answers, _standing(opened)) == ([(6,)], standing)
    assert tab.board().items[0]["diary_id"] != item["diary_id"]


def test_a_repeat_that_is_answered_after_its_lease_has_run_out_is_still_one(opened: Database, tab: Tab) -> None:
    fill(opened, 70)
    item = _until_a_repeat(opened, tab).items[0]
    standing = _standing(opened)
    queue.release_person(opened, tab.annotator_id)
    tab.send(tab.make("label", item, label_id=5))
    assert (_standing(opened), scalar(opened, "select count(*) from repeats")) == (standing, 1)


def test_a_press_counts_although_its_lease_ran_out_while_a_memo_was_written(opened: Database, tab: Tab) -> None:
    fill(opened, 8)
    item = tab.board().items[0]
    queue.renew(opened, annotator_id=tab.annotator_id, holder=TAB, seconds=-1)
    other = Tab(opened, "너", "tab-0002")
    assert item["diary_id"] in _ids(other.board())
    assert tab.send(tab.make("label", item, memo="오래 쓴 메모")).refused is None
    theirs = next(i for i in other.board().items if i["diary_id"] == item["diary_id"])
    assert other.send(other.make("label", theirs, label_id=2)).refused is None
    assert [(d.label_id, d.memo) for d in decisions.list_standing(opened, [item["diary_id"]])] == [
        (1, "오래 쓴 메모"),
        (2, ""),
    ]


# However the network behaves

KINDS = st.sampled_from(["label", "label", "label", "skip", "flag", "undo", "undo"])
PRESSES = st.lists(st.tuples(KINDS, st.integers(1, 9), st.integers(1, 7)), max_size=200)


def _presses(drawn: list[tuple[str, int, int]]) -> list[dict[str, Any]]:
    presses: list[dict[str, Any]] = []
    standing: list[str] = []
    for kind, diary_id, label_id in drawn:
        if kind == "undo" and not standing:
            continue  # the browser sends none where there is nothing to take back
        undoes, token = None, f"token-{len(presses) + 1:04d}"
        if kind == "undo":
            undoes = standing.pop()
        else:
            standing.append(token)
        presses.append(
            {
                "seq": len(presses) + 1,
                "kind": kind,
                "token": token,
                "undoes": undoes,
                "diary_id": None if kind == "undo" else diary_id,
                "label_id": label_id if kind == "label" else None,
            }
        )
    return presses


@pytest.fixture(scope="module")
def nine_diaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nine") / "project.db"
    project.init(path, seed="00" * 16)
    with project.opened(path) as db:
        fill(db, 9)
    return path


def _copy(path: Path, target: Path) -> Database:
    with project.opened(path) as db:
        database.backup(db, target)
    copy = project.open_project(target)
    copy.conn.execute("pragma synchronous = off")  # nobody pulls the plug here
    return copy


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=PRESSES, data=st.data())
def test_presses_in_whatever_batches_and_however_often_count_once(
    nine_diaries: Path, tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """The tab sends its unconfirmed presses; answers get lost, and servers are started anew and forget."""
    folder, presses = tmp_path_factory.mktemp("presses"), _presses(drawn)
    plain, shaky = _copy(nine_diaries, folder / "plain.db"), _copy(nine_diaries, folder / "shaky.db")
    once = Tab(plain)
    for press in presses:
        once.send(press)
    tab, made, confirmed = Tab(shaky), 0, 0
    for _ in range(60):
        made = min(len(presses), made + data.draw(st.integers(0, 40)))
        batch = presses[confirmed:made]
        for press in batch[: data.draw(st.integers(0, len(batch)))]:
            tab.send(press)
        if data.draw(st.booleans()):
            confirmed = max(confirmed, tab.acked)
        if data.draw(st.integers(0, 4)) == 0:
            tab.acked = 0
        if confirmed == len(presses):
            break
    # Once the network is well, the rest arrives; to wait for that by chance would take a hundred thousand draws.
    for press in presses[confirmed:]:
        tab.send(press)
    log = "select diary_id, kind, label_id, token from decisions order by id"
    assert rows(shaky, log) == rows(plain, log)
    assert _standing(shaky) == _standing(plain)
    plain.close()
    shaky.close()
