"""Every version on today's test part: what it answers, and which of those that have served is right most often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import AppError
from annotator.label_sets import projection
from db.connection import write
from db.label_sets import labels
from db.models import models, test_answers
from learner.classification import promotion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from annotator.training.examples import TrainingSet
    from db import Database
    from db.models.models import Model

    IntArray = NDArray[np.int64]


def load_comparable(runtime: ModelRuntime, db: Database, model: Model, label_ids: tuple[int, ...]) -> Serving | None:
    """Return a version if it can answer with each of these labels and its encoder can still be asked."""
    if not projection.columns(model.label_ids, label_ids, labels.list_merged(db)).is_whole:
        return None
    try:
        return runtime.load_classifier(db, model)
    except AppError:
        # Its encoder is no longer the settings' one, or the encoder's files are gone.
        return None


def has_learned(model: Model, test: TrainingSet) -> bool:
    """Return whether a version has learned from what it would be measured on: before the parts were drawn anew."""
    return bool(np.isin(test.all_decision_ids, model.training_decisions).any())


def ask_all(runtime: ModelRuntime, db: Database, diary_ids: IntArray) -> None:
    """Store what every version answers for test diaries that it was not asked about, where these have its vectors."""
    answered = test_answers.load(db)
    for model in models.list_models(db):
        due = np.setdiff1d(diary_ids, list(answered.get(model.id, ())))
        if len(due):
            _ask(runtime, db, model, due)


def _ask(runtime: ModelRuntime, db: Database, model: Model, due: IntArray) -> None:
    label_ids = tuple(label.id for label in labels.list_labels(db))
    serving = load_comparable(runtime, db, model, label_ids)
    if serving is None:
        return
    due = due[runtime.vectors_of(serving).has(due)]
    if not len(due):
        return
    columns = projection.columns(model.label_ids, label_ids, labels.list_merged(db))
    proba = columns.proba(serving.classifier.proba(runtime.features(db, serving, due)))
    with write(db):
        if tuple(label.id for label in labels.list_labels(db)) == label_ids:
            test_answers.store(db, model.id, due, np.array(label_ids)[proba.argmax(axis=1)])


def best_served(db: Database, test: TrainingSet, label_ids: tuple[int, ...]) -> tuple[Model, IntArray] | None:
    """Return the version that is right most often of those that have served, and its answers, (n,) columns.

    None where no such version has answered every test diary and learned from none of them.
    """
    column_of = {label_id: column for column, label_id in enumerate(label_ids)}
    answered, served = test_answers.load(db), []
    for model_id in models.list_served(db):
        if has_learned(models.get_model(db, model_id), test):
            continue
        given = answered.get(model_id, {})
        columns = np.array([column_of.get(given.get(int(i), -1), -1) for i in test.diary_ids], np.int64)
        if len(columns) and (columns >= 0).all():
            served.append((model_id, columns))
    if not served:
        return None
    model_id, columns = served[promotion.best_of([columns for _, columns in served], test.columns)]
    return models.get_model(db, model_id), columns
