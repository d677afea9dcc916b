"""Rows of a pool by their numbers, and what its shards say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.pool.driving import WATCHDOG_SECONDS, watched
from annotator.pool.engines import InlineEngine
from annotator.pool.pools import storage_of
from annotator.privacy import forgotten_pool
from db.pool import manifest
from learner.pool import fetching, shards
from learner.pool.storage import PoolError
from learner.pool.worker import Job, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from annotator.pool.engines import Engine
    from annotator.pool.pools import Pool
    from db import Database
    from learner.pool.fetching import Fetched
    from learner.pool.worker import Receipt

    IntArray = NDArray[np.int64]

INLINE_SHARDS = 64
"""Shards up to which this process looks at a folder by itself: starting others takes longer."""


def engine_for(pool: Pool, engine: Engine | None) -> Engine:
    """Return what looks at single rows and scores: this process for a few shards in a folder, else the engine."""
    is_small = pool.shard_count <= INLINE_SHARDS and storage_of(pool).folder is not None
    return InlineEngine() if engine is None or is_small else engine


def fetch(
    db: Database,
    pool: Pool,
    numbers: IntArray,
    *,
    with_texts: bool = False,
    stages: Sequence[str] = (),
    engine: Engine | None = None,
) -> Fetched:
    """Return rows by their numbers, in their order.

    Args:
        stages: whose values are returned, too.

    Raises:
        PoolError: if a shard can't be read, or a stage lacks it.
    """
    request = {"with_texts": with_texts}
    job = Job(pool.url, pool.rows_a_shard, "fetch", request=request)
    tasks = []
    texts = texts_of(db, pool)
    made = {stage: manifest.list_shards(db, pool.id, stage) for stage in stages}
    for shard, places in shards.numbers_by_shard(numbers, pool.rows_a_shard).items():
        inputs = {stage: digest_of(made[stage], stage, shard, texts[shard].digest) for stage in stages}
        rows = ((numbers[places] - 1) % pool.rows_a_shard).tolist()
        tasks.append(Task(shard, texts[shard].digest, inputs, rows))
    parts = [fetching.from_bytes(receipt.payload) for receipt in ask(engine_for(pool, engine), job, tasks)]
    return fetching.join(parts, numbers)


def texts_of(db: Database, pool: Pool) -> dict[int, manifest.Shard]:
    """Return the files of a pool's texts by their shard, those that were about to be replaced looked at."""
    storage = storage_of(pool)
    files = manifest.list_shards(db, pool.id, manifest.TEXTS)
    return {n: forgotten_pool.current(db, pool, storage, manifest.TEXTS, file) for n, file in files.items()}


def digest_of(made: dict[int, manifest.Shard], stage: str, shard: int, source: str) -> str:
    """Return the digest of a stage's file.

    Raises:
        PoolError: ``pool_input_missing`` if there is none of these texts.
    """
    file = made.get(shard)
    if file is None or file.source != source:
        raise PoolError("pool_input_missing", stage=stage, shard=shard)
    return file.digest


def ask(engine: Engine, job: Job, tasks: Sequence[Task]) -> Iterator[Receipt]:
    """Yield the receipts of tasks that make no files.

    Raises:
        PoolError: of the first that can't be done; ``pool_stalled`` if nothing comes for long.
    """
    left = len(tasks)
    for receipt in watched(engine, job, tasks, WATCHDOG_SECONDS) if tasks else ():
        if receipt is None:
            continue
        if receipt.code:
            raise PoolError(receipt.code, **receipt.details)
        left -= 1
        yield receipt
    if left:
        raise PoolError("pool_stalled", stage=job.kind, count=left)


def column_draws(db: Database, pool: Pool, *, limit: int, left_out: IntArray) -> dict[str, tuple[IntArray, IntArray]]:
    """Return the numbers with the smallest draws of each part, smallest first, and the draws.

    Args:
        left_out: numbers that are not looked at.
    """
    storage, pieces_of = storage_of(pool), dict[str, list[tuple[Any, Any]]](pool=[], test=[])
    for n, file in texts_of(db, pool).items():
        columns = shards.read_columns(storage, n, ("key", "draw", "is_test"), digest=file.digest)
        numbers = n * pool.rows_a_shard + 1 + np.arange(file.rows)
        is_free = (columns["key"] != 0) & ~np.isin(numbers, left_out)
        for part, is_in in (("pool", ~columns["is_test"]), ("test", columns["is_test"])):
            rows = np.flatnonzero(is_free & is_in)
            rows = rows[np.argsort(columns["draw"][rows], kind="stable")[:limit]]
            pieces_of[part].append((numbers[rows], columns["draw"][rows]))
    smallest = {}
    for part, pieces in pieces_of.items():
        numbers = np.concatenate([piece[0] for piece in pieces])
        draws = np.concatenate([piece[1] for piece in pieces])
        order = np.argsort(draws, kind="stable")[:limit]
        smallest[part] = (numbers[order], draws[order])
    return smallest
