"""Draws by a diary's number: the same on one machine and on many, whichever diaries lie beside it.

A generator gives the third diary it is asked about its third number. These give each diary its own, so that a pool in
shards draws the diaries that a pool in one piece does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

Purpose = Literal["score", "sample", "uniform"]

_PURPOSES: dict[Purpose, int] = {"score": 1, "sample": 2, "uniform": 3}
"""What is drawn for one purpose says nothing about another."""

_GOLDEN, _FIRST, _SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def draw(numbers: IntArray, *, seed: int, purpose: Purpose) -> NDArray[np.float64]:
    """Return a draw for each number, uniform in [0, 1), (n,).

    Args:
        numbers: (n,) not negative.
        seed: not negative, below 2 ** 61.

    Source: Steele, Lea and Flood (2014), Fast Splittable Pseudorandom Number Generators (SplitMix64).
    """
    with np.errstate(over="ignore"):
        key = _mix(np.array([4 * seed + _PURPOSES[purpose]], np.uint64))
        mixed = _mix(numbers.astype(np.uint64) * _GOLDEN + key)
    return np.asarray((mixed >> np.uint64(11)) * 2.0**-53, np.float64)


def smallest(draws: NDArray[np.float64] | IntArray, count: int) -> IntArray:
    """Return the places of the `count` smallest draws, smallest first; ties in their order."""
    return np.argsort(draws, kind="stable")[: max(0, count)].astype(np.int64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
