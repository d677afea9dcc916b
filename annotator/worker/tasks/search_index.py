"""Indexing diaries for the search that no import has indexed: those of an older version, or what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.worker.tasks.progress import Progress
from db.search import index

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


def fill(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Index some diaries; return None if all are indexed."""
    if index.is_whole(db):
        return None
    return Progress("index", *index.extend_some(db))
