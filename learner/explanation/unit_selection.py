"""Which units of a long text are examined one by one: parts that matter most for the likeliest label, by halves.

Source: Ribeiro et al. (2016) perturb all words; in a long text most of them do nothing, and each costs texts.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from learner.text.characters import Span, Spans

    Rank = Callable[[Sequence[Spans]], list[int]]

REST = 4
"""Groups of what is not examined unit by unit."""


def by_sentence(units: Spans, sentences: Sequence[Span]) -> list[Spans]:
    """Group units by the sentence that they begin in."""
    starts = [start for start, _ in sentences]
    groups: dict[int, list[Span]] = {}
    for span in units:
        groups.setdefault(max(bisect_right(starts, span[0]) - 1, 0), []).append(span)
    return [tuple(group) for group in groups.values()]


def select_units(parts: list[Spans], rank: Rank, most_units: int) -> tuple[tuple[Spans, ...], int]:
    """Narrow parts of a text, each a run of units, down to at most so many units in the parts that matter.

    A round weighs at most `most_units` blocks of neighbouring parts and takes the weightiest that fit. Where that
    fills less than half, the weightiest that was too large is looked into as well, in the next round.

    Args:
        rank: orders groups by how much they matter, the most first.

    Returns:
        The units that are examined, each by itself, and behind them all others in few larger groups; how many
        the former are.
    """
    everything = [span for part in parts for span in part]
    while _size(parts) > most_units:
        parts = _narrowed(_finer(parts, most_units) if len(parts) == 1 else parts, rank, most_units)
    examined = {span for part in parts for span in part}
    units = [(span,) for span in everything if span in examined]
    return (*units, *_rest(everything, examined)), len(units)


def _narrowed(parts: list[Spans], rank: Rank, most_units: int) -> list[Spans]:
    blocks = [[parts[i] for i in run] for run in _runs(len(parts), most_units)]
    groups = [tuple(span for part in block for span in part) for block in blocks]
    fits, too_large = _take([blocks[i] for i in rank(groups)], most_units)
    if 2 * _size(fits) >= most_units:
        return sorted(fits)
    opened = too_large if len(too_large) > 1 else _finer(too_large, most_units)
    return sorted(fits + opened)


def _rest(units: list[Span], examined: set[Span]) -> list[Spans]:
    """Return the other units in at most `REST` groups of neighbours.

    They come and go, too, as in LIME: what a word does is seen in the whole neighbourhood of the text, and
    shorter texts are read sooner.
    """
    others = [span for span in units if span not in examined]
    runs = _runs(len(others), REST) if others else []
    return [tuple(others[i] for i in run) for run in runs]


def _size(parts: list[Spans]) -> int:
    return sum(map(len, parts))


def _runs(count: int, most: int) -> list[list[int]]:
    """Deal 0 … count - 1 into at most so many runs of about equal length."""
    return [run.tolist() for run in np.array_split(np.arange(count), min(count, most))]


def _finer(parts: list[Spans], most: int) -> list[Spans]:
    """Break the only part into at most so many runs of units."""
    (part,) = parts
    return [tuple(part[i] for i in run) for run in _runs(len(part), most)]


def _take(ranked: list[list[Spans]], most_units: int) -> tuple[list[Spans], list[Spans]]:
    """Return the parts of the blocks that fit together, best first, and those of the best block that doesn't."""
    fits: list[Spans] = []
    too_large: list[Spans] = []
    for block in ranked:
        if _size(fits) + _size(block) <= most_units:
            fits += block
        elif not too_large:
            too_large = block
    return fits, too_large
