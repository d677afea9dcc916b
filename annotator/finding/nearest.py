"""Diaries like another one, or like a sentence: the nearest by vector, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.serving.predictor_client import client_of
from annotator.serving.request_queue import Question
from db.models import models
from learner.encoders import nearest_neighbours, vector_store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.query import Query
    from db import Database

NEAREST = 50
"""Diaries that are like another one: the next fifty are hardly ever."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near diaries are to something.

    Attributes:
        cosines: (rows,) similarity in [-1, 1]; -1 where a diary has no vector yet.
        missing_count: diaries that all filters let through and that have no vector yet.
        made_at: when vectors were added last, UTC.
    """

    cosines: NDArray[np.float32]
    missing_count: int
    made_at: str

    def keep(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a mask of the nearest of some diaries."""
        kept = mask & (self.cosines > -1)
        if np.count_nonzero(kept) > NEAREST:
            within = np.flatnonzero(kept)
            nearest = within[np.argpartition(-self.cosines[within], NEAREST - 1)[:NEAREST]]
            kept = np.zeros_like(kept)
            kept[nearest] = True
        return kept


def find(
    db: Database,
    path: Path,
    actor: Actor,
    query: Query,
    mask: NDArray[np.bool_],
    vector: NDArray[np.float32] | None,
) -> Nearness:
    """Return how near all diaries are to a query's diary or text; a diary is not near itself.

    Args:
        vector: of the query's text.

    Raises:
        UserError: ``find_no_vectors`` if there are none to compare with, or as `diary_access.require` does.
    """
    active = models.find_active(db)
    folder = None if active is None else project.vectors_folder(path) / active.encoder_hash
    file = None if folder is None else vector_store.find(folder)
    if query.like is not None:
        diary_access.require(db, actor, "see", query.like)
    if file is None or folder is None:
        raise UserError("find_no_vectors")
    if query.like is not None:
        near = nearest_neighbours.similarities(folder, query.like)
    elif vector is not None and len(vector) == file.width:
        near = nearest_neighbours.cosines_to(file, vector)
    else:
        near = np.zeros(0, np.float32)
    if not len(near):
        raise UserError("find_no_vectors")
    cosines = np.full(len(mask), -1, np.float32)
    cosines[: len(near)] = near[: len(mask)]
    if query.like is not None:
        cosines[query.like - 1] = -1
    missing = np.count_nonzero(mask & (cosines == -1)) - (query.like is not None and bool(mask[query.like - 1]))
    made_at = datetime.fromtimestamp((folder / "vectors.f32").stat().st_mtime, UTC).isoformat(timespec="seconds")
    return Nearness(cosines, int(missing), made_at)


def vector_of(path: Path, text: str) -> NDArray[np.float32]:
    """Return the vector of a text, from the process that holds the encoder; the first time it takes seconds.

    Raises:
        UserError: if there is no model yet, or the process can't answer now.
    """
    (answer,) = client_of(path).ask([Question("vector", (text,))])
    vector: NDArray[np.float32] = answer.result()
    return vector
