"""Finding diaries: words, filters and likeness combined, page by page, for whoever may see them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import UserError
from annotator.finding import filters, matching, nearest
from annotator.finding.filters import Predictions
from annotator.finding.hits import Hit, describe
from annotator.finding.words import read_words
from db.label_sets import labels
from db.search import facets, folding
from db.search import index as indexes
from db.search.blocks import BLOCK

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.filters import Sight
    from annotator.finding.nearest import Nearness
    from annotator.finding.query import Query
    from annotator.finding.words import Words
    from db import Database
    from db.search.blocks import Columns
    from db.search.index import Index

    Ids = NDArray[np.int64]
    Keys = NDArray[np.float64]

PAGE = 50
COUNTED = 1_000
"""Hits after which no more texts are compared: a count beyond it is said as at least so many."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits.

    Attributes:
        count: all hits, on all pages.
        is_more: whether there may be more than `count`, which were not counted.
        next: what `Query.after` continues with; empty at the end.
        missing_count: diaries that were not searched, since the worker has still to index them.
        nearness: where the hits are those nearest to something.
    """

    hits: tuple[Hit, ...]
    count: int
    is_more: bool
    next: str
    missing_count: int
    nearness: Nearness | None = None


@dataclass(frozen=True, slots=True)
class _Search:
    """A search under way.

    Attributes:
        ids: diaries that all filters let through, and that may contain the words, in the order asked for.
        keys: what they are sorted by, NaN where there is nothing.
    """

    db: Database
    actor: Actor
    sight: Sight
    words: Words
    ids: Ids
    keys: Keys


def find(
    db: Database,
    path: Path,
    actor: Actor,
    query: Query,
    *,
    limit: int = PAGE,
    vector: NDArray[np.float32] | None = None,
) -> Found:
    """Return a page of the diaries that a query asks for.

    Args:
        path: of the database, beside which the vectors lie.
        vector: of the query's `like_text`.

    Raises:
        UserError: for a query that can't be answered, or that asks for what somebody may not see.
        NotFoundError: for a diary to be like that is not there.
    """
    sight = filters.sight_of(db, actor)
    index, words = indexes.load(db), read_words(query.q)
    predictions = Predictions(db, index.last_id)
    mask = matching.open_mask(db, index, actor, query, sight, words, predictions)
    nearness = None
    if query.is_near:
        nearness = nearest.find(db, path, actor, query, mask, vector)
        mask = nearness.keep(mask)
    ids, keys = _sorted(db, index, query, mask, predictions, sight, nearness)
    search = _Search(db, actor, sight, words, ids, keys)
    return _page(search, query, limit, index, nearness)


def list_ids(
    db: Database, path: Path, actor: Actor, query: Query, *, limit: int, vector: NDArray[np.float32] | None = None
) -> list[int]:
    """Return the first diaries that a query asks for, in its order. Raises as `find` does."""
    return [hit.diary_id for hit in find(db, path, actor, query, limit=limit, vector=vector).hits]


def _sorted(
    db: Database,
    index: Index,
    query: Query,
    mask: NDArray[np.bool_],
    predictions: Predictions,
    sight: Sight,
    nearness: Nearness | None,
) -> tuple[Ids, Keys]:
    """Return the hits and their keys in the order asked for; those without a key come last, the newest first."""
    ids = np.flatnonzero(mask)[::-1] + 1
    keys = _keys(db, index, query, ids, predictions, sight, nearness)
    # NaN is sorted behind everything.
    order = np.argsort(-keys if query.is_descending else keys, kind="stable")
    return ids[order], keys[order]


def _keys(
    db: Database,
    index: Index,
    query: Query,
    ids: Ids,
    predictions: Predictions,
    sight: Sight,
    nearness: Nearness | None,
) -> Keys:
    column, places = query.column, ids - 1
    if not sight.is_reviewer and column in ("prediction", "probability"):
        raise UserError("find_reviewers_only", name="sort")
    if column == "id":
        return ids.astype(np.float64)
    if column == "nearness" and nearness is not None:
        return nearness.cosines[places].astype(np.float64)
    if column in ("prediction", "label"):
        given = predictions.tops()[0] if column == "prediction" else facets.label_ids(db, index.last_id, sight.own_id)
        return _positions(db, given[places])
    if column == "probability":
        return predictions.tops()[1][places].astype(np.float64)
    columns = index.columns()
    if column == "length":
        return columns.lengths[places].astype(np.float64)
    if column == "date":
        days = columns.days[places].astype(np.float64)
        return np.where(days < -(2**30), np.nan, days)
    return _ranks(db, "author" if column == "writer" else "source", ids, columns)


def _positions(db: Database, label_ids: NDArray[np.int32]) -> Keys:
    """Return the places of labels in their order, NaN for none."""
    all_labels = labels.list_all_labels(db)
    place_of = np.full(max((label.id for label in all_labels), default=0) + 1, np.nan)
    for place, label in enumerate(all_labels):
        place_of[label.id] = place
    place_of[0] = np.nan
    return place_of[label_ids]


def _ranks(db: Database, name: str, ids: Ids, columns: Columns) -> Keys:
    """Return the places of writers or sources in alphabetical order, NaN for none."""
    sums = (columns.authors if name == "author" else columns.sources)[ids - 1]
    distinct, firsts, inverse = np.unique(sums, return_index=True, return_inverse=True)
    names = facets.find_names(db, "author" if name == "author" else "source", ids[firsts].tolist())
    spelled = [folding.compose(names.get(int(ids[first])) or "") for first in firsts]
    ranks = np.empty(len(distinct))
    ranks[np.argsort(np.array(spelled, dtype=object), kind="stable")] = np.arange(len(distinct))
    ranks[distinct == 0] = np.nan
    return ranks[inverse]


def _after(query: Query) -> tuple[float, int] | None:
    """Return the key and the id of the last hit of the page before."""
    if not query.after:
        return None
    key, _, diary_id = query.after.partition("_")
    try:
        return float(key or "nan"), int(diary_id)
    except ValueError as error:
        raise UserError("find_value", name="after", value=query.after[:40]) from error


def _start(search: _Search, query: Query) -> int:
    """Return the place of the first hit behind the page before."""
    after = _after(query)
    if after is None:
        return 0
    key, diary_id = after
    signed, bound = (-search.keys, -key) if query.is_descending else (search.keys, key)
    if math.isnan(key):
        before = ~np.isnan(signed) | (search.ids >= diary_id)
    else:
        before = (signed < bound) | ((signed == bound) & (search.ids >= diary_id))
    return int(np.count_nonzero(before))


def _page(search: _Search, query: Query, limit: int, index: Index, nearness: Nearness | None) -> Found:
    start = _start(search, query)
    if search.words:
        count, is_more, chosen = _compare(search, 0, limit + 1)
        if start:
            chosen = _compare(search, start, limit + 1)[2]
    else:
        count, is_more = len(search.ids), False
        chosen = list(range(start, min(count, start + limit + 1)))
    shown = chosen[:limit]
    hits = describe(search.db, search.actor, search.sight, search.words, search.ids[shown].tolist(), nearness)
    last = shown[-1] if shown and len(chosen) > limit else None
    return Found(
        tuple(hits),
        count,
        is_more,
        "" if last is None else f"{search.keys[last]}_{search.ids[last]}",
        index.missing_count * BLOCK,
        nearness,
    )


def _compare(search: _Search, start: int, limit: int) -> tuple[int, bool, list[int]]:
    """Compare texts from a place on; return how many are hits, whether more may be, and the places of the first."""
    places: list[int] = []
    count, at = 0, start
    for at, are_hits in matching.compared(search.db, search.actor, search.words, search.ids, start):
        hits = (at + np.flatnonzero(are_hits)).tolist()
        places += hits[: limit - len(places)]
        count, at = count + len(hits), at + len(are_hits)
        if count > COUNTED or at - start >= matching.MOST_COMPARED:
            break
    is_more = at < len(search.ids)
    return (min(count, COUNTED) if is_more else count), is_more, places
