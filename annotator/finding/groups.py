"""Diaries that can be labelled by one press: near-copies, similar ones with one prediction, or chosen ones.

Near-copies and similar ones are found among the diaries that a press may take and to which the serving model gives the
same answer. Up to `learner.data_quality.tight_groups.CELL` of them are compared each with each. More are cut into parts
that are looked at one after the other, so that a million take no more time or memory than a part does; two diaries on
either side of a cut do not meet.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding, project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import filters, finder, hits, matching, nearest
from annotator.finding.filters import Predictions
from annotator.finding.words import Words
from annotator.labelling.group_acts import MOST
from db.answers import groups
from db.label_sets import labels
from db.models import models
from db.search import facets
from db.texts import diaries
from learner.classification.groups import NEAR
from learner.data_quality import tight_groups
from learner.encoders import vector_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.hits import Hit
    from annotator.finding.query import Query
    from db import Database
    from db.answers.groups import Kind
    from learner.encoders.vector_store import VectorFile

    IntArray = NDArray[np.int64]

FEWEST = 3
"""Diaries of a group: two are decided as quickly one by one."""

SIMILAR = 0.85
"""Cosine to the centre of a group from which a diary is similar; docs/finding.md says how it was chosen."""

NEARNESS: dict[Kind, float] = {"copies": NEAR, "similar": SIMILAR}


@dataclass(frozen=True, slots=True)
class Grid:
    """Diaries to label by one press.

    Attributes:
        cards: at most `MOST`; in a group its centre comes first, and then the nearest to it.
        label_id: what the model answers to all of them; None for chosen ones.
        token: of the press on this grid, so that it counts once.
        place, count: this group among those of the part, or this page among those of chosen ones.
        part, parts: which part of the diaries with this prediction was looked at, and of how many.
        gone_count: chosen diaries that no press may take: decided, held by others, or there to measure.
    """

    kind: Kind
    cards: tuple[Hit, ...]
    label_id: int | None
    token: str
    place: int
    count: int
    part: int = 0
    parts: int = 1
    gone_count: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """How many diaries a press may take, by what the model answers to them.

    Attributes:
        counts: by label id, the most frequent first.
        without_vector: of all of them, those that can't be compared yet.
    """

    counts: dict[int, int]
    without_vector: int


def count_open(db: Database, path: Path, actor: Actor) -> Open:
    """Return how many diaries a press may take.

    Args:
        path: of the database, beside which the vectors lie.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    label_ids, is_open = _open(db, actor)
    counts = np.bincount(label_ids[is_open])
    by_label = {int(i): int(counts[i]) for i in np.argsort(-counts, kind="stable") if i and counts[i]}
    file = _vectors(db, path)
    missing = is_open & (label_ids > 0) if file is None else is_open & (label_ids > 0) & ~file.present(len(is_open))
    return Open(by_label, int(np.count_nonzero(missing)))


def suggest(
    db: Database, path: Path, actor: Actor, kind: Kind, label_id: int, *, part: int = 0, place: int = 0
) -> Grid | None:
    """Return a group of diaries to which the model gives one label, the largest first; None where there is none.

    Args:
        part: which part of the diaries is looked at, where they are more than are compared at once.
        place: which group of the part; the last one where there are fewer.

    Raises:
        UserError: ``right_missing`` for whoever may not review; ``find_no_vectors`` if there are none to compare.
    """
    part_groups = list_groups(db, path, actor, kind, label_id, part=part)
    if not part_groups.parts:
        return None
    place = min(max(place, 0), max(0, len(part_groups.groups) - 1))
    cards = _cards(db, actor, part_groups.groups[place]) if part_groups.groups else ()
    return Grid(
        kind,
        cards,
        label_id,
        secrets.token_hex(16),
        place,
        len(part_groups.groups),
        part=part_groups.part,
        parts=part_groups.parts,
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The groups of a part of the diaries with one prediction.

    Attributes:
        groups: their diaries, the largest group first, in each its centre and then the nearest to it.
        part, parts: as in `Grid`; no parts where there is no diary.
    """

    groups: tuple[list[int], ...]
    part: int
    parts: int


def list_groups(db: Database, path: Path, actor: Actor, kind: Kind, label_id: int, *, part: int = 0) -> Found:
    """Return all groups of a part. Takes and raises what `suggest` does."""
    label_of, is_open = _open(db, actor)
    file = _vectors(db, path)
    if file is None or kind not in NEARNESS:
        raise UserError("find_no_vectors")
    is_open &= (label_of == label_id) & file.present(len(is_open))
    cells = tight_groups.cut(np.flatnonzero(is_open) + 1, file.read)
    if not cells:
        return Found((), 0, 0)
    part = min(max(part, 0), len(cells) - 1)
    ids = cells[part]
    groups_of_rows = tight_groups.find_groups(file.read(ids), near=NEARNESS[kind], fewest=FEWEST, most=MOST)
    return Found(tuple(ids[rows].tolist() for rows in groups_of_rows), part, len(cells))


def show(
    db: Database,
    path: Path,
    actor: Actor,
    query: Query,
    *,
    place: int = 0,
    vector: NDArray[np.float32] | None = None,
) -> Grid:
    """Return a page of the diaries that a query asks for, the newest or nearest first, that a press may take.

    Args:
        vector: of the query's `like_text`.

    Raises:
        UserError: ``right_missing`` for whoever may not review; or as `annotator.finding.finder.find` does.
    """
    diary_access.require_right(db, actor, "review")
    if query.is_near:
        ids = finder.list_ids(db, path, actor, query, limit=nearest.NEAREST, vector=vector)
    else:
        ids = (np.flatnonzero(matching.find_all(db, path, actor, query).mask)[::-1] + 1).tolist()
    is_open = _is_open(db, actor)
    open_ids = [i for i in ids if i <= len(is_open) and is_open[i - 1]]
    pages = max(1, -(-len(open_ids) // MOST))
    place = min(max(place, 0), pages - 1)
    cards = _cards(db, actor, open_ids[place * MOST : (place + 1) * MOST])
    gone_count = len(ids) - len(open_ids)
    return Grid("chosen", cards, None, secrets.token_hex(16), place, pages, gone_count=gone_count)


def _open(db: Database, actor: Actor) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return what the model answers to each diary, 0 for nothing, and whether a press may take it, (rows,) each."""
    diary_access.require_right(db, actor, "review")
    is_open = _is_open(db, actor)
    label_ids, _ = Predictions(db, len(is_open)).tops()
    return label_ids, is_open & (label_ids > 0)


def _is_open(db: Database, actor: Actor) -> NDArray[np.bool_]:
    """Return whether a press may take each diary, (rows,): as `annotator.labelling.group_acts.list_open` has it."""
    size, settings = diaries.last_diary_id(db), project_settings.load(db)
    is_open = ~facets.in_test_part(db, size) & (blinding.blind_draws(settings.seed, size) >= settings.blind_share)
    taken = np.unique(np.array(groups.list_taken_ids(db, actor.annotator_id), np.int64))
    is_open[taken[taken <= size] - 1] = False
    return is_open


def _vectors(db: Database, path: Path) -> VectorFile | None:
    active = models.find_active(db)
    return None if active is None else vector_store.find(project.vectors_folder(path) / active.encoder_hash)


def _cards(db: Database, actor: Actor, diary_ids: Sequence[int]) -> tuple[Hit, ...]:
    return tuple(hits.describe(db, actor, filters.sight_of(db, actor), Words(), diary_ids, None))


def names_of(db: Database) -> dict[int, str]:
    """Return the names of the labels in force, in their order."""
    return {label.id: label.name for label in labels.list_labels(db)}
