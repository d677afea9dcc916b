"""Folds for out-of-fold answers: every label spread evenly, and no group in two folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

FOLDS = 5


def deal(labels: IntArray, groups: IntArray | None = None, *, seed: int, count: int = FOLDS) -> IntArray:
    """Return the fold of each example, (n,) in [0, count); fewer where there are fewer groups.

    Groups are dealt from the largest to the smallest, each to the fold that has least of its labels so far; examples
    alone in their group come last and even out the rest.

    Args:
        labels: (n,) columns.
        groups: (n,) examples of the same number stay together; None deals each example by itself, and so does a
            single group, since every fold needs something to learn from outside it.

    Source: the rule of scikit-learn's StratifiedGroupKFold, which looks at every group and fold one by one.
    """
    if groups is None or len(np.unique(groups)) < 2:
        groups = np.arange(len(labels))
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    folds = np.empty(len(labels), np.int64)
    together = sizes[group_of] > 1
    held = np.zeros((count, int(labels.max(initial=-1)) + 1))
    _deal_groups(labels, group_of, together, folds, held, seed=seed)
    _deal_singly(labels, np.flatnonzero(~together), folds, held, seed=seed)
    return folds


def _deal_groups(
    labels: IntArray,
    group_of: IntArray,
    together: NDArray[np.bool_],
    folds: IntArray,
    held: NDArray[np.float64],
    *,
    seed: int,
) -> None:
    """Deal groups of several, and note in `held` how many of each label each fold now has, (count, k)."""
    totals = np.bincount(labels).astype(np.float64)
    rows = np.flatnonzero(together)
    rows = rows[np.argsort(group_of[rows], kind="stable")]
    members = np.split(rows, np.flatnonzero(np.diff(group_of[rows])) + 1) if len(rows) else []
    drawn = np.random.default_rng(seed).permutation(len(members))
    for place in sorted(drawn.tolist(), key=lambda place: -len(members[place])):
        counts = np.bincount(labels[members[place]], minlength=len(totals))
        worth = counts / np.maximum(totals, 1) ** 2
        fold = np.lexsort((held.sum(axis=1), held @ worth))[0]
        folds[members[place]] = fold
        held[fold] += counts


def _deal_singly(labels: IntArray, rows: IntArray, folds: IntArray, held: NDArray[np.float64], *, seed: int) -> None:
    """Deal examples of their own, of each label to the folds that have fewest of it."""
    rows = np.random.default_rng(seed).permutation(rows)
    for label in np.unique(labels[rows]):
        mine = rows[labels[rows] == label]
        # The places that each fold offers, the emptiest first; equally empty ones by how much they hold in all.
        offers = (held[:, label][:, None] + np.arange(len(mine))).ravel()
        fold_of = np.repeat(np.arange(len(held)), len(mine))
        taken = np.lexsort((fold_of, held.sum(axis=1)[fold_of], offers))[: len(mine)]
        folds[mine] = fold_of[taken]
        held[:, label] += np.bincount(fold_of[taken], minlength=len(held))
