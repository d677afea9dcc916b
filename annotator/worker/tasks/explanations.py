"""Explaining the head of the queue before people get there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import blinding
from annotator.serving import explaining
from annotator.worker.tasks.progress import Progress
from db.answers import queue
from db.models import explanations
from db.texts import diaries

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


EXPLAINED_HEAD = 24
"""How many of them are explained ahead of all other work: an explanation costs seconds."""


def explain_head(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one diary of the head of the queue."""
    serving = runtime.serving(db)
    if serving is None:
        return None
    settings = runtime.settings(db)
    head = [i for i in queue.list_head(db, EXPLAINED_HEAD) if not blinding.is_blind(diaries.get_diary(db, i), settings)]
    unit = settings.unit
    due = explanations.list_unexplained(db, head, serving.model.id, unit)
    if not due:
        return None
    explaining.explain_diary(runtime, db, serving, due[0])
    return Progress("explain", len(head) - len(due) + 1, len(head))
