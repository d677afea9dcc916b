"""What versions answer that do not serve: kept for the newest ones, and made again for older ones.

A version's head and the diaries' vectors are kept, so that its answers need no encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.serving import scoring
from db.models import models, predictions
from db.texts import diaries
from learner.encoders import vector_store

if TYPE_CHECKING:
    from annotator.serving.runtime import ModelRuntime
    from db import Database
    from db.models.models import Model

KEPT = 4
"""Newest versions whose answers are kept: 28 MB each for a million diaries and seven labels."""

_SERVED = 2


def list_kept(db: Database) -> list[int]:
    """Return the ids of the versions whose answers are kept: the newest, and those that served last."""
    return sorted({*models.list_ids(db)[-KEPT:], *models.list_served(db)[-_SERVED:]})


def fill(runtime: ModelRuntime, db: Database, model: Model) -> int:
    """Store what a version answers to diaries that have its vectors and no stored answer; return how many these are.

    Raises:
        LearnerError: if a vector holds NaN.
    """
    file = vector_store.find(project.vectors_folder(runtime.database) / model.encoder_hash)
    if file is None:
        return 0
    due = file.present(diaries.last_diary_id(db))
    stored = predictions.load_predictions(db, model)[: len(due)]
    due[: len(stored)] &= np.isnan(stored[:, 0])
    diary_ids = np.flatnonzero(due) + 1
    if len(diary_ids):
        serving = runtime.load_head(db, model)
        predictions.update_predictions(db, model.id, diary_ids, scoring.score(runtime, db, serving, diary_ids))
    return len(diary_ids)
