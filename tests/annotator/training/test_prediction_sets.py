"""Candidate labels: what a version promises, and where they are named."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.ingest.api import predictions_of
from annotator.labelling import board_items, reasons
from annotator.serving.answers import Classified
from annotator.training import prediction_sets
from db.label_sets import labels
from db.models import models
from learner.classification.prediction_sets import Promise

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

PROMISED = Promise(level=0.9, least=0.2, n=60, covered=0.92, covered_low=0.82, covered_high=0.97, size=1.8)


def _active(db: Database, *, metrics: dict[str, object]) -> models.Model:
    label_ids = tuple(label.id for label in labels.list_labels(db))
    model_id = models.add_model(
        db,
        models.NewModel(
            tier="instant",
            encoder="bundled",
            encoder_hash="ab",
            label_ids=label_ids,
            weights=b"",
            settings={},
            training_decisions=(),
            metrics=metrics,
        ),
    )
    models.activate(db, model_id, reason="test")
    return models.get_model(db, model_id)


def _note(db: Database, model: models.Model, proba: np.ndarray) -> str:
    scene = board_items.load_context(db, project_settings.load(db), model, "ko")
    return reasons._candidates(scene, board_items.prediction_data(model, proba, [True] * len(proba)))


def test_the_set_holds_the_labels_above_the_limit_likeliest_first() -> None:
    assert prediction_sets.columns_in_set([0.25, 0.1, 0.6, 0.05], PROMISED) == (2, 0)
    assert prediction_sets.columns_in_set([0.19, 0.19, 0.18, 0.18, 0.13, 0.13], PROMISED) == (0,)


def test_candidates_are_named_only_where_the_settings_ask_and_the_version_can_promise(project_path: Path) -> None:
    with closing(project.open_project(project_path)) as db:
        proba = np.array([0.5, 0.3, 0.1, 0.04, 0.03, 0.02, 0.01], np.float32)
        model = _active(db, metrics={"promise": asdict(PROMISED)})
        assert _note(db, model, proba) == ""
        project_settings.change(db, prediction_sets=True)
        first, second = (label.name for label in labels.list_labels(db)[:2])
        assert _note(db, model, proba) == f"후보 감정(90%): {first} 아니면 {second}."
        wide = _active(db, metrics={"promise": asdict(replace(PROMISED, least=0.03))})
        assert _note(db, wide, proba) == "후보 감정(90%)이 5개라 아직 좁혀지지 않았어요."
        assert _note(db, _active(db, metrics={}), proba) == ""


def test_the_service_names_candidates_with_their_promise(project_path: Path) -> None:
    with closing(project.open_project(project_path)) as db:
        proba = np.array([[0.5, 0.3, 0.1, 0.04, 0.03, 0.02, 0.01]], np.float32)
        promising = _active(db, metrics={"promise": asdict(PROMISED)})
        (answer,) = predictions_of(db, ["글"], Classified(promising.id, proba))
        assert answer is not None
        assert (answer["candidates"], answer["promised"]) == ([label.name for label in labels.list_labels(db)[:2]], 0.9)
        silent = _active(db, metrics={"promise": None})
        (answer,) = predictions_of(db, ["글"], Classified(silent.id, proba))
        assert answer is not None
        assert (answer["candidates"], answer["promised"]) == (None, None)
        assert prediction_sets.find_promise(db) is None


def test_a_promise_of_another_release_is_read_as_far_as_it_is_known(project_path: Path) -> None:
    with closing(project.open_project(project_path)) as db:
        newer = _active(db, metrics={"promise": {**asdict(PROMISED), "by": "writer"}})
        assert prediction_sets.promise_of(newer) == PROMISED
        assert prediction_sets.promise_of(_active(db, metrics={"promise": {"level": 0.9}})) is None
