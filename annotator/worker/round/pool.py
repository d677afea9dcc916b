"""What a round does where it chooses from a pool in shards: it reads, predicts and orders all of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.pool import driving, engines, ordering, pools, preparing, progress, rows, stages
from annotator.worker.round import calibration_data
from db.models import rounds
from db.pool import manifest, members
from learner.classification import classifier as classifiers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from annotator.pool.engines import Engine
    from annotator.pool.ordering import PoolOrder
    from annotator.pool.pools import Pool
    from annotator.pool.progress import StageProgress
    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database
    from db.answers.queue import QueueEntry
    from db.pool.members import Waiting


@contextmanager
def working(runtime: ModelRuntime, db: Database, pool: Pool) -> Iterator[Engine]:
    """Hold the pool and what works on it for the length of the block; upkeep may work meanwhile.

    Raises:
        PoolError: ``pool_driven``, or as `annotator.pool.engines.opened` does.
    """
    with (
        driving.only_driver(db, pool),
        runtime.giving_way(),
        engines.opened(runtime.settings(db)) as engine,
    ):
        yield engine


def read(runtime: ModelRuntime, db: Database, round_id: int, spec: EncoderSpec) -> bool:
    """Encode all shards with the encoder of the round, as far as they are not; return False if somebody stopped it."""
    pool = pools.find_in_force(db)
    if pool is None:
        return True
    try:
        with working(runtime, db, pool) as engine:
            stages.encode(runtime, db, pool, engine, spec=spec, on_progress=_progress(runtime, db, round_id, 0.3, 0.4))
    except driving.StageCancelledError:
        return _was_stopped(runtime)
    return True


def predict(runtime: ModelRuntime, db: Database, round_id: int, serving: Serving) -> bool:
    """Predict all shards with the new version; return False if somebody stopped it."""
    pool = pools.find_in_force(db)
    if pool is None:
        return True
    try:
        with working(runtime, db, pool) as engine:
            told = _progress(runtime, db, round_id, 0.7, 0.2)
            stages.predict(runtime, db, pool, engine, serving.model, on_progress=told)
    except driving.StageCancelledError:
        return _was_stopped(runtime)
    return True


def _was_stopped(runtime: ModelRuntime) -> bool:
    """Return False: somebody stopped the round. If the worker ends, its thread does, and the next one goes on."""
    if runtime.is_ending:
        raise SystemExit
    return False


def _progress(
    runtime: ModelRuntime, db: Database, round_id: int, start: float, share: float
) -> Callable[[StageProgress], bool]:
    def report(now: StageProgress) -> bool:
        done = now.done / max(1, now.total)
        progress.store(db, round_id, now)
        return not runtime.is_ending and rounds.advance(db, round_id, step=progress.STEP, progress=start + share * done)

    return report


def mean_vector(db: Database, encoder_hash: str) -> NDArray[np.float32] | None:
    """Return the mean vector of the pool in force; None without one."""
    pool = pools.find_in_force(db)
    return None if pool is None else preparing.mean_vector(db, pool, preparing.encode_stage(encoder_hash))


def spread_features(
    db: Database, encoder_hash: str, space: str | None, mean: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return what a head reads of undecided texts that are evenly spread over the pool in force; None without one."""
    pool = pools.find_in_force(db)
    if pool is None:
        return None
    numbers = np.setdiff1d(np.arange(1, pool.row_count + 1), members.list_decided(db, pool.id))
    names = [preparing.encode_stage(encoder_hash), *([preparing.ngram_stage(space)] if space else [])]
    fetched = rows.fetch(db, pool, calibration_data.spread(numbers), stages=names)
    there = ~np.isnan(fetched.values[names[0]][:, 0])
    vectors, *text_features = (fetched.values[name][there] for name in names)
    return classifiers.join_features(vectors, text_features[0] if text_features else None, mean=mean)


def order(
    runtime: ModelRuntime, db: Database, pool: Pool, serving: Serving, *, seed: int
) -> tuple[list[QueueEntry], list[Waiting], PoolOrder]:
    """Return the queue that a version asks for, whose texts are diaries now, what comes after it, and the order."""
    settings = runtime.settings(db)
    with working(runtime, db, pool) as engine:
        ordered = ordering.order(runtime, db, pool, engine, serving, settings=settings, seed=seed)
        return *ordering.join_head(runtime, db, pool, engine, serving, ordered), ordered


def report(db: Database, this: rounds.Round, ordered: PoolOrder | None) -> dict[str, Any]:
    """Return what a round's report says of the pool: what ran where, for how long, at what cost. JSON."""
    pool = pools.find_in_force(db)
    if pool is None or ordered is None:
        return {}
    work = manifest.list_work_since(db, pool.id, this.started_at or "")
    return {
        "pool": {
            "texts": pool.row_count,
            "shards": pool.shard_count,
            "free": ordered.free_count,
            "chosen_seconds": ordered.seconds,
            "stages": [
                {
                    "kind": each.kind,
                    "engine": each.engine,
                    "shards": each.shards,
                    "texts": each.texts,
                    "seconds": each.seconds,
                    "core_seconds": each.core_seconds,
                }
                for each in work
            ],
        }
    }
