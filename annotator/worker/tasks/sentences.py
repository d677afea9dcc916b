"""Splitting diaries into sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.worker.tasks.progress import HEAD, Progress, next_ids
from db.answers import queue
from db.texts import diaries, sentences
from db.texts.sentences import Sentences

if TYPE_CHECKING:
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


_SPLIT_BATCH = 512


def split_next(runtime: WorkerRuntime, db: Database) -> Progress | None:
    return split_now(runtime, db, next_ids(db))


def split_head(runtime: WorkerRuntime, db: Database) -> Progress | None:
    return split_now(runtime, db, queue.list_head(db, HEAD))


def split_now(runtime: WorkerRuntime, db: Database, diary_ids: list[int]) -> Progress | None:
    """Split those of some diaries that have no sentences yet."""
    return _split(runtime, db, [i for i in diary_ids if sentences.find_sentences(db, i) is None])


def split_rest(runtime: WorkerRuntime, db: Database) -> Progress | None:
    known, last = runtime.marks, diaries.last_diary_id(db)
    if known.split_up_to >= last:
        return None
    due = sentences.list_unsplit_ids(db, limit=_SPLIT_BATCH, after=known.split_up_to)
    progress = _split(runtime, db, due)
    known.split_up_to = due[-1] if due else last
    return progress


def _split(runtime: WorkerRuntime, db: Database, diary_ids: list[int]) -> Progress | None:
    if not diary_ids:
        return None
    splits = runtime.splitter().split(diaries.list_texts(db, diary_ids))
    sentences.store_sentences(
        db, [Sentences(i, split.spans, split.splitter) for i, split in zip(diary_ids, splits, strict=True)]
    )
    total = diaries.count_diaries(db)
    return Progress("split", total - sentences.count_unsplit(db), total)
