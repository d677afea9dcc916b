"""Bringing the stages of a pool up to date: what is missing is made, by the engine of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.pool import preparing
from annotator.pool.driving import run_stage
from annotator.serving import encoder_cache
from db.models import models
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.pool.driving import StageReport
    from annotator.pool.engines import Engine
    from annotator.pool.pools import Pool
    from annotator.pool.progress import StageProgress
    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.serving.runtime import ModelRuntime
    from db import Database
    from db.models.models import Model

    OnProgress = Callable[[StageProgress], bool]

KINDS = ("encode", "ngrams", "predict")

_MOST_PASSES = 3


def go_on(progress: StageProgress) -> bool:
    """Let the work go on, whatever its progress."""
    del progress
    return True


def encode(
    runtime: ModelRuntime,
    db: Database,
    pool: Pool,
    engine: Engine,
    *,
    spec: EncoderSpec | None = None,
    on_progress: OnProgress = go_on,
) -> list[StageReport]:
    """Encode what is due, and compute n-grams of it. The caller holds `annotator.pool.driving.only_driver`.

    Args:
        spec: the encoder; None for the one that the next round reads.

    Raises:
        PoolError, EncoderError, StageCancelledError: see `annotator.pool.driving.run_stage`.
    """
    spec = spec or encoder_cache.of_next_round(db)
    job = preparing.encode_job(runtime, db, pool, spec)
    return [run_stage(db, pool, job, engine, on_progress=on_progress), *ngrams(db, pool, engine, on_progress)]


def ngrams(
    db: Database, pool: Pool, engine: Engine, on_progress: OnProgress = go_on, *, space: str | None = None
) -> list[StageReport]:
    """Compute the n-grams that are due.

    Args:
        space: of a version; None for the newest, which is fitted first if need be.
    """
    space = space or preparing.fit_text_space(db, pool)
    if space is None:
        return []
    return [run_stage(db, pool, preparing.ngram_job(db, pool, space), engine, on_progress=on_progress)]


def predict(
    runtime: ModelRuntime,
    db: Database,
    pool: Pool,
    engine: Engine,
    model: Model,
    *,
    on_progress: OnProgress = go_on,
) -> list[StageReport]:
    """Predict what is due with a version; what its head reads is made first where it is missing."""
    reports: list[StageReport] = []
    for turn in range(_MOST_PASSES):
        reports += _inputs(runtime, db, pool, engine, model, on_progress)
        try:
            job, inputs = preparing.predict_job(db, pool, model), preparing.inputs_of(db, model).all()
            report = run_stage(db, pool, job, engine, inputs=inputs, on_progress=on_progress)
        except PoolError as error:
            # A damaged input was named, counts no longer, and is made again.
            is_due_again = error.code in ("pool_shard_differs", "pool_file_missing", "pool_input_missing")
            if turn == _MOST_PASSES - 1 or not is_due_again:
                raise
        else:
            return [*reports, report]
    return reports


def _inputs(
    runtime: ModelRuntime, db: Database, pool: Pool, engine: Engine, model: Model, on_progress: OnProgress
) -> list[StageReport]:
    spec = encoder_cache.choice_of(db, model)
    if spec is None:
        runtime.load_classifier(db, model)  # says which encoder it is that is gone
        return []
    job = preparing.encode_job(runtime, db, pool, spec)
    reports = [run_stage(db, pool, job, engine, on_progress=on_progress)]
    space = runtime.load_head(db, model).classifier.text_space
    return [*reports, *(ngrams(db, pool, engine, on_progress, space=space) if space else [])]


def find_model(db: Database) -> Model:
    """Return the version that serves.

    Raises:
        PoolError: ``pool_no_model`` if none does yet.
    """
    model = models.find_active(db)
    if model is None:
        raise PoolError("pool_no_model")
    return model
