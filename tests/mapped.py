"""A map of a project's diaries without a worker: the happy ones lie on the left, the sad ones on the right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from db import clock, connection
from db.forgetting import forgotten
from db.texts import diaries
from learner.layout import layout_store
from learner.layout.layout_store import LAID_OUT, About

if TYPE_CHECKING:
    from db import Database


def vectors_folder(db: Database) -> Path:
    """Return where the vectors and the map lie."""
    return project.vectors_folder(Path(connection.file_of(db)))


def lay_out(db: Database, *, encoder_hash: str = "encoder", without: tuple[int, ...] = (), words: bool = True) -> None:
    """Store a map of the diaries of `tests.reviewed.make`: cluster 0 is happy, cluster 1 sad."""
    ids = np.setdiff1d(diaries.list_ids(db), without)
    is_happy = ids % 2 == 1
    rng = np.random.default_rng(0)
    places = np.column_stack([np.where(is_happy, -10, 10), np.zeros(len(ids))]) + rng.uniform(-2, 2, (len(ids), 2))
    gone = len(forgotten.list_ids(db))
    about = About(encoder_hash, clock.now(), len(ids), 2, gone)
    kinds = np.full(len(ids), LAID_OUT, np.int32)
    folder = vectors_folder(db)
    layout_store.store(folder, about, ids, places.astype(np.float32), np.where(is_happy, 0, 1), kinds)
    layout = layout_store.find(folder, forgotten=gone)
    assert layout is not None
    if words:
        layout_store.store_words(folder, layout, [("기쁘다", "즐겁다"), ("슬프다", "눈물")])
