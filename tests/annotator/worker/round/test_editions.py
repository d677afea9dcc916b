"""A project that changes from the first to the second edition of the emotion-aware encoder."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.serving import explaining
from annotator.training import rounds as round_cases
from annotator.worker.round import steps
from annotator.worker.tasks import zero_shot_model
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.encoders import emotion_editions
from tests.conftest import fill

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from db.models.models import Model

pytestmark = pytest.mark.slow

HAPPY, SAD = 2, 5


def _label(db: Database, count: int) -> None:
    me = annotators.get_or_create_id(db, "나")
    for diary_id in diaries.list_ids(db, "pool")[:count].tolist():
        label = HAPPY if diary_id % 2 == 1 else SAD
        assert decisions.add(db, NewDecision(diary_id, me, "label", secrets.token_hex(8), label))


def _round(runtime: WorkerRuntime, db: Database) -> Model:
    round_id = round_cases.request(db, annotator_id=None)
    steps.run(lambda name: steps.run_step(runtime, round_id, name))
    return models.get_model(db, rounds.get_round(db, round_id).model_id or 0)


def test_each_edition_answers_by_its_own_vectors_before_and_after_the_change(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill(opened, 40)
    ids = diaries.list_ids(opened)
    project_settings.change(opened, encoder=emotion_editions.FIRST)
    runtime.encode_missing(opened, ids)
    _label(opened, 20)
    first = _round(runtime, opened)
    project_settings.change(opened, encoder=emotion_editions.SECOND)
    runtime.encode_missing(opened, ids)
    zero_shot_model.first_model(runtime, opened)
    between = models.find_active(opened)
    assert between is not None
    assert (between.tier, between.encoder) == ("zero", emotion_editions.SECOND), "until the next round"
    second = _round(runtime, opened)
    with pytest.raises(UserError, match="model_of_other_encoder"):
        runtime.load_classifier(opened, first)
    made = [classifiers.from_bytes(models.get_weights(opened, model.id)) for model in (first, between, second)]
    assert [head.mean.shape for head in made] == [(1, 384), (2, 384), (2, 384)]
    known = projection.load_predictions(opened, second)
    texts = [diaries.get_diary(opened, diary_id).text for diary_id in ids.tolist()]
    answers = runtime.proba_of_texts(opened, runtime.load_classifier(opened, second), texts)
    np.testing.assert_allclose(answers, known[ids - 1], atol=1e-3)


def test_what_the_second_edition_answers_is_explained(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 30)
    project_settings.change(opened, encoder=emotion_editions.SECOND)
    runtime.encode_missing(opened, diaries.list_ids(opened))
    _label(opened, 16)
    model = _round(runtime, opened)
    serving = runtime.load_classifier(opened, model)
    explained = explaining.explain_diary_by(runtime, opened, serving, 1, "fast")
    answer = runtime.proba_of_texts(opened, serving, [diaries.get_diary(opened, 1).text])[0]
    assert answer.argmax() == HAPPY - 1
    assert explained.deletion is not None
    assert explained.deletion["before"] == pytest.approx(answer.max(), abs=1e-3)
    assert explained.deletion["after"] < explained.deletion["before"]
