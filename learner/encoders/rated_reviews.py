"""Rated reviews that the upper layers of an encoder are tuned on: many, of all ratings, some put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.encoders.text_hashes import hashes_of
from learner.errors import LearnerError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

UNSEEN_SHARE = 0.5
"""Share of all reviews, by the hash of their text, that is never tuned on: benchmarks measure on them."""

_LEAST_CHARACTERS = 8

_PUT_TOGETHER = 0.45
"""Share of the reviews of each rating that are put together, two to five of them: diaries are longer than reviews."""

_MOST_TOGETHER = 5


@dataclass(frozen=True, slots=True)
class RatedReviews:
    """What is tuned on, and what was read for it.

    Attributes:
        texts: reviews, and reviews put together.
        ratings: of each, from 1 to 10.
        hashes: of every review that is in one of the texts.
    """

    texts: list[str]
    ratings: IntArray
    hashes: IntArray


def read_frame(path: Path) -> pd.DataFrame:
    """Return the reviews of a file that have a text and a rating from 1 to 10, each text once.

    Args:
        path: Parquet with columns ``document`` and ``rating``.

    Raises:
        LearnerError: ``corpus_empty`` where it is no such file, or none is left.
    """
    import pandas as pd

    try:
        rated = pd.read_parquet(path, columns=["document", "rating"])
    # Arrow's errors are kinds of these.
    except (ValueError, KeyError, OSError) as error:
        raise LearnerError("corpus_empty") from error
    rated["rating"] = pd.to_numeric(rated["rating"], errors="coerce")
    rated = rated[rated["rating"].between(1, 10)].dropna().drop_duplicates("document")
    if rated.empty:
        raise LearnerError("corpus_empty")
    return rated


def read(path: Path, *, count: int, seed: int) -> RatedReviews:
    """Read reviews, those of rare ratings more often than they are: by the root of how many there are.

    Args:
        path: see `read_frame`.
        count: reviews at most.

    Raises:
        LearnerError: ``corpus_empty`` where none is left.
    """
    rng = np.random.default_rng(seed)
    rated = read_frame(path)
    rated = rated[rated["document"].str.len() >= _LEAST_CHARACTERS]
    rated = rated[hashes_of(rated["document"]) % 1000 >= 1000 * UNSEEN_SHARE]
    if rated.empty:
        raise LearnerError("corpus_empty")
    weights = 1 / np.sqrt(rated["rating"].map(rated["rating"].value_counts()).to_numpy(np.float64))
    drawn = rated.iloc[rng.choice(len(rated), min(count, len(rated)), replace=False, p=weights / weights.sum())]
    texts, ratings = _put_together(drawn["document"].tolist(), drawn["rating"].to_numpy(np.int64), rng)
    return RatedReviews(texts, ratings, hashes_of(drawn["document"]))


def _put_together(texts: list[str], ratings: IntArray, rng: np.random.Generator) -> tuple[list[str], IntArray]:
    """Put some reviews of one rating together; the others stay by themselves."""
    pieces: list[IntArray] = []
    for rating in np.unique(ratings):
        rows = rng.permutation(np.flatnonzero(ratings == rating))
        shared = int(_PUT_TOGETHER * len(rows))
        sizes = rng.integers(2, _MOST_TOGETHER + 1, size=shared)
        cuts = np.cumsum(sizes)
        pieces += np.split(rows[:shared], cuts[cuts < shared])
        pieces += np.split(rows[shared:], np.arange(1, len(rows) - shared))
    pieces = [piece for piece in pieces if len(piece)]
    joined = [" ".join(texts[row] for row in piece) for piece in pieces]
    return joined, np.array([ratings[piece[0]] for piece in pieces], np.int64)
