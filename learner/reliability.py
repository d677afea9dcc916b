"""What several people say of one diary, as shares of the labels, by how far each of them agrees with the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

PRIOR_OVERLAPS = 10.0
"""Overlaps with full agreement that everyone starts with: a few disagreements say little of a person."""


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """Labels of diaries that several people may have decided.

    Attributes:
        items: (n,) the diaries, ascending.
        targets: (n, k) float32, rows sum to 1.
        columns: (n,) the label with the largest share; the newer decision wins a tie.
        reliability: annotator -> weight of one decision, in (0, 1].
    """

    items: IntArray
    targets: FloatArray
    columns: IntArray
    reliability: dict[int, float]


def soft_targets(items: IntArray, annotators: IntArray, columns: IntArray, *, k: int) -> SoftTargets:
    """Share each diary's label among what people said of it, each weighed by reliability.

    Reliability is the share of other people's decisions on the same diaries that say the same, shrunk to 1 while
    there are few. Where one person decided alone, that decision is the label, however reliable the person.

    Args:
        items, annotators, columns: (m,) one decision each, oldest first; columns in [0, k).

    Source: agreement-weighted voting, a one-step form of Dawid and Skene (1979), Maximum Likelihood Estimation of
    Observer Error-Rates Using the EM Algorithm, with one accuracy a person.
    """
    found, places = np.unique(items, return_inverse=True)
    votes = np.zeros((len(found), k))
    np.add.at(votes, (places, columns), 1)
    others = votes.sum(axis=1)[places] - 1
    agreeing = votes[places, columns] - 1
    people, who = np.unique(annotators, return_inverse=True)
    overlaps = np.bincount(who, others, minlength=len(people))
    agreements = np.bincount(who, agreeing, minlength=len(people))
    reliability = (agreements + PRIOR_OVERLAPS) / (overlaps + PRIOR_OVERLAPS)
    shares = np.zeros((len(found), k))
    np.add.at(shares, (places, columns), reliability[who])
    # A grain more for the newer decision, so that two people who disagree don't leave the answer to the label order.
    newer = np.zeros_like(shares)
    newer[places, columns] = 1e-9 * np.arange(1, len(items) + 1)
    targets = shares / shares.sum(axis=1, keepdims=True)
    return SoftTargets(
        found.astype(np.int64),
        targets.astype(np.float32),
        (shares + newer).argmax(axis=1).astype(np.int64),
        dict(zip(people.tolist(), reliability.tolist(), strict=True)),
    )
