"""All diaries that a query asks for, as a mask over all of them: entry i belongs to diary i + 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.finding import filters, nearest
from annotator.finding.filters import Predictions
from annotator.finding.words import read_words
from annotator.privacy import masking
from db.search import facets, folding
from db.search import index as indexes
from db.search.blocks import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.filters import Sight
    from annotator.finding.query import Query
    from annotator.finding.words import Words
    from db import Database
    from db.search.index import Index

    Mask = NDArray[np.bool_]

MOST_COMPARED = 20_000
"""Texts that are compared at most, however few of them are hits."""

_AT_A_TIME = 512


@dataclass(frozen=True, slots=True)
class Matches:
    """All hits of a query.

    Attributes:
        mask: (size,) over all diaries.
        is_more: whether there may be more, in texts that were not compared.
        missing_count: diaries that were not searched, since the worker has still to index them.
        predictions: what the serving model answers, where it may be shown.
    """

    mask: Mask
    is_more: bool
    missing_count: int
    predictions: Predictions


def find_all(
    db: Database, path: Path, actor: Actor, query: Query, *, vector: NDArray[np.float32] | None = None
) -> Matches:
    """Return all diaries that a query asks for. Takes and raises what `annotator.finding.finder.find` does."""
    sight = filters.sight_of(db, actor)
    index, words = indexes.load(db), read_words(query.q)
    predictions = Predictions(db, index.last_id)
    mask = open_mask(db, index, actor, query, sight, words, predictions)
    if query.is_near:
        mask = nearest.find(db, path, actor, query, mask, vector).keep(mask)
    is_more = False
    if words:
        ids = np.flatnonzero(mask)[::-1] + 1
        is_more = len(ids) > MOST_COMPARED
        mask = np.zeros_like(mask)
        for at, are_hits in compared(db, actor, words, ids[:MOST_COMPARED]):
            mask[ids[at : at + len(are_hits)][are_hits] - 1] = True
    return Matches(mask, is_more, index.missing_count * BLOCK, predictions)


def open_mask(
    db: Database, index: Index, actor: Actor, query: Query, sight: Sight, words: Words, predictions: Predictions
) -> Mask:
    """Return the diaries that all filters let through, that somebody may see, and that may contain the words."""
    mask = index.lengths() > 0
    open_to_them = filters.visible(db, actor, sight, index.last_id)
    if open_to_them is not None:
        mask &= open_to_them
    for narrowed in filters.masks(db, index, query, sight, predictions):
        mask &= narrowed
    for word in words.required:
        if not mask.any():
            break
        mask &= index.candidates(folding.units_of(word))
    return mask


def compared(
    db: Database, actor: Actor, words: Words, ids: NDArray[np.int64], start: int = 0
) -> Iterator[tuple[int, Mask]]:
    """Yield, some texts at a time, which of them are hits as they are shown: what is covered is not found either."""
    settings = project_settings.load(db)
    sees_covered = diary_access.has_right(db, actor, "administrate")
    for at in range(start, len(ids), _AT_A_TIME):
        some = ids[at : at + _AT_A_TIME].tolist()
        texts = facets.find_texts(db, some)
        if not sees_covered:
            texts = {diary_id: masking.mask(text, settings) for diary_id, text in texts.items()}
        yield at, np.array([i in texts and words.are_in(texts[i]) for i in some], np.bool_)
