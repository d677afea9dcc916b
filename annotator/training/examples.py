"""Labelled diaries as training examples for a head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.soft_labels import share_equally, soft_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db.answers.training_data import LabelledDiaries


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Labelled diaries as the learner wants them: one row a diary.

    Attributes:
        diary_ids: (n,) ascending.
        targets: (n, k) shares of the labels, where several people decided by how reliable they are; rows sum to 1.
        columns: (n,) label columns with the largest share.
        decision_ids: (n,) the newest decision for that label.
        all_decision_ids: (m,) every decision that contributed to the targets, ascending.
    """

    diary_ids: NDArray[np.int64]
    targets: NDArray[np.float32]
    columns: NDArray[np.int64]
    decision_ids: NDArray[np.int64]
    all_decision_ids: NDArray[np.int64]


def examples_of(labelled: LabelledDiaries, label_ids: tuple[int, ...]) -> TrainingSet:
    """Return one example for each diary, leaving out labels that are not among the columns."""
    column_of = {label_id: column for column, label_id in enumerate(label_ids)}
    columns = np.array([column_of.get(int(i), -1) for i in labelled.label_ids], np.int64)
    order = np.argsort(labelled.decision_ids, kind="stable")
    order = order[columns[order] >= 0]
    ids, decision, columns = labelled.diary_ids[order], labelled.decision_ids[order], columns[order]
    shares = _shares(decision, columns, labelled.others, column_of) if len(labelled.others) else None
    soft = soft_targets(ids, labelled.annotator_ids[order], columns, k=len(label_ids), shares=shares)
    rows = np.searchsorted(soft.items, ids)
    newest = np.zeros(len(soft.items), np.int64)
    says_so = columns == soft.columns[rows]
    # Decisions come oldest first, so the newest one is written last.
    newest[rows[says_so]] = decision[says_so]
    return TrainingSet(soft.items, soft.targets, soft.columns, newest, np.sort(decision))


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
