"""Running a stage over all shards that are due: one driver at a time, resumed wherever it ended."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.pool.engines import InlineEngine
from annotator.pool.pools import storage_of
from annotator.pool.progress import StageProgress
from annotator.privacy import forgotten_pool
from db.connection import file_of, write
from db.pool import manifest
from learner.pool import shards
from learner.pool.storage import PoolError
from learner.pool.worker import Task
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from annotator.pool.engines import Engine
    from annotator.pool.pools import Pool
    from db import Database
    from learner.pool.worker import Job, Receipt

WATCHDOG_SECONDS = 1800.0
"""Without a receipt for so long the work is ended and begun anew: a shard takes 20 minutes of a core at 300 characters
a text, and an actor pool of a cluster has been seen to stall."""

FEW_TEXTS = 500
"""Texts that are worked on in this process: starting another one takes some seconds."""

_MOST_STARTS = 4
_MOST_PASSES = 3

_MADE_AGAIN = frozenset(("pool_shard_differs", "pool_file_missing"))


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a run of a stage did.

    Attributes:
        kind: such as ``encode``.
        engine, workers: what worked, and how many shards at once.
        shards, texts: that were due.
        seconds: by the clock.
        core_seconds: processor time of the workers.
    """

    kind: str
    engine: str
    workers: int
    shards: int
    texts: int
    seconds: float
    core_seconds: float


class StageCancelledError(Exception):
    """Somebody asked the work to stop; what was committed stays."""


