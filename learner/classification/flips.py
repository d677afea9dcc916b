"""Diaries of which two versions of a classifier answer differently, by pair of labels, the worst first.

Right answers gained on labels that a version has learned from say nothing of its quality, but those lost there do: a
change counts as bad by the decided diaries that it lost, less those that it gained among what no version learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flip:
    """Diaries that moved from one answer to another.

    Attributes:
        before, after: columns; -1 for any other answer.
        count: diaries that moved.
        gained, lost: decided ones that became right, and that became wrong.
        gained_learned: of those gained, the ones whose label a version had learned from.
    """

    before: int
    after: int
    count: int
    gained: int
    lost: int
    gained_learned: int

    @property
    def harm(self) -> int:
        """How many more decided diaries were lost than fairly gained."""
        return self.lost - (self.gained - self.gained_learned)


@dataclass(frozen=True, slots=True)
class LabelFlips:
    """Diaries that moved away from a label, and those that moved towards it.

    A label that a version hardly answers with any more loses by those that moved away; one that it answers with too
    often, by those that moved towards it.
    """

    label: int
    away: Flip
    towards: Flip

    @property
    def harm(self) -> int:
        """The worse of both."""
        return max(self.away.harm, self.towards.harm)


@dataclass(frozen=True, slots=True)
class Flips:
    """How many diaries moved from each answer to each other one, (k, k), with nothing on the diagonal."""

    counts: IntArray
    gained: IntArray
    lost: IntArray
    gained_learned: IntArray

    def pairs(self) -> list[Flip]:
        """Return each pair of answers between which something moved, the worst first."""
        flips = [self._flip(int(before), int(after)) for before, after in np.argwhere(self.counts)]
        return sorted(flips, key=lambda flip: (-flip.harm, -flip.lost, -flip.count, flip.before, flip.after))

    def labels(self) -> list[LabelFlips]:
        """Return each label that something moved from or to, the worst first; of equal ones, what moved away counts."""
        flips = [LabelFlips(i, self._flip(i, -1), self._flip(-1, i)) for i in range(len(self.counts))]
        moved = [each for each in flips if each.away.count + each.towards.count]
        return sorted(moved, key=lambda each: (-each.harm, -each.away.harm, -each.away.lost, each.label))

    def _flip(self, before: int, after: int) -> Flip:
        rows, columns = (slice(None) if place < 0 else place for place in (before, after))
        whole = (self.counts, self.gained, self.lost, self.gained_learned)
        return Flip(before, after, *(int(each[rows, columns].sum()) for each in whole))


def count(before: IntArray, after: IntArray, truth: IntArray, learned: BoolArray, *, k: int) -> Flips:
    """Count the diaries that moved.

    Args:
        before, after: (n,) answers, columns in [0, k), or -1 where a version has none: such rows count nowhere.
        truth: (n,) columns; -1 for undecided ones.
        learned: (n,) whether a version has learned from the diary's label.
    """
    moved = (before >= 0) & (after >= 0) & (before != after)
    gained, lost = moved & (after == truth), moved & (before == truth)

    def table(rows: BoolArray) -> IntArray:
        return np.bincount(before[rows] * k + after[rows], minlength=k * k).reshape(k, k).astype(np.int64)

    return Flips(table(moved), table(gained), table(lost), table(gained & learned))
