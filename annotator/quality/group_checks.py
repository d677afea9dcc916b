"""How often labels that one press gave to many diaries are wrong: what members that were held out are called singly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.answers import group_checks
from db.stats import annotator_stats
from learner.data_quality import held_out

if TYPE_CHECKING:
    from db import Database
    from learner.classification.metrics import Interval as Interval

FEWEST = 10
"""Answers from which a share is named; of fewer only their number is told."""


@dataclass(frozen=True, slots=True)
class GroupChecks:
    """What members that were held out were called, singly and blind.

    Attributes:
        same, count: answers that are the group's label, and all answers.
        different: share of labels given to many at once that a single answer differs from; None below `FEWEST`.
        wrong: share of them that are wrong; None, too, where fewer than `FEWEST` diaries were asked about twice.
        own_same, own_count: of these, answers of the person who labelled the group.
        waiting: members that nobody has been asked about yet.
        without_label: members that were skipped or flagged.
    """

    same: int
    count: int
    different: Interval | None
    wrong: Interval | None
    own_same: int
    own_count: int
    waiting: int
    without_label: int


def measure(db: Database) -> GroupChecks:
    """Return how often labels given to many diaries are right; see `learner.data_quality.held_out`."""
    checked = group_checks.list_checked(db)
    labelled = [each for each in checked if each.is_label]
    own = [each for each in labelled if each.is_own]
    estimate = None
    if len(labelled) >= FEWEST:
        estimate = held_out.estimate(
            np.array([not each.is_same for each in labelled], np.bool_),
            np.array([each.worth for each in labelled], np.float64),
            np.array([each.act_id for each in labelled], np.int64),
            repeated=_repeated(db),
        )
    return GroupChecks(
        sum(each.is_same for each in labelled),
        len(labelled),
        None if estimate is None else estimate.different,
        None if estimate is None else estimate.wrong,
        sum(each.is_same for each in own),
        len(own),
        group_checks.count_waiting(db),
        len(checked) - len(labelled),
    )


def _repeated(db: Database) -> tuple[int, int] | None:
    """Return how many diaries got another answer the second time, and how many were asked about twice; None for few."""
    hits = [annotator_stats.count_repeated(db, person) for person, _ in annotator_stats.list_people(db)]
    count = sum(each.n for each in hits)
    return None if count < FEWEST else (count - sum(each.same for each in hits), count)
