"""Perturbed texts: which units they keep, and how much each of them counts.

The same neighbourhood as LIME's: the number of removed units is drawn uniformly from 1 to n, then which ones, and
near texts count more. Instead of 5,000 draws with repeats there are few masks, each at most once, that stand for
the draws they replace.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError
from learner.text.units import without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.explanation.feature_cache import FeatureCache
    from learner.text.characters import Spans

DRAWS = 5_000
"""Draws of LIME by default. The ridge of its local model has a fixed strength, so the sum of the weights matters."""

KERNEL_WIDTH = 25.0
LEAST_BUDGET = 2

_TRIES = 20

_FEWEST, _MOST = 0.3, 0.55
"""Shares of the units that sparse masks keep."""

CHUNK = 12
"""Perturbed texts that are encoded before it is first checked whether the strongest units are settled."""

FEW = 12
"""Groups for which so many perturbed texts fit into two seconds that gradients add nothing to them."""

_NEAR = 4
"""Of a chunk, texts of LIME's own neighbourhood; the others are sparse. Of few groups all are of that neighbourhood: so
98 % of the five strongest of 9 to 12 words are found from 184 texts."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The perturbed texts around one text.

    Attributes:
        groups: g groups of ascending spans; each stays or is removed as a whole.
        cache: of the features of texts.
        seed: of the diary; the same groups and seed draw the same texts.
        replacement: takes the place of what is removed; empty where it is deleted.
    """

    text: str
    groups: tuple[Spans, ...]
    cache: FeatureCache
    seed: int
    replacement: str = ""

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Return the characters of each group, (g,)."""
        return np.array([sum(end - start for start, end in group) for group in self.groups], np.float64)

    def features(self, keep: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the features of the texts that keep some groups, (m, features).

        Args:
            keep: (m, g) bool.
        """
        spans = [span for group in self.groups for span in group]
        order = np.argsort([start for start, _ in spans], kind="stable")
        rows = np.repeat(keep, [len(group) for group in self.groups], axis=1)[:, order].tolist()
        ordered = [spans[i] for i in order]
        return self.cache.features([without(self.text, ordered, row, self.replacement) for row in rows])


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
    """Return masks over n units, none twice, and how much each counts.

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


def sample_lime_masks(n: int, *, seed: int) -> NDArray[np.bool_]:
    """Draw LIME's masks over n units, (5000, n) bool, the whole text first; one may come more than once.

    Source: lime 0.2.0.1, LimeTextExplainer: the same draws as with ``random_state=seed % 2**32``.
    """
    rng = np.random.RandomState(seed % 2**32)
    keep = np.ones((DRAWS, n), np.bool_)
    for row, size in zip(keep[1:], rng.randint(1, n + 1, DRAWS - 1), strict=True):
        row[rng.choice(n, size, replace=False)] = False
    return keep


def sample_chunks(groups: Sequence[Spans], *, seed: int, chunks: int) -> NDArray[np.bool_]:
    """Return so many chunks of masks over groups, (m, g), none twice, the whole text first.

    More chunks begin with the masks of fewer.
    """
    near = CHUNK if len(groups) <= FEW else _NEAR
    drawn = []
    for number, portion in enumerate(portions(len(groups), chunks)):
        rng = np.random.default_rng([seed, _identity(groups), number])
        drawn += [sample_masks(len(groups), budget=portion * near, rng=rng).keep]
        drawn += [sample_sparse_masks(len(groups), portion * (CHUNK - near), rng)]
    # np.unique sorts ascending, and the whole text is the largest.
    return np.asarray(np.unique(np.vstack(drawn), axis=0)[::-1])


def portions(groups: int, chunks: int) -> list[int]:
    """Return the chunks that are drawn together, one after the other: 1, 1, 2, 4 …, of few groups all at once."""
    portions = [chunks] if groups <= FEW else []
    while sum(portions) < chunks:
        portions.append(min(max(sum(portions), 1), chunks - sum(portions)))
    return portions


def _identity(groups: Sequence[Spans]) -> int:
    return int.from_bytes(blake2b(repr(tuple(groups)).encode(), digest_size=7).digest(), "big")


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
        remaining = budget - sum(counts)
        shares = remaining * worth[rest] / worth[rest].sum()
        fits = np.array([share >= rooms[size] for size, share in zip(rest, shares, strict=True)])
        if not fits.any():
            break
        for size in rest[fits]:
            counts[size] = rooms[size]
        rest = rest[~fits]
    reach = np.cumsum(worth[rest]) / worth[rest].sum()
    drawn = rest[np.searchsorted(reach, (np.arange(remaining) + 0.5) / remaining)]
    shared = worth.copy()
    shared[rest] = 0
    for size, count in zip(*np.unique(drawn, return_counts=True), strict=True):
        counts[size] = int(count)
        shared[size] = worth[rest].sum() * count / remaining
    return counts, shared


def _draw(counts: list[int], n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw masks by size, none twice, so that each unit is removed about equally often."""
    keep = np.ones((sum(counts), n), np.bool_)
    removals = np.zeros(n, np.int64)
    seen: set[bytes] = set()
    row = 1
    for size, count in enumerate(counts[1:], start=1):
        for _ in range(count):
            removed = _new_subset(n, size, removals, seen, rng)
            keep[row, removed] = False
            removals[removed] += 1
            row += 1
    return keep


def _new_subset(
    n: int, size: int, removals: NDArray[np.int64], seen: set[bytes], rng: np.random.Generator
) -> NDArray[np.int64]:
    tries = 0
    while True:
        # The units removed least often so far come first; where those subsets are used up, any other.
        ties = rng.random(n)
        order = np.lexsort((ties, removals)) if tries < _TRIES else np.argsort(ties)
        removed = np.sort(order[:size])
        if (key := removed.tobytes()) not in seen:
            seen.add(key)
            return removed
        tries += 1