@contextmanager
def only_driver(db: Database, pool: Pool) -> Iterator[None]:
    """Hold a pool for the length of the block: two drivers would make the same files twice.

    Raises:
        PoolError: ``pool_driven`` if another process works on it, from this project or, in a folder, from any.
    """
    database = Path(file_of(db))
    paths = [database.with_name(f"{database.name}-pool.lock")]
    if (path := storage_of(pool).path("driver.lock")) is not None:
        paths.append(path)
    handles: list[int] = []
    try:
        for path in paths:
            handles.append(_lock_file(pool, path))
            try:
                fcntl.flock(handles[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise PoolError("pool_driven", url=pool.url) from error
        yield
    finally:
        for handle in handles:
            os.close(handle)


def _lock_file(pool: Pool, path: Path) -> int:
    try:
        private_files.touch(path)
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError as error:
        raise PoolError("pool_unreadable", url=pool.url, name=path.name, reason=error.strerror or "") from error


def list_due(db: Database, pool: Pool, stage: str) -> list[Task]:
    """Return the shards of which a stage has no file that counts, in order.

    A file that is not there any more, or has another size, counts no longer.
    """
    storage = storage_of(pool)
    made = manifest.list_shards(db, pool.id, stage)
    due = []
    for number, texts in manifest.list_shards(db, pool.id, manifest.TEXTS).items():
        texts = forgotten_pool.current(db, pool, storage, manifest.TEXTS, texts)
        there = made.get(number)
        if there is not None and there.next_digest is not None:
            there = _settled(db, pool, stage, number)
        is_there = (
            there is not None
            and there.source == texts.digest
            and storage.size(shards.name_of(stage, number)) == there.bytes
        )
        if not is_there:
            due.append(Task(number, texts.digest))
    return due


def _settled(db: Database, pool: Pool, stage: str, number: int) -> manifest.Shard | None:
    shard = manifest.list_shards(db, pool.id, stage)[number]
    try:
        return forgotten_pool.current(db, pool, storage_of(pool), stage, shard)
    except PoolError:
        return None


def run_stage(
    db: Database,
    pool: Pool,
    job: Job,
    engine: Engine,
    *,
    inputs: Sequence[str] = (),
    on_progress: Callable[[StageProgress], bool] = lambda progress: True,
    watchdog_seconds: float = WATCHDOG_SECONDS,
) -> StageReport:
    """Make the files of a stage that are due; the caller holds `only_driver`.

    Args:
        inputs: stages whose files are read, which have to be complete.
        on_progress: is told after each shard, and about twice a second; returns False to stop.
        watchdog_seconds: without a receipt for so long, the work is ended and begun anew.

    Raises:
        StageCancelledError: if it was stopped.
        PoolError: if a shard can't be made; all others have been. Of an input that is not as the manifest says the
            file is named, counts no longer, and is made again by its own stage.
    """
    began = time.monotonic()
    storage = storage_of(pool)
    storage.remove_parts(job.stage)
    first_due, core_seconds, texts = 0, 0.0, 0
    for turn in range(_MOST_PASSES):
        due = [_with_inputs(db, pool, task, inputs) for task in list_due(db, pool, job.stage)]
        if not turn:
            first_due = len(due)
        if not due:
            break
        working = _worth(pool, engine, len(due))
        run = _Run(db, pool, job, working, on_progress, watchdog_seconds, began)
        run.total, run.done = first_due, first_due - len(due)
        run.go(due)
        core_seconds, texts = core_seconds + run.core_seconds, texts + run.texts
    else:
        raise PoolError("pool_keeps_changing", stage=job.stage)
    seconds = time.monotonic() - began
    return StageReport(job.kind, engine.name, engine.worker_count, first_due, texts, seconds, core_seconds)


def _worth(pool: Pool, engine: Engine, shard_count: int) -> Engine:
    """Return the engine, or this process where starting others would take longer than the work."""
    is_little = shard_count * min(pool.rows_a_shard, pool.row_count) <= FEW_TEXTS
    return InlineEngine() if engine.name == "local" and is_little else engine


def _with_inputs(db: Database, pool: Pool, task: Task, inputs: Sequence[str]) -> Task:
    digests = {}
    for stage in inputs:
        made = manifest.list_stages_of_shard(db, pool.id, task.shard).get(stage)
        if made is None or made.source != task.source:
            raise PoolError("pool_input_missing", stage=stage, shard=task.shard)
        digests[stage] = made.digest
    return Task(task.shard, task.source, digests)


class _Run:
    """One pass over the shards that are due."""

    def __init__(
        self,
        db: Database,
        pool: Pool,
        job: Job,
        engine: Engine,
        on_progress: Callable[[StageProgress], bool],
        watchdog_seconds: float,
        began: float,
    ) -> None:
        self._db, self._pool, self._job, self._engine = db, pool, job, engine
        self._on_progress, self._watchdog_seconds, self._began = on_progress, watchdog_seconds, began
        self.core_seconds, self.texts, self.done, self.total = 0.0, 0, 0, 0

    def go(self, tasks: Sequence[Task]) -> None:
        """Do all tasks; of those that can't be done the first one's error is raised at the end."""
        left = {task.shard: task for task in tasks}
        failed: list[Receipt] = []
        for _ in range(_MOST_STARTS):
            for receipt in watched(self._engine, self._job, list(left.values()), self._watchdog_seconds):
                if receipt is not None:
                    task = left.pop(receipt.shard)
                    if not receipt.code:
                        self._note(task, receipt)
                    elif self._texts_of(task) == task.source:
                        failed.append(receipt)  # otherwise its texts have changed meanwhile, and it is due again
                self._report()
            if not left:
                break
        else:
            raise PoolError("pool_stalled", stage=self._job.stage, count=len(left))
        for receipt in failed:
            self._drop_input(receipt)
        if failed:
            raise PoolError(failed[0].code, **failed[0].details)

    def _note(self, task: Task, receipt: Receipt) -> None:
        """Put a file into the manifest, unless its texts have changed meanwhile: then it is due again."""
        made = manifest.Shard(
            receipt.shard,
            receipt.rows,
            receipt.byte_count,
            receipt.digest,
            receipt.source,
            seconds=receipt.seconds,
            cpu_seconds=receipt.cpu_seconds,
            engine=self._engine.name,
        )
        self.core_seconds += receipt.cpu_seconds
        with write(self._db):
            if self._texts_of(task) == task.source:
                manifest.put_shard(self._db, self._pool.id, self._job.stage, made)
                self.done += 1
                self.texts += receipt.rows

    def _texts_of(self, task: Task) -> str:
        return manifest.list_stages_of_shard(self._db, self._pool.id, task.shard)[manifest.TEXTS].digest

    def _report(self) -> None:
        seconds = max(1e-6, time.monotonic() - self._began)
        now = StageProgress(self._job.kind, self.done, self.total, self.texts / seconds)
        if not self._on_progress(now):
            raise StageCancelledError

    def _drop_input(self, receipt: Receipt) -> None:
        name = str(receipt.details.get("name", ""))
        stage = name.rpartition("/")[0]
        if receipt.code in _MADE_AGAIN and stage not in ("", manifest.TEXTS):
            manifest.drop_shard(self._db, self._pool.id, stage, receipt.shard)


def watched(engine: Engine, job: Job, tasks: Sequence[Task], watchdog_seconds: float) -> Iterator[Receipt | None]:
    """Yield receipts until all tasks have one, or none came for too long; then the work is ended."""
    running = engine.run(job, tasks)
    last = time.monotonic()
    try:
        for receipt in running:
            yield receipt
            # What is done with a receipt takes time of its own, in which the engine waits.
            if receipt is not None:
                last = time.monotonic()
            elif time.monotonic() - last > watchdog_seconds:
                return
    finally:
        running.close()  # type: ignore[attr-defined] # it is a generator
