from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import exporting
from annotator import settings as project_settings
from annotator.dictionary import adjustment, entries
from annotator.labelling import board
from db.answers import queue
from db.models import models, predictions, word_emotions
from db.people import annotators
from db.texts import diaries
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database
    from db.models.models import Model

HAPPY, SAD = 2, 5
LABELS = (1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
def model(opened: Database) -> Model:
    """Six diaries, alternately happy and sad, and a model that finds all of them slightly angry."""
    fill(opened, 6)
    opened.conn.execute("update diaries set part = 'pool'")
    opened.conn.commit()
    project_settings.change(opened, blind_share=0.0)
    new = models.NewModel("instant", "bundled", "hash", LABELS, b"", {}, training_decisions=(1, 2))
    model_id = models.add_model(opened, new)
    models.activate(opened, model_id, reason="test")
    predictions.store_predictions(opened, model_id, np.tile(np.array([0.28, *[0.12] * 6], np.float32), (6, 1)))
    return models.get_model(opened, model_id)


def _measured(db: Database, model: Model, **other: Any) -> None:
    """Keep an effect as the worker would have measured it now."""
    effect = {
        "model_id": model.id,
        "up_to": word_emotions.last_id(db),
        "word_count": 1,
        "strength": 4.0,
        "train_count": 10,
        "touched": 0,
        "measured_at": "2026-01-01T00:00:00.000+00:00",
    }
    word_emotions.store_effect(db, {**effect, **other})


def _add(db: Database, word: str, label_id: int | None) -> None:
    entries.add(db, word, label_id, annotator_id=annotators.get_or_create_id(db, "나"))


def test_predictions_stay_as_they_are_until_it_is_switched_on_and_measured(opened: Database, model: Model) -> None:
    _add(opened, "눈물", SAD)
    assert adjustment.find_refiner(opened, model) is None
    adjustment.switch(opened, on=True)
    assert adjustment.is_on(opened)
    assert adjustment.find_refiner(opened, model) is None
    _measured(opened, model)
    assert adjustment.find_refiner(opened, model) is not None
    assert adjustment.find_refiner(opened, None) is None
    _measured(opened, model, strength=0.0)
    assert adjustment.find_refiner(opened, model) is None


def test_only_what_was_measured_is_applied(opened: Database, model: Model) -> None:
    _add(opened, "눈물", SAD)
    adjustment.switch(opened, on=True)
    _measured(opened, model)
    _add(opened, "기쁘다", HAPPY)
    refiner = adjustment.find_refiner(opened, model)
    assert refiner is not None
    assert refiner.entries == {"눈물": SAD}
    assert adjustment.state(opened) == "older_words"
    newer = models.add_model(opened, models.NewModel("instant", "b", "hash", LABELS, b"", {}, training_decisions=(1,)))
    models.activate(opened, newer, reason="test")
    assert adjustment.find_refiner(opened, models.get_model(opened, newer)) is None
    assert adjustment.state(opened) == "older_model"


def test_exports_hold_the_moved_predictions(opened: Database, model: Model) -> None:
    _add(opened, "눈물", SAD)
    adjustment.switch(opened, on=True)
    assert {record.predicted for record in exporting.read(opened)} == {"분노"}
    _measured(opened, model)
    records = list(exporting.read(opened))
    assert [record.predicted for record in records] == ["분노", "슬픔"] * 3
    assert all((record.proba or {})["분노"] + (record.proba or {})["슬픔"] < 1 for record in records)
    adjustment.switch(opened, on=False)
    assert {record.predicted for record in exporting.read(opened)} == {"분노"}


def test_the_label_page_shows_the_models_answer_and_says_where_the_dictionarys_is_another(
    opened: Database, model: Model
) -> None:
    _add(opened, "눈물", SAD)
    adjustment.switch(opened, on=True)
    _measured(opened, model)
    queue.append_to_queue(opened, diaries.list_ids(opened).tolist(), strategy="random")
    me = annotators.get_or_create_id(opened, "나")
    items = board.load_board(opened, annotator_id=me, holder="tab", language="ko").items
    assert {item["prediction"]["label_index"] for item in items} == {0}
    assert {("눈물" in item["text"], "사전으로 다듬으면 슬픔" in item["why"]) for item in items} == {
        (True, True),
        (False, False),
    }


def test_the_state_leads_from_no_word_to_a_measured_effect(opened: Database, model: Model) -> None:
    assert adjustment.state(opened) == "no_words"
    _add(opened, "책상", None)
    assert adjustment.state(opened) == "no_words", "a word without emotion moves nothing"
    _add(opened, "눈물", SAD)
    assert adjustment.state(opened) == "unmeasured"
    entries.ask(opened, "effect")
    assert adjustment.state(opened) == "measuring"
    word_emotions.mark_done(opened, "effect", word_emotions.last_asked(opened, "effect"))
    _measured(opened, model)
    assert adjustment.state(opened) == "current"


def test_a_model_that_has_not_learned_cannot_be_measured(opened: Database) -> None:
    _add(opened, "눈물", SAD)
    assert adjustment.state(opened) == "no_round"


def test_an_effect_without_test_labels_says_that_it_is_not_measured(opened: Database, model: Model) -> None:
    _measured(opened, model)
    effect = adjustment.find_effect(opened)
    assert effect is not None
    assert (effect.verdict, effect.change, effect.p) == ("unmeasured", None, None)
