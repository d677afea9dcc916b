"""Predicting the diaries that have a vector and no prediction yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.serving import scoring
from annotator.worker.tasks.progress import Progress, forgotten_ids, head_ids
from db.models import models, predictions
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import ProgressMarks, WorkerRuntime
    from db import Database


_PREDICT_BATCH = 4096


def predict(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Predict the diaries that have a vector and no prediction by the serving model.

    At once where somebody is about to see one; otherwise when many are due, or when all have vectors.
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
    due = due[encoded]
    predictions.update_predictions(db, serving.model.id, due, scoring.score(runtime, db, serving, due))
    predicted[due - 1] = True
    return Progress("predict", int(predicted.sum()), len(predicted))


def _predicted(known: ProgressMarks, db: Database, serving: Serving) -> NDArray[np.bool_]:
    """Say of which diaries the serving model's prediction is kept, by diary id - 1."""
    rows = diaries.last_diary_id(db)
    activation_id = models.last_activation_id(db)
    if known.activation_id != activation_id:
        known.activation_id = activation_id
        known.predicted = ~np.isnan(predictions.load_predictions(db, serving.model)[:rows, 0])
    if len(known.predicted) < rows:
        known.predicted = np.pad(known.predicted, (0, rows - len(known.predicted)))
    return known.predicted
