"""Several people's decisions on one diary as shares of the labels: as given, or by how right each person is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from learner.classification import readers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """Labels of diaries that several people may have decided.

    Attributes:
        items: (n,) the diaries, ascending.
        targets: (n, k) float32, rows sum to 1.
        columns: (n,) of the labels that somebody gave the one with the largest share; the newer decision wins a tie.
        right: annotator -> how often that person is right, as far as it was estimated.
    """

    items: IntArray
    targets: FloatArray
    columns: IntArray
    right: dict[int, float] = field(default_factory=dict)


def votes(items: IntArray, columns: IntArray, *, k: int, shares: FloatArray | None = None) -> SoftTargets:
    """Return what people said, each decision counting the same.

    Args:
        items, columns: (m,) one decision each, oldest first; columns in [0, k).
        shares: (m, k) what each decision says, where one may name several labels; rows sum to 1, see `share_equally`.
            Without it a decision says its column and nothing else.
    """
    said = np.eye(k)[columns] if shares is None else shares.astype(np.float64)
    diaries, places = np.unique(items, return_inverse=True)
    targets = np.zeros((len(diaries), k))
    np.add.at(targets, places, said)
    targets /= targets.sum(axis=1, keepdims=True)
    return SoftTargets(diaries.astype(np.int64), targets.astype(np.float32), _served(targets, places, columns))


def consensus(
    items: IntArray,
    annotators: IntArray,
    columns: IntArray,
    *,
    k: int,
    shares: FloatArray | None = None,
    answers: FloatArray | None = None,
) -> SoftTargets:
    """Return each diary's label as people's decisions on it and their work elsewhere make it likely.

    One person alone is believed: nothing says how right they are. See `learner.classification.readers`.

    Args:
        items, columns, shares: as in `votes`.
        annotators: (m,) who decided.
        answers: (n, k) what a model that has not seen its label says of each diary, ascending; None for none.
    """
    people, who = np.unique(annotators, return_inverse=True)
    plain = votes(items, columns, k=k, shares=shares)
    if len(people) < 2:
        return plain
    places = np.searchsorted(plain.items, items)
    said = np.eye(k)[columns] if shares is None else shares.astype(np.float64)
    used = np.flatnonzero(said.any(axis=0))
    result = readers.estimate(places, who, said[:, used], None if answers is None else _among(answers, used))
    targets = np.zeros((len(plain.items), k))
    targets[:, used] = result.posterior
    right = dict(zip(people.tolist(), result.right.tolist(), strict=True))
    return SoftTargets(plain.items, targets.astype(np.float32), _served(targets, places, columns), right)


def _among(answers: FloatArray, used: IntArray) -> NDArray[np.float64]:
    """Return probabilities among the labels in use, (n, used), rows sum to 1."""
    chosen = answers[:, used].astype(np.float64) + 1e-9
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True), np.float64)


def _served(targets: NDArray[np.float64], places: IntArray, columns: IntArray) -> IntArray:
    """Return the likeliest of the labels that somebody gave, (n,)."""
    given = np.full_like(targets, -1.0)
    given[places, columns] = targets[places, columns]
    # A tiny bonus for the newer decision, so that the label order doesn't decide between two people who disagree.
    given[places, columns] += 1e-9 * np.arange(1, len(places) + 1)
    return np.asarray(given.argmax(axis=1), np.int64)


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
