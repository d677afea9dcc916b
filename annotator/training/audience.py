"""For whose diaries the figures of a round hold, read from its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator import settings as project_settings
from annotator.importing import parts
from annotator.training.evaluation import FEWEST_TO_TRUST
from db.label_sets import labels
from db.models import facts
from db.texts import diaries
from learner.classification import metrics, stratified
from learner.classification.metrics import Interval
from learner.classification.stratified import FEWEST as _FEWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database
    from db.models.rounds import Round

FEWEST_OF_SOURCE = _FEWEST
"""Test decisions of a source below which nothing is said about it."""

Whose = Literal["new_writers", "these_writers"]


@dataclass(frozen=True, slots=True)
class Source:
    """How well the diaries of one source are answered.

    Attributes:
        name: None where its diaries have been forgotten.
        waiting: diaries without a decision when the round was measured.
        n: test decisions; accuracy is None for fewer than `FEWEST_OF_SOURCE`.
    """

    name: str | None
    waiting: int
    n: int
    accuracy: Interval | None


@dataclass(frozen=True, slots=True)
class Audience:
    """For whose diaries the figures of a round hold.

    Attributes:
        measured_for: whose diaries the test diaries stand for; None where they have no writer.
        test_writers: who wrote the test diaries; None in reports of earlier releases.
        these: accuracy on new diaries of the writers who were learned from, and the number of labels behind it; None
            where the round's study has not measured it or has too few diaries drawn at random.
        sources: those with waiting diaries or test decisions, those that wait most first.
        waiting: accuracy on all waiting diaries together; None where too many are of sources with few test decisions.
        labels_of_one_writer: names of labels that only one writer's diaries have.
        left_out, patterned: labelled diaries that are near-copies of test diaries: that did not train, or did because
            most are.
        is_redrawn: whether parts have been drawn anew since.
    """

    measured_for: Whose | None
    test_writers: int | None
    these: tuple[Interval, int] | None
    sources: tuple[Source, ...]
    waiting: Interval | None
    labels_of_one_writer: tuple[str, ...]
    left_out: int
    patterned: int
    is_redrawn: bool

    @property
    def waiting_count(self) -> int:
        """Return how many diaries waited when the round was measured."""
        return sum(source.waiting for source in self.sources)


def audience_of(db: Database, finished: Round) -> Audience:
    """Read the report of a round that is done."""
    report = finished.report
    rows = report.get("sources", [])
    names = diaries.find_sources(db, [row["diary_id"] for row in rows])
    these = (report.get("study") or {}).get("these_writers")
    name_of = {label.id: label.name for label in labels.list_all_labels(db)}
    return Audience(
        measured_for=report.get("measured_for"),
        test_writers=report.get("test_writers"),
        these=_accuracy(these["right"], these["n"]) if these and these["n"] >= FEWEST_TO_TRUST else None,
        sources=tuple(
            Source(names.get(row["diary_id"]), row["waiting"], row["n"], _of_source(row["right"], row["n"]))
            for row in rows
        ),
        waiting=stratified.post_stratified(
            [row["right"] for row in rows], [row["n"] for row in rows], [row["waiting"] for row in rows]
        ),
        labels_of_one_writer=tuple(name_of[i] for i in report.get("labels_of_one_writer", ()) if i in name_of),
        left_out=int(report.get("left_out", 0)),
        patterned=int(report.get("patterned", 0)),
        is_redrawn=(finished.last_decision_id or 0) <= facts.parts_drawn_after(db),
    )


def drawn_writers(db: Database, diary_ids: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return a number for the writer of each test diary, (n,); None where test diaries were not drawn by writers."""
    writers = list(map(parts.writer_of, diaries.list_authors_of(db, diary_ids)))
    if not project_settings.load(db).writer_cut or not all(writers) or not writers:
        return None
    return np.asarray(np.unique(writers, return_inverse=True)[1], np.int64)


def _accuracy(right: int, n: int) -> tuple[Interval, int]:
    return Interval(right / n, *metrics.wilson(right, n)), n


def _of_source(right: int, n: int) -> Interval | None:
    return _accuracy(right, n)[0] if n >= FEWEST_OF_SOURCE else None
