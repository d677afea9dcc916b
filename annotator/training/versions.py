"""Every version on today's test part, and any two of them on the diaries that both have answered."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import UserError
from annotator.training.audience import drawn_writers
from annotator.training.evaluation import Difference, read_figures
from annotator.training.examples import votes_of
from db.answers import training_data
from db.label_sets import labels
from db.models import models, test_answers
from learner.classification import metrics, promotion
from learner.classification.design_effect import design_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.training.evaluation import Evaluation
    from db import Database
    from db.models.models import Model
    from learner.classification.promotion import Comparison

    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """A model version with its figures on the test diaries that have been decided until now.

    Attributes:
        label_names: of the labels of the figures.
    """

    version: int
    is_active: bool
    figures: Evaluation
    label_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions on the same test diaries: the figures of each, and by how much the second is right more often."""

    first: Evaluation
    second: Evaluation
    comparison: Comparison
    label_names: tuple[str, ...]

    @property
    def difference(self) -> Difference:
        """Return by how much the second version's accuracy is higher."""
        change = self.comparison.change
        return Difference(change.value, change.low, change.high, self.comparison.p)


@dataclass(frozen=True, slots=True)
class _TestPart:
    """The decided test diaries, what is true of them and what each version answers, by version.

    Attributes:
        truth: (n,) columns; `answers` (n,) as well, -1 where a version was not asked.
        writers: (n,) of `annotator.training.audience.drawn_writers`.
    """

    truth: IntArray
    writers: IntArray | None
    answers: dict[int, IntArray]
    label_names: tuple[str, ...]

    def figures(self, version: int, rows: NDArray[np.bool_]) -> Evaluation:
        k = len(self.label_names)
        proba = np.eye(k, dtype=np.float32)[self.answers[version][rows]]
        right = self.answers[version][rows] == self.truth[rows]
        effect = 1.0 if self.writers is None else design_effect(right, self.writers[rows])
        figures = read_figures(asdict(metrics.evaluate(proba, self.truth[rows], effect=effect)))
        assert figures is not None
        return figures


def list_measured(db: Database) -> list[Measured]:
    """Return the versions that have answered test diaries, oldest first.

    A version that can't be asked any more keeps the answers that it gave; `Measured.figures.n` says how many.
    """
    part, active = _load(db), models.find_active(db)
    return [
        Measured(
            version,
            active is not None and version == active.version,
            part.figures(version, answers >= 0),
            part.label_names,
        )
        for version, answers in part.answers.items()
        if (answers >= 0).any()
    ]


def get_version(db: Database, version: int) -> Model:
    """Return a model version by its number.

    Raises:
        UserError: if there is none.
    """
    versions = models.list_models(db)
    if not versions:
        raise UserError("no_model_yet")
    if version not in {model.version for model in versions}:
        raise UserError("version_unknown", found=version, newest=versions[-1].version)
    return next(model for model in versions if model.version == version)


def compare(db: Database, first: int, second: int) -> Pair:
    """Compare two versions on the test diaries that both have answered.

    Raises:
        UserError: ``versions_not_comparable`` if there is none, or it is twice the same version; `get_version` if
            there is no such version.
    """
    for version in (first, second):
        get_version(db, version)
    if first == second:
        raise UserError("versions_equal", version=first)
    part = _load(db)
    nothing = np.full(len(part.truth), -1, np.int64)
    before, after = (part.answers.get(version, nothing) for version in (first, second))
    both = (before >= 0) & (after >= 0)
    if not both.any():
        raise UserError("versions_not_comparable", first=first, second=second)
    return Pair(
        part.figures(first, both),
        part.figures(second, both),
        promotion.compare(before[both], after[both], part.truth[both], k=len(part.label_names)),
        part.label_names,
    )


def _load(db: Database) -> _TestPart:
    label_set = labels.list_labels(db)
    column_of = {label.id: column for column, label in enumerate(label_set)}
    test = votes_of(training_data.list_labelled(db, part="test"), tuple(column_of))
    given = test_answers.load(db)
    answers = {
        model.version: np.array(
            [column_of.get(given[model.id].get(diary_id, -1), -1) for diary_id in test.diary_ids.tolist()], np.int64
        )
        for model in models.list_models(db)
        if model.id in given
    }
    return _TestPart(test.columns, drawn_writers(db, test.diary_ids), answers, tuple(label.name for label in label_set))
