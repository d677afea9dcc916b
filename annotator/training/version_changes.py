"""What one version answers otherwise than another: by pair of labels, and on decided diaries as wins and losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from annotator.label_sets import projection
from annotator.training import decided
from db.answers import training_data
from db.label_sets import labels
from db.texts import diaries
from learner.classification import comparison, flips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database
    from db.models.models import Model
    from learner.classification.flips import Flip as Flip
    from learner.classification.flips import LabelFlips as LabelFlips

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float32]
    BoolArray = NDArray[np.bool_]

Group = Literal["test", "later", "learned"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""Decided diaries: of the test part; others that neither version learned from; those that one of them learned from."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Wins and losses on decided diaries of one group that both versions have answered.

    Attributes:
        gained, lost: diaries that only the second version is right about, and only the first: McNemar's counts.
        p: McNemar's exact two-sided p value that both are right equally often; None for what was learned from.
    """

    group: Group
    n: int
    before_right: int
    after_right: int
    gained: int
    lost: int
    p: float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of two versions in labels in force, and what people decided; row i is diary i + 1.

    Attributes:
        label_ids, label_names: of the k labels in force.
        before, after: (rows,) columns; -1 where a version has no answer.
        before_proba, after_proba: (rows,) of these answers.
        truth: (rows,) columns of the label that most people gave; -1 for undecided ones.
        groups: (rows,) places in `GROUPS`; -1 for undecided ones.
    """

    label_ids: tuple[int, ...]
    label_names: tuple[str, ...]
    before: IntArray
    after: IntArray
    before_proba: FloatArray
    after_proba: FloatArray
    truth: IntArray
    groups: IntArray

    @property
    def both(self) -> BoolArray:
        """Which diaries both versions have answered."""
        return (self.before >= 0) & (self.after >= 0)

    @property
    def changed(self) -> BoolArray:
        """Which diaries they answer differently."""
        changed: BoolArray = self.both & (self.before != self.after)
        return changed


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from one version to another.

    Attributes:
        n: diaries that both have answered; count: those of which the answers differ.
        unanswered: diaries without a stored answer of the first, and of the second version.
        decided: by group, those with no diary left out.
        by_label: labels that answers moved from or to, the worst first.
        by_pair: pairs of answers, the worst first. See `learner.classification.flips`.
    """

    first: int
    second: int
    label_names: tuple[str, ...]
    n: int
    count: int
    unanswered: tuple[int, int]
    decided: tuple[Decided, ...]
    by_label: tuple[LabelFlips, ...]
    by_pair: tuple[Flip, ...]


def load(db: Database, first: Model, second: Model) -> Answers:
    """Return the stored answers of two versions beside what people decided."""
    rows = diaries.last_diary_id(db)
    label_set = labels.list_labels(db)
    label_ids = tuple(label.id for label in label_set)
    before, before_proba = _answers(db, first, rows)
    after, after_proba = _answers(db, second, rows)
    truth, groups = _decided(db, label_ids, first, second, rows)
    names = tuple(label.name for label in label_set)
    return Answers(label_ids, names, before, after, before_proba, after_proba, truth, groups)


def _answers(db: Database, model: Model, rows: int) -> tuple[IntArray, FloatArray]:
    proba = projection.load_predictions(db, model)[:rows]
    columns, best = np.full(rows, -1, np.int64), np.zeros(rows, np.float32)
    answered = np.flatnonzero(~np.isnan(proba).any(axis=1))
    columns[answered], best[answered] = proba[answered].argmax(axis=1), proba[answered].max(axis=1, initial=0)
    return columns, best


def _decided(
    db: Database, label_ids: tuple[int, ...], first: Model, second: Model, rows: int
) -> tuple[IntArray, IntArray]:
    known = decided.load(db, label_ids, rows)
    groups = np.where(known.is_test, GROUPS.index("test"), GROUPS.index("later"))
    groups[known.columns < 0] = -1
    learned = training_data.list_diaries_of(db, [*first.training_decisions, *second.training_decisions])
    # A diary that was labelled anew since is known to a version all the same; one of the test part was redrawn.
    learned = learned[learned <= rows]
    learned = learned[groups[learned - 1] >= 0]
    groups[learned - 1] = GROUPS.index("learned")
    return known.columns, groups


def count_decided(answers: Answers) -> tuple[Decided, ...]:
    """Return wins and losses by group; those without a diary are left out."""
    measured = (_count_group(answers, group) for group in GROUPS)
    return tuple(each for each in measured if each.n)


def _count_group(answers: Answers, group: Group) -> Decided:
    rows = answers.both & (answers.groups == GROUPS.index(group))
    before, after = (columns[rows] == answers.truth[rows] for columns in (answers.before, answers.after))
    gained, lost = comparison.discordant(before, after)
    p = None if group == "learned" else comparison.mcnemar(before, after)
    return Decided(group, int(rows.sum()), int(before.sum()), int(after.sum()), gained, lost, p)


def summarize(db: Database, first: Model, second: Model) -> Changes:
    """Return what changed from one version to another."""
    answers, diary_count = load(db, first, second), diaries.count_diaries(db)
    learned = answers.groups == GROUPS.index("learned")
    flipped = flips.count(answers.before, answers.after, answers.truth, learned, k=len(answers.label_ids))
    return Changes(
        first.version,
        second.version,
        answers.label_names,
        int(answers.both.sum()),
        int(answers.changed.sum()),
        (_count_missing(answers.before, diary_count), _count_missing(answers.after, diary_count)),
        count_decided(answers),
        tuple(flipped.labels()),
        tuple(flipped.pairs()),
    )


def _count_missing(columns: IntArray, diary_count: int) -> int:
    return max(0, diary_count - int((columns >= 0).sum()))
