"""What a round has of the model that needs no label: its prior, and a share for labels without an example."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.label_sets import projection
from annotator.labelling import board
from annotator.serving import explaining
from annotator.training import rounds as round_cases
from annotator.worker.round import steps
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.models import models, rounds
from db.people import annotators
from db.texts import diaries
from learner.classification import first_prior
from tests.conftest import fill, fill_by_mood

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database
    from db.models.models import Model

HAPPY, SAD = 2, 5


@pytest.mark.slow
def test_labels_without_an_example_are_said_to_be_so_and_have_a_share(runtime: WorkerRuntime, opened: Database) -> None:
    fill_by_mood(runtime, opened, 60)
    model = _label_by_mood_and_run(runtime, opened)
    assert models.find_active_id(opened) == model.id
    me = annotators.get_or_create_id(opened, "나")
    assert model.settings["unlearned"] == [1, 3, 4, 6, 7]
    known = projection.current_projection(opened, model).known
    assert known == (False, True, False, False, True, False, False)
    proba = projection.load_predictions(opened, model)
    others = np.delete(proba[np.isfinite(proba[:, 0])], [HAPPY - 1, SAD - 1], axis=1)
    assert ((others > 1e-4) & (others <= 0.1 + 1e-6)).all()
    item = board.load_board(opened, annotator_id=me, holder="tab", language="ko").items[0]
    assert item["prediction"]["unknown"] == [0, 2, 3, 5, 6]
    diary_id = int(item["diary_id"])
    serving = runtime.load_classifier(opened, model)
    explained = explaining.explain_diary_by(runtime, opened, serving, diary_id, "fast")
    assert explained.deletion is not None
    answer = runtime.proba_of_texts(opened, serving, [diaries.get_diary(opened, diary_id).text])
    assert explained.deletion["before"] == pytest.approx(answer.max(), abs=1e-3)


def _label_by_mood_and_run(runtime: WorkerRuntime, db: Database) -> Model:
    """Label twenty diaries as happy and sad by turns, run a round, and return its version."""
    me = annotators.get_or_create_id(db, "나")
    for diary_id in diaries.list_ids(db, "pool")[:20].tolist():
        label = HAPPY if diary_id % 2 == 1 else SAD
        assert decisions.add(db, NewDecision(diary_id, me, "label", secrets.token_hex(8), label))
    round_id = round_cases.request(db, annotator_id=None)
    steps.run(lambda name: steps.run_step(runtime, round_id, name))
    return models.get_model(db, rounds.get_round(db, round_id).model_id or 0)


@pytest.mark.slow
def test_a_round_begins_with_the_model_that_needs_no_label(runtime: WorkerRuntime, opened: Database) -> None:
    fill(opened, 40)
    runtime.encode_missing(opened, diaries.list_ids(opened))
    model = _label_by_mood_and_run(runtime, opened)
    head = runtime.load_classifier(opened, model).classifier
    assert model.settings["prior_strength"] == first_prior.STRENGTHS[0]
    assert head.prior_mean is not None
    assert head.prior_mean.shape == (7, head.mean.size)
    # What twenty examples of two labels say nothing of is as it was before them.
    along = [np.corrcoef(head.weight[label, : head.mean.size], head.prior_mean[label])[0, 1] for label in (0, 3, 5)]
    assert min(along) > 0.9


@pytest.mark.slow
def test_vectors_that_say_otherwise_than_the_first_model_take_the_prior_away(
    runtime: WorkerRuntime, opened: Database
) -> None:
    fill_by_mood(runtime, opened, 60)
    assert _label_by_mood_and_run(runtime, opened).settings["prior_strength"] == 0


@pytest.mark.slow
def test_a_round_has_no_prior_where_the_emotions_know_few_of_the_labels(
    runtime: WorkerRuntime, opened: Database
) -> None:
    with write(opened):
        names = {label.id: f"분류 {label.id}" for label in labels.list_labels(opened)}
        changed = {id_: {"name": name, "definition": "업무 문서의 갈래"} for id_, name in names.items()}
        labels.change_labels(opened, changed)
    fill(opened, 40)
    runtime.encode_missing(opened, diaries.list_ids(opened))
    model = _label_by_mood_and_run(runtime, opened)
    assert model.settings["prior_strength"] == 0
    assert runtime.load_classifier(opened, model).classifier.prior_mean is None
