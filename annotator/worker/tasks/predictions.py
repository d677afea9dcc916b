"""Predicting the diaries that have a vector and no prediction yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.serving import scoring, version_answers
from annotator.worker.tasks.progress import Progress, forgotten_ids, head_ids
from db.models import facts, models, predictions
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import ProgressMarks, WorkerRuntime
    from db import Database


_PREDICT_BATCH = 4096


def predict(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Predict the diaries that have a vector and no prediction by the serving model.

    Immediately if somebody is about to see one; otherwise when many are due, or when all have vectors.
    """
    serving = runtime.serving(db)
    if serving is None:
        return None
    predicted = _predicted(runtime.marks, db, serving)
    due = np.setdiff1d(np.flatnonzero(~predicted) + 1, forgotten_ids(runtime.marks, db))
    if not len(due):
        return None
    encoded = runtime.vector_file(db).has(due)
    urgent = np.isin(head_ids(db), due[encoded]).any()
    if not encoded.any() or not (urgent or encoded.all() or encoded.sum() >= _PREDICT_BATCH):
        return None
    return predict_now(runtime, db, serving, due[encoded])


def predict_now(
    runtime: WorkerRuntime, db: Database, serving: Serving, diary_ids: NDArray[np.int64]
) -> Progress | None:
    """Predict those of some diaries, all with a vector, that have no prediction by the serving model yet."""
    predicted = _predicted(runtime.marks, db, serving)
    due = diary_ids[~predicted[diary_ids - 1]]
    if not len(due):
        return None
    predictions.update_predictions(db, serving.model.id, due, scoring.score(runtime, db, serving, due))
    predicted[due - 1] = True
    return Progress("predict", int(predicted.sum()), len(predicted))


def predict_versions(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Store what a version that does not serve answers: one that somebody asked for, or a newer one without answers."""
    requested = facts.list_requested_predictions(db)
    answered = {*predictions.list_predicted(db), *runtime.marks.asked_versions}
    due = [*requested, *sorted(set(version_answers.list_kept(db)) - answered, reverse=True)]
    if not due:
        return None
    runtime.marks.asked_versions.add(due[0])  # of those whose vectors are gone nothing is stored
    try:
        version_answers.fill(runtime, db, models.get_model(db, due[0]))
    finally:
        facts.end_request_of_predictions(db, due[0])
    return Progress("predict", 1, len(due))


def _predicted(marks: ProgressMarks, db: Database, serving: Serving) -> NDArray[np.bool_]:
    """Return which diaries have a stored prediction of the serving model, by diary id - 1."""
    rows = diaries.last_diary_id(db)
    activation_id = models.last_activation_id(db)
    if marks.activation_id != activation_id:
        marks.activation_id = activation_id
        marks.predicted = ~np.isnan(predictions.load_predictions(db, serving.model)[:rows, 0])
    if len(marks.predicted) < rows:
        marks.predicted = np.pad(marks.predicted, (0, rows - len(marks.predicted)))
    return marks.predicted
