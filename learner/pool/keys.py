"""Keys by which equal texts of a pool are known, and the keys that were seen so far: eight bytes a text."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]


def key_of(text_hash: bytes, *, seed: bytes) -> int:
    """Return the key of a text by its digest, in [1, 2**63).

    Keyed, so that nobody who has the shards but not the project can look up whether a text is there by its digest. Two
    different texts share a key in one of 18 million pools of a million texts, and in one of 1,800 of a hundred million;
    the later one is then left out as a copy. See `odds_of_collision`.

    Args:
        seed: at most 64 bytes.
    """
    number = int.from_bytes(blake2b(text_hash, key=seed, person=b"pool", digest_size=8).digest()) >> 1
    return number or 1


def odds_of_collision(count: int) -> float:
    """Return the probability that any two of so many different texts share a key.

    Source: the birthday bound, n (n - 1) / 2 pairs of which each agrees with probability 2**-63.
    """
    return -float(np.expm1(-count * (count - 1) / 2 / 2.0**63))


class SeenKeys:
    """Which keys were seen: sorted runs that are merged as they grow, so that each key is moved a few times."""

    def __init__(self) -> None:
        self._runs: list[IntArray] = []

    def add(self, keys: IntArray) -> NDArray[np.bool_]:
        """Add keys and return for each whether it is new, (n,); of equal ones among them the first is."""
        is_new = np.zeros(len(keys), np.bool_)
        unique, first = np.unique(keys, return_index=True)
        is_new[first] = ~self._known(unique)
        self._keep(np.sort(keys[is_new]))
        return is_new

    def _known(self, keys: IntArray) -> NDArray[np.bool_]:
        known = np.zeros(len(keys), np.bool_)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            known |= run[places] == keys
        return known

    def _keep(self, run: IntArray) -> None:
        if not len(run):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
