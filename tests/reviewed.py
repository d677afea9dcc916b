"""A project whose diaries are worth a review: made of stored predictions, so that no encoder has to be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.worker.tasks import review_queue
from db import connection
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.label_sets import labels
from db.models import models, predictions
from db.people import annotators
from db.texts import diaries
from learner.encoders.vector_store import VectorFile
from tests.conftest import fill

if TYPE_CHECKING:
    from annotator.settings import Settings
    from db import Database

HAPPY, SAD = 2, 5
"""What `fill` means diaries with an odd and an even id to be."""


class Bench:
    """As much of a workbench as auditing looks at."""

    def settings(self, db: Database) -> Settings:
        """Return the settings in force."""
        from annotator import settings

        return settings.load(db)


def refresh(db: Database) -> bool:
    """Bring the audit queue up to date, as the worker does."""
    return review_queue.refresh(Bench(), db)  # type: ignore[arg-type]


def label(db: Database, diary_id: int, label_id: int, *, name: str = "지민", memo: str = "") -> int:
    """Let somebody label a diary; return the decision's id."""
    token = f"{name}-{diary_id}-{decisions.last_decision_id(db)}"
    who = annotators.get_or_create_id(db, name)
    made = decisions.add(db, NewDecision(diary_id, who, "label", token, label_id, memo))
    assert made is not None
    return made


def add_model(db: Database, *, sure: float = 0.9) -> int:
    """Put a model in force that knows the mood of every diary of `fill`, and is so sure of it."""
    ids = tuple(each.id for each in labels.list_labels(db))
    proba = np.full((diaries.last_diary_id(db), len(ids)), (1 - sure) / (len(ids) - 1), np.float32)
    mood = np.where(np.arange(1, len(proba) + 1) % 2 == 1, ids.index(HAPPY), ids.index(SAD))
    proba[np.arange(len(proba)), mood] = sure
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "encoder", ids, b"", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="round")
    return model_id


def add_vectors(db: Database) -> None:
    """Give every diary a vector of its mood, with a little chance."""
    rng = np.random.default_rng(0)
    count = diaries.last_diary_id(db)
    vectors = rng.normal(0, 0.1, (count, 8)).astype(np.float32)
    vectors[:, 0] += np.where(np.arange(1, count + 1) % 2 == 1, 1, -1)
    file = VectorFile(project.vectors_folder(Path(connection.file_of(db))) / "encoder", width=8)
    file.write(list(range(1, count + 1)), vectors, np.full(count, 5, np.int32))


def make(db: Database, count: int = 12) -> None:
    """Fill a project: 지민 labels all diaries, 1 and 2 wrongly; 서연 says something else of 3."""
    fill(db, count)
    db.conn.execute("update diaries set part = 'pool'")
    db.conn.commit()
    add_model(db)
    add_vectors(db)
    for diary_id in range(1, count + 1):
        is_happy = (diary_id % 2 == 1) != (diary_id in (1, 2))
        label(db, diary_id, HAPPY if is_happy else SAD, memo="왠지 그랬다" if diary_id == 1 else "")
    label(db, 3, 6, name="서연")
    refresh(db)
