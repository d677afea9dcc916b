"""Labelled diaries as training examples for a head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.soft_labels import consensus, share_equally, votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db.answers.training_data import LabelledDiaries
    from learner.classification.soft_labels import SoftTargets


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Labelled diaries as the learner wants them: one row a diary.

    Attributes:
        diary_ids: (n,) ascending.
        targets: (n, k) shares of the labels; rows sum to 1.
        columns: (n,) label columns with the largest share, of those that somebody gave.
        decision_ids: (n,) the newest decision for that label.
        all_decision_ids: (m,) every decision that contributed to the targets, ascending.
    """

    diary_ids: NDArray[np.int64]
    targets: NDArray[np.float32]
    columns: NDArray[np.int64]
    decision_ids: NDArray[np.int64]
    all_decision_ids: NDArray[np.int64]


def examples_of(
    labelled: LabelledDiaries, label_ids: tuple[int, ...], *, answers: NDArray[np.float32] | None = None
) -> TrainingSet:
    """Return one example for each diary to learn from; where several people worked, by how right each of them is.

    Labels that are not among the columns are left out.

    Args:
        answers: (n, k) what a model that has not seen its label says of each diary, ascending; it counts as one more
            reader.
    """
    given = _Given.of(labelled, label_ids)
    soft = consensus(
        given.diary_ids, given.annotator_ids, given.columns, k=given.k, shares=given.shares, answers=answers
    )
    return given.examples(soft)


def votes_of(labelled: LabelledDiaries, label_ids: tuple[int, ...]) -> TrainingSet:
    """Return one example for each diary to measure on: what people said, each of them counting the same."""
    given = _Given.of(labelled, label_ids)
    return given.examples(votes(given.diary_ids, given.columns, k=given.k, shares=given.shares))


@dataclass(frozen=True, slots=True)
class _Given:
    """Decisions for labels that are among the columns, oldest first.

    Attributes:
        shares: (m, k) what each says where some name several emotions; None if none does.
    """

    decision_ids: NDArray[np.int64]
    diary_ids: NDArray[np.int64]
    annotator_ids: NDArray[np.int64]
    columns: NDArray[np.int64]
    shares: NDArray[np.float32] | None
    k: int

    @classmethod
    def of(cls, labelled: LabelledDiaries, label_ids: tuple[int, ...]) -> _Given:
        column_of = {label_id: column for column, label_id in enumerate(label_ids)}
        columns = np.array([column_of.get(int(i), -1) for i in labelled.label_ids], np.int64)
        order = np.argsort(labelled.decision_ids, kind="stable")
        order = order[columns[order] >= 0]
        decisions, columns = labelled.decision_ids[order], columns[order]
        shares = _shares(decisions, columns, labelled.others, column_of) if len(labelled.others) else None
        return cls(decisions, labelled.diary_ids[order], labelled.annotator_ids[order], columns, shares, len(label_ids))

    def examples(self, soft: SoftTargets) -> TrainingSet:
        rows = np.searchsorted(soft.items, self.diary_ids)
        newest = np.zeros(len(soft.items), np.int64)
        says_so = self.columns == soft.columns[rows]
        # Decisions come oldest first, so the newest one is written last.
        newest[rows[says_so]] = self.decision_ids[says_so]
        return TrainingSet(soft.items, soft.targets, soft.columns, newest, np.sort(self.decision_ids))


def _shares(
    decisions_: NDArray[np.int64], columns: NDArray[np.int64], others: NDArray[np.int64], column_of: dict[int, int]
) -> NDArray[np.float32]:
    """Return each decision's label shares if some name several emotions; labels without a column are left out."""
    row_of = {int(decision_id): row for row, decision_id in enumerate(decisions_)}
    further = [
        (row_of[decision_id], column_of[label_id])
        for decision_id, label_id in others.tolist()
        if decision_id in row_of and label_id in column_of
    ]
    return share_equally(columns, np.array(further, np.int64).reshape(-1, 2), k=len(column_of))
