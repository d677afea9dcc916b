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
        diary_ids: (n,) in the order of the labelled diaries, which is the same on every machine.
        targets: (n, k) shares of the labels; rows sum to 1.
        columns: (n,) label columns with the largest share, of those that somebody gave.
        decision_ids: (n,) the newest decision for that label.
        all_decision_ids: (m,) every decision that contributed to the targets, ascending.
        act_ids: (n,) the press on a group that alone says what the label is; 0 where somebody decided the diary by
            itself.
    """

    diary_ids: NDArray[np.int64]
    targets: NDArray[np.float32]
    columns: NDArray[np.int64]
    decision_ids: NDArray[np.int64]
    all_decision_ids: NDArray[np.int64]
    act_ids: NDArray[np.int64]

    @property
    def weights(self) -> NDArray[np.float32]:
        """Return how much each example counts, (n,): 1, or its share of the group with which it was labelled.

        However many diaries one press labels, what it says is said once.
        """
        return shares_of(self.act_ids).astype(np.float32)

    @property
    def is_single(self) -> NDArray[np.bool_]:
        """Return which examples somebody decided by themselves, (n,)."""
        return np.asarray(self.act_ids == 0, np.bool_)


def shares_of(act_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much each example counts, (n,): those of one press 1 together, all others 1 each.

    Args:
        act_ids: (n,) the press, 0 for none.
    """
    _, places, counts = np.unique(act_ids, return_inverse=True, return_counts=True)
    return np.where(act_ids > 0, 1 / counts[places], 1.0)


def examples_of(
    labelled: LabelledDiaries, label_ids: tuple[int, ...], *, answers: NDArray[np.float32] | None = None
) -> TrainingSet:
    """Return one example for each diary to learn from; where several people worked, by how right each of them is.

    Labels that are not among the columns are left out.

    Args:
        answers: (n, k) what a model that has not seen its label says of each diary, in the order of the examples; it
            counts as one more reader.
    """
    given = _Given.of(labelled, label_ids)
    soft = consensus(given.places, given.readers, given.columns, k=given.k, shares=given.shares, answers=answers)
    return given.examples(soft)


def votes_of(labelled: LabelledDiaries, label_ids: tuple[int, ...]) -> TrainingSet:
    """Return one example for each diary to measure on: what people said, each of them counting the same."""
    given = _Given.of(labelled, label_ids)
    return given.examples(votes(given.places, given.columns, k=given.k, shares=given.shares))


@dataclass(frozen=True, slots=True)
class _Given:
    """Decisions for labels that are among the columns, oldest first.

    Attributes:
        diary_ids: (d,) every labelled diary, in its order.
        places: (m,) the place of each decision's diary among them.
        shares: (m, k) what each says where some name several emotions; None if none does.
    """

    decision_ids: NDArray[np.int64]
    diary_ids: NDArray[np.int64]
    places: NDArray[np.int64]
    annotator_ids: NDArray[np.int64]
    act_ids: NDArray[np.int64]
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
        diary_ids, places = _in_order(labelled.diary_ids)
        people, acts = labelled.annotator_ids[order], labelled.act_ids[order]
        return cls(decisions, diary_ids, places[order], people, acts, columns, shares, len(label_ids))

    @property
    def readers(self) -> NDArray[np.int64]:
        """Return whose answer each decision is, (m,): where several people work, labelling groups is a reader apart.

        How right somebody is who looks at many cards says little of how right they are on a diary by itself.
        """
        if len(np.unique(self.annotator_ids)) < 2:
            return self.annotator_ids
        return np.where(self.act_ids > 0, -self.annotator_ids, self.annotator_ids)

    def examples(self, soft: SoftTargets) -> TrainingSet:
        rows = np.searchsorted(soft.items, self.places)
        newest = np.zeros(len(soft.items), np.int64)
        says_so = self.columns == soft.columns[rows]
        # Decisions come oldest first, so the newest one is written last.
        newest[rows[says_so]] = self.decision_ids[says_so]
        acts = self._acts_alone(rows, len(soft.items))
        ids = np.sort(self.decision_ids)
        return TrainingSet(self.diary_ids[soft.items], soft.targets, soft.columns, newest, ids, acts)

    def _acts_alone(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the newest press on each example that rests on presses alone, (count,); 0 for the others."""
        acts = np.zeros(count, np.int64)
        acts[rows] = self.act_ids
        acts[rows[self.act_ids == 0]] = 0
        return acts


def _in_order(diary_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each diary once, in the order of first mention, and where among them every mention is."""
    unique, first, mentions = np.unique(diary_ids, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place_of = np.empty(len(unique), np.int64)
    place_of[order] = np.arange(len(unique))
    return unique[order], place_of[mentions]


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
