"""The progress of a project in figures, for the overview page and `maeumgyeol status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import worker_lock
from annotator.label_sets import projection
from annotator.quality import automation_bias as anchoring
from annotator.training import rounds as round_cases
from db.answers import decisions
from db.label_sets import labels
from db.models import facts, models, rounds, worker_status
from db.texts import diaries, sentences

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from db import Database
    from db.label_sets.labels import Label
    from db.models.models import Model
    from db.models.rounds import Round
    from db.models.worker_status import WorkerState as WorkerState

RULE_OF_THUMB = 100
"""Labels of each class that a classifier usually wants; a rule of thumb, not a promise."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a project stands.

    Attributes:
        counts: label decisions in force by label id, labels without any included.
        kinds: decisions in force by kind.
        left_count: diaries on which nobody's decision is in force.
        unsplit: diaries that have no sentences yet.
        fallbacks: diaries that kss could not split, and a simpler rule did.
        cut_count: diaries of which the encoder reads only the beginning.
        is_working: whether a worker holds the database now.
        anchoring: whether the model's answer influences people.
    """

    labels: tuple[Label, ...]
    counts: dict[int, int]
    kinds: dict[str, int]
    diary_count: int
    test_count: int
    left_count: int
    unsplit: int
    fallbacks: int
    cut_count: int
    active: Model | None
    open_round: Round | None
    plan: round_cases.Plan
    is_working: bool
    worker: WorkerState | None
    anchoring: anchoring.Anchoring


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
        left_count=count_left(db),
        unsplit=sentences.count_unsplit(db),
        fallbacks=sentences.count_fallbacks(db),
        cut_count=facts.get_truncated_count(db),
        active=models.find_active(db),
        open_round=rounds.find_open(db),
        plan=round_cases.plan_round(db),
        is_working=worker_lock.is_working(path),
        worker=worker_status.find_worker(db),
        anchoring=anchoring.compare(db),
    )


@dataclass(frozen=True, slots=True)
class Version:
    """A model version as the charts and the list of versions show it.

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
    largest = projection.load_predictions(db, active).max(axis=1, initial=-np.inf)
    return np.asarray(largest[np.isfinite(largest)], np.float32)


def count_in_tenths(shares: NDArray[np.float32]) -> tuple[int, ...]:
    """Count shares in [0, 1] by tenths: ten counts, 1.0 in the last."""
    counts, _ = np.histogram(shares, bins=10, range=(0.0, 1.0))
    return tuple(int(count) for count in counts)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the frame shows of the machine, cheap enough to be read every second.

    Attributes:
        is_working: whether a worker holds the database now.
        is_starting: whether one is on its way.
        version: the version that serves, if there is one yet.
    """

    is_working: bool
    is_starting: bool
    worker: WorkerState | None
    open_round: Round | None
    version: int | None


def get_worker_health(db: Database, path: Path) -> Pulse:
    """Return what the worker and the rounds are doing."""
    active = models.find_active(db)
    return Pulse(
        is_working=worker_lock.is_working(path),
        is_starting=worker_lock.is_starting(path),
        worker=worker_status.find_worker(db),
        open_round=rounds.find_open(db),
        version=None if active is None else active.version,
    )


def count_left(db: Database) -> int:
    """Count the diaries on which nobody's decision is in force."""
    return diaries.count_diaries(db) - decisions.count_decided(db)


def version_of(db: Database, model_id: int | None) -> int | None:
    """Return the version of a model; None for no model."""
    return None if model_id is None else models.get_model(db, model_id).version


def active_version(db: Database) -> int | None:
    """Return the version that serves; None if there is none yet."""
    active = models.find_active(db)
    return None if active is None else active.version


def label_names(db: Database) -> tuple[str, ...]:
    """Return the names of the labels in their order."""
    return tuple(label.name for label in labels.list_labels(db))
