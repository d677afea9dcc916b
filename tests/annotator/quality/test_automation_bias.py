"""Some diaries are shown without the model's answer, and stay so; what people say with and without it is compared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator import settings as project_settings
from annotator.blinding import blind_draw
from annotator.label_sets import editing
from annotator.labelling import board
from annotator.labelling import decisions as labelling_decisions
from annotator.messages import LANGUAGES, say
from annotator.quality import automation_bias
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.answers.queue import QueueEntry
from db.connection import rows
from db.models import explanations, models, predictions
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from annotator.messages import Language
    from db import Database

SEEDS = st.text("0123456789abcdef", min_size=32, max_size=32)
SAD = 5


@pytest.fixture
def me(opened: Database) -> int:
    fill(opened, 60)
    return annotators.get_or_create_id(opened, "나")


def _add_model(db: Database, likeliest: int) -> models.Model:
    """Let a model serve that is 60 % sure of one label, everywhere, and explain it."""
    label_ids = tuple(label.id for label in editing.list_labels(db))
    weights = f"weights {likeliest}".encode()
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", label_ids, weights, settings={}))
    proba = np.full((diaries.last_diary_id(db), 7), 0.4 / 6, np.float32)
    proba[:, label_ids.index(likeliest)] = 0.6
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")
    for diary_id in range(1, len(proba) + 1):
        evidence = np.full((1, 7), likeliest, np.float32)
        explanations.store_explanation(
            db, explanations.Explanation(diary_id, model_id, "eojeol", ((0, 2),), evidence, (0.5,) * 7, 100)
        )
    return models.get_model(db, model_id)


def _items(db: Database, me: int, language: Language = "ko", lookahead: int = 60) -> list[dict[str, Any]]:
    shown = board.load_board(db, annotator_id=me, holder="tab-0001", language=language, lookahead=lookahead)
    return shown.items


def _press(db: Database, me: int, item: dict[str, Any], **values: Any) -> None:
    """Press as the label page does: with the answer in view, if there was one."""
    seen = item["prediction"]
    label_ids = [label.id for label in editing.list_labels(db)]
    raw = {"seq": 1, "kind": "label", "token": item["token"], "diary_id": item["diary_id"], "seconds": 1.5}
    shown = {"model_id": seen["model_id"], "shown_label_id": label_ids[seen["label_index"]]} if seen else {}
    receipt = labelling_decisions.receive(
        db, {**raw, "label_id": 1, **shown, **values}, annotator_id=me, holder="tab-0001", acked=0
    )
    assert receipt.refused is None


# Which diaries are blind


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, share=st.floats(0, 1), first=st.integers(1, 10**9))
def test_about_as_many_diaries_are_blind_as_the_setting_says(seed: str, share: float, first: int) -> None:
    n = 2000
    blind = sum(blind_draw(seed, diary_id) < share for diary_id in range(first, first + n))
    assert abs(blind / n - share) <= 5 * math.sqrt(share * (1 - share) / n) + 1 / n


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, diary_id=st.integers(1, 2**63 - 1))
def test_a_share_of_nothing_hides_none_and_one_hides_all(seed: str, diary_id: int) -> None:
    assert 0 <= blind_draw(seed, diary_id) < 1
    assert blind_draw(seed, diary_id) == blind_draw(seed, diary_id)


def test_projects_hide_different_diaries() -> None:
    first, second = ([i for i in range(500) if blind_draw(seed, i) < 0.2] for seed in ("00" * 16, "01" * 16))
    assert len(set(first) & set(second)) < 0.5 * len(first)


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_the_share_is_of_the_pool_and_test_diaries_follow_their_own_setting(
    opened: Database, me: int, share: float
) -> None:
    for blind_test in (True, False):
        chosen = project_settings.change(opened, blind_share=share, blind_test=blind_test)
        items = {item["diary_id"]: item["blind"] for item in _items(opened, me)}
        assert len(items) == 60
        for diary_id, is_blind in items.items():
            is_test = diaries.get_diary(opened, diary_id).part == "test"
            assert is_blind == (blind_test if is_test else blind_draw(chosen.seed, diary_id) < share)


# What a blind diary shows


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_blind_diary_shows_does_not_depend_on_any_model(opened: Database, me: int, language: Language) -> None:
    project_settings.change(opened, blind_share=1)
    without = _items(opened, me, language)
    for likeliest, strategy in ((2, "margin"), (SAD, "typical"), (1, "entropy")):
        model = _add_model(opened, likeliest)
        ids = [item["diary_id"] for item in without]
        queue.replace_queue(opened, [QueueEntry(i, strategy, 0.5) for i in ids], model_id=model.id)
        assert _items(opened, me, language) == without
    assert {(item["prediction"], item["explanation"]) for item in without} == {(None, None)}
    project_settings.change(opened, blind_share=0, blind_test=False)
    assert all(item["prediction"] and item["explanation"] for item in _items(opened, me, language)), "they were there"


def test_a_blind_diary_says_why_it_is_blind(opened: Database, me: int) -> None:
    project_settings.change(opened, blind_share=1)
    pool = {int(i) for i in diaries.list_ids(opened, "pool")}
    whys = {item["why"] for item in _items(opened, me) if item["diary_id"] in pool}
    assert whys == {say("why.blind", "ko")}


def test_a_blind_diary_waits_for_nothing(opened: Database, me: int) -> None:
    project_settings.change(opened, blind_share=1)
    assert board.load_board(opened, annotator_id=me, holder="tab-0001", language="ko").wait is None


def test_neither_undo_nor_another_order_nor_another_person_unveils_a_diary(opened: Database, me: int) -> None:
    project_settings.change(opened, blind_share=0.5)
    first = {item["diary_id"]: item["blind"] for item in _items(opened, me)}
    model = _add_model(opened, SAD)
    for item in _items(opened, me)[:10]:
        _press(opened, me, item)
        raw = {"seq": 2, "kind": "undo", "token": f"undo-{item['diary_id']:04}", "undoes": item["token"]}
        labelling_decisions.receive(opened, raw, annotator_id=me, holder="tab-0001", acked=0)
        back = _items(opened, me)[0]
        assert (back["diary_id"], back["blind"]) == (item["diary_id"], first[item["diary_id"]])
    queue.release(opened, annotator_id=me, holder="tab-0001")
    queue.replace_queue(opened, [QueueEntry(i, "margin", 0.5) for i in reversed(first)], model_id=model.id)
    you = annotators.get_or_create_id(opened, "너")
    assert {item["diary_id"]: item["blind"] for item in _items(opened, you)} == first
    assert set(first.values()) == {True, False}


# What the model would have said


def _predicted(db: Database) -> list[int | None]:
    return [label_id for (label_id,) in rows(db, "select predicted_label_id from decisions order by id")]


def test_a_label_is_kept_with_what_the_model_would_have_said_shown_or_not(opened: Database, me: int) -> None:
    project_settings.change(opened, blind_share=0.5)
    _add_model(opened, SAD)
    items = _items(opened, me)
    for is_blind in (True, False):
        _press(opened, me, next(item for item in items if item["blind"] is is_blind))
    assert _predicted(opened) == [SAD, SAD]
    assert rows(opened, "select shown_label_id from decisions order by id") == [(None,), (SAD,)]


def test_the_model_that_serves_at_the_press_is_asked(opened: Database, me: int) -> None:
    _add_model(opened, SAD)
    item = _items(opened, me)[0]
    _add_model(opened, 2)
    _press(opened, me, item)
    assert _predicted(opened) == [2]


def test_nothing_is_kept_where_the_model_had_nothing_to_say(opened: Database, me: int) -> None:
    first, second, third, *_ = _items(opened, me)
    _press(opened, me, first)
    model = _add_model(opened, SAD)
    predictions.update_predictions(
        opened, model.id, np.array([second["diary_id"]]), np.full((1, 7), np.nan, np.float32)
    )
    _press(opened, me, second)
    _press(opened, me, third, kind="skip", label_id=None)
    assert _predicted(opened) == [None, None, None]


def test_a_label_from_elsewhere_is_kept_with_what_the_model_would_have_said_but_not_compared(
    opened: Database, me: int
) -> None:
    _add_model(opened, SAD)
    labelling_decisions.decide(opened, NewDecision(1, me, "label", "token-0001", 2))
    assert _predicted(opened) == [SAD]
    assert automation_bias.compare(opened).hidden.n == 0


def test_a_press_is_kept_as_blind_by_the_draw_and_not_because_the_answer_had_not_come(
    opened: Database, me: int
) -> None:
    project_settings.change(opened, blind_share=0.5)
    kept = {}
    for _ in ("before there is an answer", "with one"):
        items = _items(opened, me)
        for is_blind in (True, False):
            item = next(item for item in items if item["blind"] is is_blind)
            _press(opened, me, item)
            kept[item["diary_id"]] = int(is_blind)
        _add_model(opened, SAD)
    assert dict(rows(opened, "select diary_id, blind from decisions")) == kept
    labelling_decisions.decide(opened, NewDecision(60, me, "label", "token-elsewhere", 2))
    assert rows(opened, "select blind from decisions order by id desc limit 1") == [(None,)], (
        "nobody knows what was seen"
    )


# The comparison


def _decide(db: Database, me: int, *, shown: tuple[int, int], hidden: tuple[int, int]) -> None:
    """Keep labels, given as (how many, how many of them are the model's answer)."""
    pool = [int(i) for i in diaries.list_ids(db, "pool")]
    seen, unseen = (
        [(is_shown, place < same) for place in range(n)] for is_shown, (n, same) in ((1, shown), (0, hidden))
    )
    # Only the stretch between hidden diaries counts, so one of them comes first.
    for number, (is_shown, is_same) in enumerate(unseen[:1] + seen + unseen[1:]):
        values = {"shown_label_id": SAD if is_shown else None, "predicted_label_id": SAD, "seconds": 1.0}
        values["blind"] = not is_shown
        label_id = SAD if is_same else 2
        diary_id = pool[number % len(pool)]
        decisions.add(db, NewDecision(diary_id, me, "label", f"token-{number:04}", label_id, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "hidden", "verdict"),
    [
        ((40, 38), (30, 15), "higher"),
        ((40, 15), (30, 28), "lower"),
        ((40, 30), (30, 22), "chance"),
        ((40, 40), (19, 2), "few"),
        ((19, 19), (40, 2), "few"),
        ((0, 0), (0, 0), "few"),
    ],
    ids=str,
)
def test_the_verdict_says_no_more_than_the_interval_allows(
    opened: Database, me: int, shown: tuple[int, int], hidden: tuple[int, int], verdict: str
) -> None:
    if hidden[0]:
        _decide(opened, me, shown=shown, hidden=hidden)
    comparison = automation_bias.compare(opened)
    assert (comparison.shown.n, comparison.hidden.n, comparison.verdict) == (shown[0], hidden[0], verdict)
    for side, (n, same) in ((comparison.shown, shown), (comparison.hidden, hidden)):
        assert side.same.value == pytest.approx(same / n if n else math.nan, nan_ok=True)
        assert not side.same.low > side.same.value
        assert not side.same.high < side.same.value


def test_a_new_project_hides_one_in_ten() -> None:
    assert project_settings.new_settings().blind_share == 0.1


def test_a_comparison_says_how_many_diaries_are_hidden_now(opened: Database) -> None:
    project_settings.change(opened, blind_share=0.25)
    assert automation_bias.compare(opened).blind_share == 0.25
