"""The map of all diaries, for those who may review: where they are, what they are coloured by, and areas of it.

The worker draws it, see `annotator.worker.tasks.pool_map` and docs/finding.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import map_kinds, matching
from annotator.finding.hits import excerpt
from annotator.privacy import masking
from db.forgetting import forgotten
from db.label_sets import labels
from db.models import models
from db.search import facets
from db.texts import diaries
from learner.active_learning import draws
from learner.encoders import vector_store
from learner.layout import layout_store, tsne

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.map_kinds import Colouring, Kind
    from annotator.finding.matching import Matches
    from annotator.finding.query import Query
    from db import Database
    from learner.layout.layout_store import Layout

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float32]

MOST_DRAWN = 50_000
"""Points that a browser draws; of more, a sample by draws that stay."""

MOST_LINES = 5_000
"""Drawn points that say their text when they are pointed at: a megabyte for the browser."""

FEWEST = tsne.FEWEST
MOST_LAID_OUT = tsne.MOST_LAID_OUT

_LINE = 60
_MOST_CORNERS = 1_000


@dataclass(frozen=True, slots=True)
class MapState:
    """How far the map is.

    Attributes:
        number: of the layout; 0 while there is none.
        diary_count: diaries of the project.
        encoded_count: those with a vector of the encoder in force, from which the map is drawn.
        map_count, laid_out_count: those on the map, and those of them that were laid out exactly.
        is_lost: whether there was a map that can't be read any more.
        is_outdated: whether it was drawn from vectors of another encoder.
        made_at: UTC; empty while there is none.
    """

    number: int
    diary_count: int
    encoded_count: int
    map_count: int
    laid_out_count: int
    is_lost: bool
    is_outdated: bool
    made_at: str


@dataclass(frozen=True, slots=True)
class PoolMap:
    """What the map shows of the hits of a query.

    Attributes:
        ids: (n,) hits that are on the map.
        places: (n, 2), where.
        clusters: (n,) the cluster of each.
        kinds: what they are coloured by.
        kind_of: (n,) places in `kinds`.
        drawn: (m,) places in `ids` of those that are drawn: all, or a sample.
        off_count: hits that are not on the map.
        matches: all hits.
        label_names: of the labels in force, by id.
    """

    state: MapState
    ids: IntArray
    places: FloatArray
    clusters: IntArray
    kinds: tuple[Kind, ...]
    kind_of: IntArray
    drawn: IntArray
    off_count: int
    matches: Matches = field(repr=False)
    label_names: dict[int, str]


def read_state(db: Database, path: Path, actor: Actor) -> MapState:
    """Return how far the map is.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    diary_access.require_right(db, actor, "review")
    return _state(db, path, _find_layout(db, path))


def read(
    db: Database,
    path: Path,
    actor: Actor,
    query: Query,
    *,
    colouring: Colouring = "prediction",
    vector: NDArray[np.float32] | None = None,
) -> PoolMap:
    """Return the hits of a query on the map.

    Args:
        vector: of the query's `like_text`.

    Raises:
        UserError: as `read_state`, or as `annotator.finding.finder.find` does.
    """
    diary_access.require_right(db, actor, "review")
    layout = _find_layout(db, path)
    matches = matching.find_all(db, path, actor, query, vector=vector)
    is_there = np.zeros_like(matches.mask)
    if layout is not None:
        rows = min(len(is_there), len(layout.places))
        is_there[:rows] = layout.is_there[:rows]
    ids = np.flatnonzero(matches.mask & is_there) + 1
    kinds, kind_of = map_kinds.find_kinds(db, len(matches.mask), colouring, matches.predictions)
    return PoolMap(
        _state(db, path, layout),
        ids,
        np.zeros((0, 2), np.float32) if layout is None else layout.places[ids - 1],
        np.zeros(0, np.int64) if layout is None else layout.clusters[ids - 1],
        kinds,
        kind_of[ids - 1],
        _drawn(db, ids),
        int(np.count_nonzero(matches.mask)) - len(ids),
        matches,
        {label.id: label.name for label in labels.list_labels(db)},
    )


def _find_layout(db: Database, path: Path) -> Layout | None:
    return layout_store.find(project.vectors_folder(path), forgotten=len(forgotten.list_ids(db)))


