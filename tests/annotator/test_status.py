"""The figures by which people see how far a project is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import status
from annotator.label_sets import editing
from annotator.worker_lock import only_worker
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.models import models, predictions, rounds
from db.people import annotators
from db.texts import diaries, sentences
from db.texts.sentences import Sentences
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

FIGURES = {
    "n": 4,
    "accuracy": 0.75,
    "accuracy_low": 0.3,
    "accuracy_high": 0.95,
    "macro_f1": 0.7,
    "f1": [0.5, float("nan")],
    "confusion": [[2, 1], [0, 1]],
}


def _add_model(db: Database, *, metrics: dict[str, Any] | None = None, training: tuple[int, ...] = ()) -> int:
    label_ids = tuple(label.id for label in editing.list_labels(db))
    weights = f"w{len(models.list_models(db))}".encode()
    model_id = models.add_model(
        db,
        models.NewModel(
            "zero", "bundled", "hash", label_ids, weights, {}, training_decisions=training, metrics=metrics
        ),
    )
    models.activate(db, model_id, reason="test")
    return model_id


def test_an_empty_project_has_a_status(opened: Database, project_path: Path) -> None:
    now = status.status(opened, project_path)
    assert (now.diary_count, now.test_count, now.unsplit, now.fallbacks) == (0, 0, 0, 0)
    assert now.counts == dict.fromkeys(range(1, 8), 0)
    assert (now.kinds, now.active, now.open_round, now.worker, now.is_working) == ({}, None, None, None, False)


def test_a_status_counts_what_is_in_force(opened: Database, project_path: Path) -> None:
    fill(opened, 10)
    me = annotators.get_or_create_id(opened, "나")
    for diary_id, label_id in ((1, 2), (2, 2), (3, 5)):
        decisions.add(opened, NewDecision(diary_id, me, "label", f"token-{diary_id}", label_id))
    decisions.add(opened, NewDecision(4, me, "flag", "token-4"))
    decisions.add(opened, NewDecision(5, me, "label", "token-5", 7))
    undo_newest(opened, me, token="token-6")
    sentences.store_sentences(opened, [Sentences(1, ((0, 3),), "kss"), Sentences(2, ((0, 3),), "fallback")])
    now = status.status(opened, project_path)
    assert {label: n for label, n in now.counts.items() if n} == {2: 2, 5: 1}
    assert now.kinds == {"label": 3, "flag": 1}
    assert (now.diary_count, now.unsplit, now.fallbacks) == (10, 8, 1)
    assert now.test_count == len(diaries.list_ids(opened, "test"))
    assert status.count_left(opened) == 6
    assert status.label_names(opened)[:2] == ("분노", "행복")


def test_a_pulse_tells_whether_the_worker_lives(opened: Database, project_path: Path) -> None:
    assert not status.get_worker_health(opened, project_path).is_working
    with only_worker(project_path):
        assert status.get_worker_health(opened, project_path).is_working
    assert status.get_worker_health(opened, project_path).version is None
    _add_model(opened)
    assert status.get_worker_health(opened, project_path).version == 0


def test_confidences_are_the_largest_probabilities_of_what_was_predicted(opened: Database) -> None:
    fill(opened, 3)
    assert status.confidences(opened).shape == (0,)
    model_id = _add_model(opened)
    assert status.confidences(opened).shape == (0,), "nothing was predicted yet"
    proba = np.full((3, 7), 0.1, np.float32)
    proba[0, 3], proba[1] = 0.4, np.nan
    predictions.store_predictions(opened, model_id, proba)
    np.testing.assert_allclose(status.confidences(opened), [0.4, 0.1])


def test_shares_are_counted_by_tenths_and_none_is_lost() -> None:
    counts = status.count_in_tenths(np.array([0.0, 0.05, 0.1, 0.55, 0.999, 1.0], np.float32))
    assert counts[0] == 2
    assert (counts[5], counts[9], sum(counts), len(counts)) == (1, 2, 6, 10)
    assert status.count_in_tenths(np.zeros(0, np.float32)) == (0,) * 10


def test_versions_tell_what_they_were_made_from(opened: Database) -> None:
    fill(opened, 20, labelled=True)
    assert status.list_versions(opened) == []
    first = _add_model(opened)
    second = _add_model(opened, metrics={"test": FIGURES}, training=(1, 2, 3))
    round_id = rounds.request_round(opened, annotator_id=None)
    rounds.begin(opened, round_id, last_decision_id=3, previous_model_id=first)
    rounds.set_model(opened, round_id, second)
    rounds.end(opened, round_id, status="done", report={"before": {**FIGURES, "accuracy": 0.5}})
    old, new = status.list_versions(opened)
    assert (old.model.version, old.is_active, old.train_count, old.test, old.round) == (0, False, 0, None, None)
    assert (new.model.version, new.is_active, new.train_count) == (1, True, 3)
    assert new.seconds is not None
    assert status.version_of(opened, second) == 1
    assert status.version_of(opened, None) is None


def test_the_version_that_serves_is_known(opened: Database) -> None:
    assert status.active_version(opened) is None
    _add_model(opened)
    _add_model(opened)
    assert status.active_version(opened) == 1
