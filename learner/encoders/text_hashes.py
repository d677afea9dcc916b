"""Identities of texts, by which benchmarks leave out what an encoder was tuned on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def text_hash(text: str) -> int:
    """Return a 63-bit identity of a text, spaces collapsed."""
    digest = hashlib.blake2b(" ".join(text.split()).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def hashes_of(texts: Iterable[str]) -> NDArray[np.int64]:
    """Return the identities of texts, (n,)."""
    return np.array([text_hash(text) for text in texts], np.int64)
