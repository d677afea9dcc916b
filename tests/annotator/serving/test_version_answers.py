"""Versions that do not serve answer from their kept heads and the diaries' vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator.serving import version_answers
from annotator.serving.runtime import ModelRuntime
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks.predictions import predict_versions
from db.models import facts, models, predictions
from db.models.models import NewModel
from learner.classification.classifier import Classifier
from learner.encoders.encoder import default_cache
from tests import reviewed

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

LABELS = (1, 2, 3, 4, 5, 6, 7)


def _add(db: Database, *, damaged: bool = False, encoder: str = "encoder") -> int:
    """Add a version that reads the mood of `reviewed.add_vectors`; damaged, its head for 슬픔 is broken."""
    weight = np.zeros((7, 8), np.float32)
    weight[1, 0], weight[4, 0] = 5, -5
    if damaged:
        weight[4] = 0
    head = Classifier(np.zeros(8, np.float32), weight, np.zeros(7, np.float32), 1.0, "")
    return models.add_model(db, NewModel("instant", "bundled", encoder, LABELS, head.to_bytes(), {}))


@pytest.fixture
def db(opened: Database) -> Database:
    """Twelve labelled diaries with vectors."""
    reviewed.make(opened)
    return opened


def test_a_version_answers_from_its_head_what_is_missing(db: Database, project_path: Path) -> None:
    model = models.get_model(db, _add(db))
    predictions.update_predictions(db, model.id, np.array([2]), np.full((1, 7), 1 / 7, np.float32))
    runtime = ModelRuntime(project_path, cache=default_cache())
    assert version_answers.fill(runtime, db, model) == 11
    proba = predictions.load_predictions(db, model)
    assert proba[0].argmax() == 1
    assert proba[3].argmax() == 4
    assert proba[1].max() == pytest.approx(1 / 7), "what was there stays"
    assert version_answers.fill(runtime, db, model) == 0


def test_a_version_whose_vectors_are_gone_answers_nothing(db: Database, project_path: Path) -> None:
    model = models.get_model(db, _add(db, encoder="gone"))
    runtime = ModelRuntime(project_path, cache=default_cache())
    assert version_answers.fill(runtime, db, model) == 0
    assert not (project_path.parent / f"{project_path.name}.vectors" / "gone").exists()


def test_upkeep_answers_for_the_newest_versions_and_for_those_asked_for(db: Database, project_path: Path) -> None:
    older = [_add(db) for _ in range(version_answers.KEPT)]
    newest = [_add(db, damaged=True) for _ in range(version_answers.KEPT)]
    runtime = WorkerRuntime(project_path, cache=default_cache())
    facts.request_predictions(db, [older[0]])
    while predict_versions(runtime, db) is not None:
        pass
    serving = models.find_active_id(db)
    assert set(predictions.list_predicted(db)) == {serving, older[0], *newest}
    assert facts.list_requested_predictions(db) == []
    runtime.close()


def test_those_that_served_last_are_kept_with_the_newest(db: Database) -> None:
    first, second, third = (_add(db) for _ in range(3))
    for model_id in (first, second, third):
        models.activate(db, model_id, reason="test")
    held_back = [_add(db) for _ in range(version_answers.KEPT)]
    assert version_answers.list_kept(db) == [second, third, *held_back]
