"""Several people's decisions on one diary, as shares of the labels, by how far each person agrees with the others."""

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


def soft_targets(
    items: IntArray, annotators: IntArray, columns: IntArray, *, k: int, shares: FloatArray | None = None
) -> SoftTargets:
    """Share each diary's label among people's decisions on it, each weighted by reliability.

    Reliability is the share of other people's decisions on the same diaries that say the same, shrunk to 1 while
    there are few. Where one person decided alone, that decision is the label, however reliable the person.

    Args:
        items, annotators, columns: (m,) one decision each, oldest first; columns in [0, k).
        shares: (m, k) what each decision says, where one may name several labels; rows sum to 1, see `share_equally`.
            Without it a decision says its column and nothing else.

    Source: agreement-weighted voting, a one-step form of Dawid and Skene (1979), Maximum Likelihood Estimation of
    Observer Error-Rates Using the EM Algorithm, with one accuracy a person. Decisions that name several labels agree by
    the probability that one draw from each names the same.
    """
    answers = np.eye(k)[columns] if shares is None else shares.astype(np.float64)
    diaries, places = np.unique(items, return_inverse=True)
    votes = np.zeros((len(diaries), k))
    np.add.at(votes, places, answers)
    others = votes.sum(axis=1)[places] - 1
    agreeing = ((votes[places] - answers) * answers).sum(axis=1)
    people, who = np.unique(annotators, return_inverse=True)
    overlaps = np.bincount(who, others, minlength=len(people))
    agreements = np.bincount(who, agreeing, minlength=len(people))
    reliability = (agreements + PRIOR_OVERLAPS) / (overlaps + PRIOR_OVERLAPS)
    weighed = np.zeros((len(diaries), k))
    np.add.at(weighed, places, reliability[who, None] * answers)
    # A tiny bonus for the newer decision, so that the label order doesn't decide between two people who disagree.
    newer = np.zeros_like(weighed)
    newer[places, columns] = 1e-9 * np.arange(1, len(items) + 1)
    targets = weighed / weighed.sum(axis=1, keepdims=True)
    return SoftTargets(
        diaries.astype(np.int64),
        targets.astype(np.float32),
        (weighed + newer).argmax(axis=1).astype(np.int64),
        dict(zip(people.tolist(), reliability.tolist(), strict=True)),
    )


def share_equally(columns: IntArray, others: IntArray, *, k: int) -> FloatArray:
    """Return each decision as a distribution: the labels that it names share it equally.

    People are asked which emotions a diary holds, not how much of each, so nothing says that one weighs more.

    Args:
        columns: (m,) the label that each decision names first, in [0, k).
        others: (n, 2) row of a decision, and a further label that it names.

    Returns:
        (m, k), rows sum to 1.

    Source: Uma et al. (2021), Learning from Disagreement: A Survey, sec. 5, for training on distributions; equal shares
    by the principle of indifference.
    """
    shares = np.eye(k, dtype=np.float32)[columns]
    shares[others[:, 0], others[:, 1]] = 1
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
