"""Explaining diaries before people get there: what is on a screen and what follows it, then the head of the queue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding
from annotator.serving import explaining
from annotator.worker.tasks.predictions import predict_now
from annotator.worker.tasks.progress import Progress, next_ids
from annotator.worker.tasks.sentences import split_now
from annotator.worker.tasks.vectors import encode_now, encode_rest
from db.answers import queue
from db.models import explanations, facts
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from annotator.serving.runtime import Serving
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


_ENCODING_TURNS = 10
"""Turns of about a second between two explanations of the head, while diaries wait for vectors."""

EXPLAINED_HEAD = 24
"""How many of the head are explained ahead of work that nobody waits for: an explanation costs seconds."""


def explain_next(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Explain a diary that somebody reads or is about to read, with all that it takes."""
    serving = runtime.serving(db)
    if serving is None:
        return None
    due = _list_due(runtime, db, serving, next_ids(db))
    if not due:
        return None
    diary_ids = np.array(due[:1], np.int64)
    split_now(runtime, db, due[:1])
    encode_now(runtime, db, diary_ids)
    predict_now(runtime, db, serving, diary_ids)
    _explain(runtime, db, serving, due[0])
    return Progress("explain", 1, len(due))


def let_people_pass(runtime: WorkerRuntime, db: Database) -> None:
    """Let a round and the explanations that people wait for go first, in the middle of work that takes long."""
    runtime.wait_for_round()
    while explain_next(runtime, db) is not None:
        runtime.wait_for_round()


def explain_head(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one diary of the head of the queue, after some turns of encoding those without a vector."""
    serving = runtime.serving(db)
    if serving is None:
        return None
    head = queue.list_head(db, EXPLAINED_HEAD)
    due = _list_due(runtime, db, serving, head)
    if not due:
        return None
    # An import is followed on screen by its vectors: they must not stand still behind two dozen explanations. What
    # people read next is explained before all of this.
    runtime.marks.turn = (runtime.marks.turn + 1) % (_ENCODING_TURNS + 1)
    if runtime.marks.turn and (progress := encode_rest(runtime, db)) is not None:
        return progress
    _explain(runtime, db, serving, due[0])
    return Progress("explain", len(head) - len(due) + 1, len(head))


def _list_due(runtime: WorkerRuntime, db: Database, serving: Serving, diary_ids: Iterable[int]) -> list[int]:
    """Return those of some diaries that are shown with an explanation and have none by the serving model yet."""
    settings = runtime.settings(db)
    shown = [i for i in diary_ids if not blinding.is_blind(diaries.get_diary(db, i), settings)]
    return explanations.list_unexplained(db, shown, serving.model.id, settings.unit)


def _explain(runtime: WorkerRuntime, db: Database, serving: Serving, diary_id: int) -> None:
    began = time.monotonic()
    if explaining.explain_diary(runtime, db, serving, diary_id):
        facts.store_explanation_seconds(db, time.monotonic() - began)