def _state(db: Database, path: Path, layout: Layout | None) -> MapState:
    folder, active = project.vectors_folder(path), models.find_active(db)
    # While no model serves, nobody but the worker knows the encoder: what it was drawn from will do.
    encoder_hash = active.encoder_hash if active is not None else layout.about.encoder_hash if layout else ""
    file = vector_store.find(folder / encoder_hash) if encoder_hash else None
    encoded = 0 if file is None else int(file.present(file.rows).sum())
    return MapState(
        number=0 if layout is None else layout.number,
        diary_count=diaries.count_diaries(db),
        encoded_count=encoded,
        map_count=0 if layout is None else int(layout.is_there.sum()),
        laid_out_count=0 if layout is None else int(layout.is_laid_out.sum()),
        is_lost=layout is None and layout_store.is_lost(folder, forgotten=len(forgotten.list_ids(db))),
        is_outdated=layout is not None and layout.about.encoder_hash != encoder_hash,
        made_at="" if layout is None else layout.about.made_at,
    )


def _drawn(db: Database, ids: IntArray) -> IntArray:
    if len(ids) <= MOST_DRAWN:
        return np.arange(len(ids))
    seed = int(project_settings.load(db).seed[:8], 16)
    return np.sort(draws.smallest(draws.draw(ids, seed=seed, purpose="sample"), MOST_DRAWN))


def read_corners(given: Any) -> FloatArray:
    """Return the corners of an area that a browser has sent, (n, 2), n >= 3.

    Raises:
        UserError: ``find_area`` for anything else.
    """
    is_list = isinstance(given, list) and 3 <= len(given) <= _MOST_CORNERS
    if not is_list or not all(isinstance(each, list) and len(each) == 2 for each in given):
        raise UserError("find_area")
    values = [value for each in given for value in each]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise UserError("find_area")
    if not all(math.isfinite(value) and abs(value) < 1e9 for value in values):
        raise UserError("find_area")
    return np.array(given, np.float32)


def select(shown: PoolMap, corners: FloatArray, *, hidden: Sequence[int] = ()) -> IntArray:
    """Return the diaries within an area, drawn or not, ascending.

    Args:
        corners: (n, 2), from `read_corners`.
        hidden: places of kinds that are not to be seen, and are not selected.
    """
    inside = within(shown.places, corners) & ~np.isin(shown.kind_of, np.array(hidden, np.int64))
    return shown.ids[inside]


def within(places: FloatArray, corners: FloatArray) -> NDArray[np.bool_]:
    """Return which places are within a polygon, (n,), by the even-odd rule.

    Source: Shimrat (1962), Algorithm 112, as Franklin's PNPOLY has it.
    """
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    x, y = places[near].astype(np.float64).T
    is_inside = np.zeros(len(near), np.bool_)
    for (x0, y0), (x1, y1) in zip(corners.astype(float), np.roll(corners.astype(float), 1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        is_inside ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    are_inside = np.zeros(len(places), np.bool_)
    are_inside[near[is_inside]] = True
    return are_inside


def count_answers(shown: PoolMap, diary_ids: IntArray) -> list[tuple[str, int]]:
    """Return the model's answers to some diaries, as far as they may be seen: name and count, the commonest first."""
    answers = shown.matches.predictions.tops()[0][diary_ids - 1]
    label_ids, counts = np.unique(answers[answers > 0], return_counts=True)
    return [(shown.label_names.get(int(label_ids[i]), ""), int(counts[i])) for i in np.lexsort((label_ids, -counts))]


def list_lines(db: Database, actor: Actor, diary_ids: IntArray) -> list[str]:
    """Return how each of some diaries begins, covered as everywhere; empty for those that somebody may not see."""
    ids = diary_ids.tolist()
    visible = diary_access.allowed(db, actor, "see", ids)
    settings, texts = project_settings.load(db), facets.find_texts(db, [i for i in ids if i in visible])
    return [_line(masking.mask(texts[i], settings)) if i in texts else "" for i in ids]


def _line(text: str) -> str:
    line = excerpt(text[: 4 * _LINE], ())[0]
    return line if len(line) <= _LINE else line[:_LINE].removesuffix("…") + "…"
