"""Encoding diaries."""

from __future__ import annotations

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


_ENCODE_BATCH = 16
"""About a second's work: whoever opens a diary meanwhile waits for it."""


def encode_head(runtime: WorkerRuntime, db: Database) -> Progress | None:
    return encode_now(runtime, db, head_ids(db))


def encode_rest(runtime: WorkerRuntime, db: Database) -> Progress | None:
    return encode_now(runtime, db, first_missing(runtime.marks, db, runtime.vector_file(db), limit=_ENCODE_BATCH))


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
