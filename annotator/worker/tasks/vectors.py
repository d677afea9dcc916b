"""Encoding diaries."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from annotator.worker.tasks.progress import Progress, forgotten_ids, head_ids
from db.models import facts
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.worker.runtime import ProgressMarks, WorkerRuntime
    from db import Database
    from learner.encoders.vector_store import VectorFile


_TURN_SECONDS = (0.8, 1.6)
"""How long encoding takes before more urgent work is looked for: whoever opens a diary meanwhile waits for it."""

_FEWEST_AT_ONCE, _MOST_AT_ONCE = 16, 512


def encode_head(runtime: WorkerRuntime, db: Database) -> Progress | None:
    return encode_now(runtime, db, head_ids(db))


def encode_rest(runtime: WorkerRuntime, db: Database) -> Progress | None:
    marks, began = runtime.marks, time.monotonic()
    due = first_missing(marks, db, runtime.vector_file(db), limit=marks.encoded_at_once)
    progress = encode_now(runtime, db, due)
    if progress is not None and len(due) == marks.encoded_at_once:
        marks.encoded_at_once = _next_size(len(due), time.monotonic() - began)
    return progress


def _next_size(size: int, seconds: float) -> int:
    """Return how many diaries to encode at once after so many took so long."""
    shortest, longest = _TURN_SECONDS
    if seconds < shortest:
        return min(2 * size, _MOST_AT_ONCE)
    return max(size // 2, _FEWEST_AT_ONCE) if seconds > longest else size


def first_missing(known: ProgressMarks, db: Database, file: VectorFile, *, limit: int) -> NDArray[np.int64]:
    """Return the first diaries that have no row in a file."""
    missing = np.setdiff1d(np.flatnonzero(~file.present(diaries.last_diary_id(db))) + 1, forgotten_ids(known, db))
    for at in range(0, len(missing), limit):
        if len(diary_ids := diaries.keep_known(db, missing[at : at + limit])):
            return diary_ids
    return missing[:0]


def encode_now(runtime: WorkerRuntime, db: Database, diary_ids: NDArray[np.int64]) -> Progress | None:
    """Encode those of some diaries that have no vector yet."""
    file = runtime.vector_file(db)
    missing = diary_ids[~file.has(diary_ids)]
    if not len(missing):
        return None
    runtime.encode_missing(db, missing)
    counts = file.token_counts()
    facts.store_cut_count(db, int((counts > runtime.encoder(db).max_tokens).sum()))
    return Progress("encode", int((counts > 0).sum()), diaries.count_diaries(db))
