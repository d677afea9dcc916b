"""Fitting and filling the character n-gram features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.worker.tasks.progress import Progress
from annotator.worker.tasks.vectors import first_missing
from db.models import text_spaces as models_text_spaces
from db.texts import diaries
from learner.classification import ngram_features as text_spaces

if TYPE_CHECKING:
    from annotator.worker.runtime import ProgressMarks, WorkerRuntime
    from db import Database


_TEXT_FEATURES_BATCH = 2048


def fit_text_space(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Fit the text space once there are enough diaries, and again when their number has doubled."""
    count = diaries.count_diaries(db)
    if count < text_spaces.FEWEST_TEXTS or count < 2 * _fitted_on(runtime.marks, db):
        return None
    space = text_spaces.fit(diaries.sample_texts(db, limit=text_spaces.MOST_TEXTS), seed=0)
    models_text_spaces.add_text_space(db, space.to_bytes(), fitted_on=count)
    return Progress("text_space", 1, 1)


def _fitted_on(marks: ProgressMarks, db: Database) -> int:
    newest = models_text_spaces.find_newest_text_space(db)
    if newest is None:
        return 0
    if newest not in marks.fitted_on:
        space = models_text_spaces.find_text_space(db, newest)
        marks.fitted_on[newest] = 0 if space is None else space[2]
    return marks.fitted_on[newest]


def fill_text_features(runtime: WorkerRuntime, db: Database) -> Progress | None:
    space = runtime.text_space(db)
    if space is None:
        return None
    file = runtime.text_file(space[0])
    missing = first_missing(runtime.marks, db, file, limit=_TEXT_FEATURES_BATCH)
    if not len(missing):
        return None
    runtime.text_features(db, space[0], missing)
    return Progress("text_features", int((file.token_counts() > 0).sum()), diaries.count_diaries(db))
