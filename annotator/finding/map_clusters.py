"""The clusters of the map as a list: for those who don't see it, and for small screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.finding import pool_map
from db.forgetting import forgotten
from learner.layout import layout_store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.finding.pool_map import PoolMap
    from db import Database

    IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Diaries that lie together, as far as a query asks for them.

    Attributes:
        number: from 0, the largest of the whole map.
        words: that tell it from the others, the most telling first; none where nothing does.
        diary_ids: ascending.
        answers: names of what the model answers most, each with how many of `answered` diaries.
        answered: diaries whose answer may be shown.
    """

    number: int
    words: tuple[str, ...]
    diary_ids: IntArray
    answers: tuple[tuple[str, int], ...]
    answered: int


def list_clusters(db: Database, path: Path, shown: PoolMap) -> tuple[Cluster, ...]:
    """Return the clusters of what the map shows, the largest first, without empty ones."""
    words = _find_words(db, path)
    clusters = [
        _cluster(shown, int(number), words, shown.ids[shown.clusters == number]) for number in np.unique(shown.clusters)
    ]
    return tuple(sorted(clusters, key=lambda each: (-len(each.diary_ids), each.number)))


def are_named(db: Database, path: Path) -> bool:
    """Return whether the words of the clusters have been found."""
    return bool(_find_words(db, path))


def _find_words(db: Database, path: Path) -> tuple[tuple[str, ...], ...]:
    folder = project.vectors_folder(path)
    layout = layout_store.find(folder, forgotten=len(forgotten.list_ids(db)))
    return () if layout is None else layout_store.find_words(folder, layout) or ()


def _cluster(shown: PoolMap, number: int, words: tuple[tuple[str, ...], ...], ids: IntArray) -> Cluster:
    answers = pool_map.count_answers(shown, ids)
    own = words[number] if number < len(words) else ()
    return Cluster(number, own, ids, tuple(answers), sum(count for _, count in answers))
