"""What the accuracy on the test part can't show: diaries set aside, answers that were in view, and readers who err."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator.quality.agreement import FEWEST
from db.label_sets import labels
from db.stats import agreement as stored
from db.stats import part_counts
from db.texts import diaries
from learner.classification.metrics import Interval
from learner.data_quality import agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database
    from db.stats.agreement import Answers
    from learner.data_quality.agreement import Kinds


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree on the same diaries, and what that means for a model.

    Attributes:
        n: diaries that more than one person labelled.
        same: how often two of them say the same.
        best: accuracy of a model that is always right, measured by one such reader, if readers err independently.
        is_test: whether these are test diaries; otherwise there are too few of these, and all diaries count.
    """

    n: int
    same: Interval
    best: Interval
    is_test: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What to know beside an accuracy.

    Attributes:
        labelled, skipped, flagged: test diaries by what was decided of them.
        shown: of the labelled ones those whose label was given with the model's answer in view.
        ceiling: None where fewer than `annotator.quality.agreement.FEWEST` diaries were read by more than one person.
    """

    labelled: int
    skipped: int
    flagged: int
    shown: int
    ceiling: Ceiling | None


def find_limits(db: Database) -> Limits:
    """Return what limits the accuracy on the test part of a project."""
    kinds = part_counts.count_test_kinds(db)
    return Limits(
        labelled=kinds["label"],
        skipped=kinds["skip"],
        flagged=kinds["flag"],
        shown=part_counts.count_test_shown(db),
        ceiling=_ceiling(db),
    )


def _ceiling(db: Database) -> Ceiling | None:
    column_of = {label.id: column for column, label in enumerate(labels.list_labels(db))}
    answers = stored.list_answers(db)
    answers = answers.where(np.isin(answers.label_ids, list(column_of)))
    is_test = diaries.mark_test(db)[answers.diary_ids - 1] if len(answers) else np.zeros(0, np.bool_)
    for of_test, chosen in ((True, is_test), (False, np.ones(len(answers), np.bool_))):
        kinds = _kinds(answers, chosen, column_of)
        if kinds.n >= FEWEST:
            return _measured(kinds, k=len(column_of), is_test=of_test)
    return None


def _kinds(answers: Answers, chosen: NDArray[np.bool_], column_of: dict[int, int]) -> Kinds:
    columns = np.array([column_of[int(i)] for i in answers.label_ids[chosen]], np.int64)
    return agreement.kinds_of(answers.diary_ids[chosen], columns, k=len(column_of))


def _measured(kinds: Kinds, *, k: int, is_test: bool) -> Ceiling:
    measure = agreement.same_share(kinds)
    value, low, high = measure.value or 0.0, measure.low or 0.0, measure.high or 0.0
    best = Interval(*(agreement.right_reader(share, k=k) for share in (value, low, high)))
    return Ceiling(kinds.n, Interval(value, low, high), best, is_test)
