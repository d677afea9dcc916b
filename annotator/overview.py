"""How far a project is, in figures: for the overview page and `maeumgyeol status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import rounds as round_cases
from annotator.worker import lock
from db import decisions, diaries, labels, models, rounds

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from db import Database
    from db.labels import Label
    from db.models import Model
    from db.rounds import Round, WorkerState

RULE_OF_THUMB = 100
"""Labels of each class that a classifier usually wants; a rule of thumb, not a promise."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a project stands.

    Attributes:
        counts: label decisions in force by label id, labels without any included.
        kinds: decisions in force by kind.
        unsplit: diaries that have no sentences yet.
        fallbacks: diaries that kss could not split, and a simpler rule did.
        is_working: whether a worker holds the database now.
    """

    labels: tuple[Label, ...]
    counts: dict[int, int]
    kinds: dict[str, int]
    diary_count: int
    test_count: int
    unsplit: int
    fallbacks: int
    active: Model | None
    open_round: Round | None
    plan: round_cases.Plan
    is_working: bool
    worker: WorkerState | None


def status(db: Database, path: Path) -> Status:
    """Return where a project stands."""
    label_set = labels.list_labels(db)
    counts = decisions.count_by_label(db)
    return Status(
        labels=tuple(label_set),
        counts={label.id: counts.get(label.id, 0) for label in label_set},
        kinds=decisions.count_by_kind(db),
        diary_count=diaries.count_diaries(db),
        test_count=diaries.count_diaries(db, "test"),
        unsplit=diaries.count_unsplit(db),
        fallbacks=diaries.count_fallbacks(db),
        active=models.find_active(db),
        open_round=rounds.find_open(db),
        plan=round_cases.plan(db),
        is_working=lock.is_working(path),
        worker=rounds.find_worker(db),
    )


@dataclass(frozen=True, slots=True)
class Version:
    """A model version as the charts and the list of versions want it.

    Attributes:
        test: evaluation on the test diaries decided when it was made; None for the version without labels.
        seconds: from the press to the new queue; None if no round made it.
    """

    model: Model
    is_active: bool
    train_count: int
    test: dict[str, Any] | None
    round: Round | None
    seconds: float | None


def list_versions(db: Database) -> list[Version]:
    """Return every model version, oldest first."""
    active = models.find_active_id(db)
    by_model = {r.model_id: r for r in rounds.list_rounds(db) if r.model_id is not None}
    versions = []
    for model in models.list_models(db):
        made_by = by_model.get(model.id)
        versions.append(
            Version(
                model=model,
                is_active=model.id == active,
                train_count=len(model.training_decisions),
                test=model.metrics.get("test"),
                round=made_by,
                seconds=rounds.seconds_of(made_by) if made_by and made_by.ended_at else None,
            )
        )
    return versions


def confidences(db: Database) -> NDArray[np.float32]:
    """Return the largest probability of each diary that the serving model has predicted, (n,)."""
    active = models.find_active(db)
    if active is None:
        return np.zeros(0, np.float32)
    largest = models.load_predictions(db, active).max(axis=1, initial=-np.inf)
    return np.asarray(largest[np.isfinite(largest)], np.float32)
