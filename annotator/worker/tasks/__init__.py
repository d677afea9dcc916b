"""Upkeep: what follows from the diaries and the serving model, computed in small pieces, most urgent first.

Each task looks for something that is missing, makes one batch of it and keeps it in one transaction, so a
killed worker just continues. What people see now, or will get next, comes first.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from annotator.privacy import forgotten_files
from annotator.worker.tasks import (
    care_flags,
    dictionary,
    near_copies,
    pool_map,
    review_queue,
    round_analysis,
    search_index,
)
from annotator.worker.tasks.explanations import explain_head, explain_next
from annotator.worker.tasks.ngram_features import fill_text_features, fit_text_space
from annotator.worker.tasks.pool_queue import refill_from_pool
from annotator.worker.tasks.precision import check_precision, choose_precision
from annotator.worker.tasks.predictions import predict, predict_versions
from annotator.worker.tasks.progress import Progress
from annotator.worker.tasks.queue import rank, refill
from annotator.worker.tasks.sentences import split_head, split_next, split_rest
from annotator.worker.tasks.vectors import encode_head, encode_rest
from annotator.worker.tasks.versions import ask_versions
from annotator.worker.tasks.zero_shot_model import first_model
from db.answers import queue
from db.forgetting import forgotten
from db.review import reviews
from learner.classification import classifier as classifiers

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.worker.runtime import WorkerRuntime
    from db import Database


_AUDIT_SECONDS = 10.0


def next_piece(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Do the most urgent piece of work that is due; return None if nothing is."""
    for task in _TASKS:
        if (progress := task(runtime, db)) is not None:
            return progress
    return None


def state(db: Database) -> object:
    """Return a value that changes whenever upkeep may have become due: cheap enough to check all the time."""
    return (*queue.signature(db), reviews.last_review_id(db))


def _warm_up(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Load what the first round and the first import would wait for, once a process."""
    if runtime.is_warm:
        return None
    classifiers.warm_up()
    runtime.splitter().split(["One. Two."])
    runtime.is_warm = True
    return Progress("warm_up", 1, 1)


def _study(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Measure what nobody waited for in the newest round."""
    return Progress("study", 1, 1) if round_analysis.analyse(runtime, db) else None


def _audit_at_times(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Update the reviewers' queue while people decide without a pause and other work is waiting."""
    return _audit(runtime, db) if time.monotonic() >= runtime.marks.audit_at else None


def _audit(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Update the reviewers' queue after decisions, rounds and explanations."""
    runtime.marks.audit_at = time.monotonic() + _AUDIT_SECONDS
    return Progress("audit", 1, 1) if review_queue.refresh(runtime, db) else None


def _explain_audited(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one diary that a reviewer will look at next."""
    return Progress("explain", 1, 1) if review_queue.explain_next(runtime, db) else None


def _measure_dictionary(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Measure what the word-emotion dictionary does, once somebody asks or a new model serves."""
    return Progress("dictionary", 1, 1) if dictionary.measure(runtime, db) else None


def _explain_more(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Explain one more of the diaries that somebody wants words of."""
    counts = dictionary.explain_more(runtime, db)
    return None if counts is None else Progress("evidence", *counts)


def _relate_words(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Go on with the vectors of words that somebody asked for."""
    counts = dictionary.relate(runtime, db)
    return None if counts is None else Progress("words", *counts)


def _draw_map(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Go on with the map of all diaries."""
    counts = pool_map.draw(runtime, db)
    return None if counts is None else Progress("map", *counts)


def _follow_forgetting(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Clear the files of forgotten diaries if that was interrupted."""
    if forgotten.is_finished(db):
        return None
    return Progress("forget", 1, 1) if forgotten_files.follow(db, runtime.database) else None


def _look_after(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Search diaries for those that the lead should see before anybody else gets them."""
    counts = care_flags.scan(db)
    return None if counts is None else Progress("care", *counts)


_TASKS: tuple[Callable[[WorkerRuntime, Database], Progress | None], ...] = (
    _follow_forgetting,
    _look_after,
    refill_from_pool,
    refill,
    split_next,
    explain_next,
    encode_head,
    near_copies.follow,
    search_index.fill,
    first_model,
    predict,
    rank,
    split_head,
    choose_precision,
    explain_head,
    _audit_at_times,
    _measure_dictionary,
    ask_versions,
    _study,
    _explain_audited,
    _warm_up,
    fit_text_space,
    _relate_words,
    check_precision,
    encode_rest,
    split_rest,
    fill_text_features,
    _explain_more,
    _audit,
    predict_versions,
    _draw_map,
)
