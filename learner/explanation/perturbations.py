"""Which units to remove for an explanation, and how much each changed text counts.

The same neighbourhood as LIME's: the number of removed units is drawn uniformly from 1 to n, then which ones, and
near texts count more. Instead of 5,000 draws with repeats there are few masks, each at most once, that stand for
the draws they replace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 5_000
"""Draws of LIME by default. The ridge of its local model has a fixed strength, so the sum of the weights matters."""

KERNEL_WIDTH = 25.0
LEAST_BUDGET = 2

_TRIES = 20

_FEWEST, _MOST = 0.3, 0.55
"""Shares of the units that short texts keep."""


@dataclass(frozen=True, slots=True)
class Masks:
    """Masks over n units.

    Attributes:
        keep: (m, n) bool, which units stay; no row twice, the first row keeps all.
        weights: (m,) float64, positive; expected number of LIME's draws that a row stands for, times the kernel.
    """

    keep: NDArray[np.bool_]
    weights: NDArray[np.float64]


def kernel(kept_share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much a text counts that keeps a share of the units, in (0, 1]; 1 for the whole text.

    The cosine distance between the mask and the whole text is 1 - sqrt(share).

    Source: lime 0.2.0.1, LimeTextExplainer: distance times 100, sqrt(exp(-d² / 25²)).
    """
    distances = 100 * (1 - np.sqrt(kept_share))
    return np.asarray(np.sqrt(np.exp(-(distances**2) / KERNEL_WIDTH**2)))


def sample_masks(n: int, *, budget: int, rng: np.random.Generator) -> Masks:
    """Choose masks over n units.

    All 2**n where they fit the budget: then nothing is drawn, and the result is what LIME tends to with endless
    samples. Else sizes whose masks all fit into their share are taken whole, and of the rest, masks are drawn in
    proportion to what their size counts, so that each stands for the same weight.

    Args:
        n: at least 1.
        budget: most masks, the whole text included; at least 2.

    Raises:
        LearnerError: if the budget is smaller.
    """
    if budget < LEAST_BUDGET:
        raise LearnerError("explanation_budget", budget=budget, least=LEAST_BUDGET)
    sizes = np.arange(n + 1)
    worth = (DRAWS - 1) * kernel((n - sizes) / n) / n
    if 2**n <= budget:
        counts = [1, *(math.comb(n, size) for size in range(1, n + 1))]
        keep = _all_masks(n)
    else:
        counts, worth = _share_out(worth, n, budget)
        keep = _draw(counts, n, rng)
    removed = n - keep.sum(axis=1)
    worth[0] = 1.0
    return Masks(keep, (worth / np.maximum(counts, 1))[removed])


def sample_sparse_masks(n: int, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw masks that keep about a third to a half of n units; one may come twice.

    Texts that keep less are read sooner, and what is left of them counts for more, so that they tell more of each
    word in the same time than those of LIME's own neighbourhood. Those that keep less than a third are too far from the
    whole text to tell what a word does in it.

    Returns:
        (count, n) bool, at least one unit in each.
    """
    sizes = np.maximum(np.round(rng.uniform(_FEWEST, _MOST, count) * n), 1)
    places = rng.random((count, n)).argsort(axis=1).argsort(axis=1)
    return np.asarray(places < sizes[:, None], np.bool_)


def _all_masks(n: int) -> NDArray[np.bool_]:
    numbers = np.arange(2**n)[::-1]
    return np.asarray((numbers[:, None] >> np.arange(n)) & 1, np.bool_)


def _share_out(worth: NDArray[np.float64], n: int, budget: int) -> tuple[list[int], NDArray[np.float64]]:
    """Return how many masks each number of removed units gets, and what they are worth together.

    Sizes that get none pass what they are worth on to the sizes drawn in their neighbourhood.
    """
    rooms = [math.comb(n, size) for size in range(n + 1)]
    counts = [1] + [0] * n
    rest = np.arange(1, n + 1)
    while True:
        left = budget - sum(counts)
        shares = left * worth[rest] / worth[rest].sum()
        fits = np.array([share >= rooms[size] for size, share in zip(rest, shares, strict=True)])
        if not fits.any():
            break
        for size in rest[fits]:
            counts[size] = rooms[size]
        rest = rest[~fits]
    reach = np.cumsum(worth[rest]) / worth[rest].sum()
    drawn = rest[np.searchsorted(reach, (np.arange(left) + 0.5) / left)]
    shared = worth.copy()
    shared[rest] = 0
    for size, count in zip(*np.unique(drawn, return_counts=True), strict=True):
        counts[size] = int(count)
        shared[size] = worth[rest].sum() * count / left
    return counts, shared


def _draw(counts: list[int], n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw masks by size, none twice, so that each unit is removed about equally often."""
    keep = np.ones((sum(counts), n), np.bool_)
    taken = np.zeros(n, np.int64)
    seen: set[bytes] = set()
    row = 1
    for size, count in enumerate(counts[1:], start=1):
        for _ in range(count):
            removed = _new_subset(n, size, taken, seen, rng)
            keep[row, removed] = False
            taken[removed] += 1
            row += 1
    return keep


def _new_subset(
    n: int, size: int, taken: NDArray[np.int64], seen: set[bytes], rng: np.random.Generator
) -> NDArray[np.int64]:
    tries = 0
    while True:
        # The units removed least often so far come first; where those subsets are used up, any other.
        ties = rng.random(n)
        order = np.lexsort((ties, taken)) if tries < _TRIES else np.argsort(ties)
        removed = np.sort(order[:size])
        if (key := removed.tobytes()) not in seen:
            seen.add(key)
            return removed
        tries += 1
