"""A round: train, evaluate, rank. Six steps, whose results are in the database or beside it.

A round that a killed worker left open is run again from its first step. Each step stores its result in one
transaction. Long ones (vectors, tuning, training) first check whether it is there; evaluating and ranking
take seconds and give the same result again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import AppError, UserError, where
from annotator.serving import encoder_cache, scoring
from annotator.worker.round import encoder_tuning, fitting, inputs, measuring, promotion
from annotator.worker.round import pool as pool_of_round
from db.answers import decisions, queue
from db.forgetting import forgotten
from db.models import models, predictions, rounds
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from annotator.serving.runtime import ModelRuntime
    from db import Database

    Step = Callable[[ModelRuntime, Database, int], inputs.Result]


logger = logging.getLogger(__name__)


def run(step: Callable[[str], inputs.Result]) -> None:
    """Run a round to its end, whatever its outcome.

    Args:
        step: runs one step of `STEPS` by name, with `run_step`.
    """
    for name in STEPS:
        if step(name).get("ended"):
            return


def run_step(runtime: ModelRuntime, round_id: int, name: str) -> inputs.Result:
    """Run one step, unless the round has ended or somebody asked it to stop.

    An error ends the round, and the previous model goes on serving. It is not raised: the text of an
    exception may quote a diary.
    """
    db = runtime.open()
    try:
        if name == "gather":
            _begin(db, round_id)
        if rounds.advance(db, round_id, step=name, progress=_progress_at(name, rounds.get_round(db, round_id).tier)):
            return _do(runtime, db, round_id, name)
        rounds.end(db, round_id, status="cancelled")
    except AppError as problem:
        rounds.end(db, round_id, status="failed", error={"code": problem.code, "details": problem.details})
    except Exception as problem:
        logger.error("A round's step %s failed: %s", name, where(problem))
        code = "memory_full" if isinstance(problem, MemoryError) else "fault"
        rounds.end(db, round_id, status="failed", error={"code": code, "details": {"kind": type(problem).__name__}})
    finally:
        db.close()
    return {"ended": True}


def _do(runtime: ModelRuntime, db: Database, round_id: int, name: str) -> inputs.Result:
    """Do a step, and repeat it if it failed because its input was forgotten meanwhile."""
    while True:
        number = forgotten.count_forgettings(db)
        try:
            return STEPS[name](runtime, db, round_id)
        except Exception:
            if forgotten.count_forgettings(db) == number:
                raise


def _progress_at(name: str, tier: str) -> float:
    """Return the share of a round that is done when a step begins, in [0, 1]."""
    share = list(STEPS).index(name) / len(STEPS)
    # Tuning and encoding take nearly all of a deeper round.
    return share if tier == "instant" or name == "gather" else 0.02 if name == "tune" else 0.9 + share / 10


def _begin(db: Database, round_id: int) -> None:
    rounds.begin(
        db,
        round_id,
        last_decision_id=decisions.last_decision_id(db),
        previous_model_id=models.find_active_id(db),
    )


def _gather(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Check what there is to learn from, and make sure that all of it has vectors."""
    this = rounds.get_round(db, round_id)
    gathered = inputs.examples_of(runtime, db, this)
    training, test = gathered.training, gathered.test
    # The serving version is measured on the test diaries, too, and may use another encoder's vectors.
    runtime.encode_missing(db, test.diary_ids, urgent=True)
    if this.tier == "instant":
        encoder = runtime.load_encoder(db, encoder_cache.of_next_round(db))
        ahead = np.zeros(0, np.int64)
        if not runtime.vector_file(db, encoder).rows:
            ahead = np.array(queue.list_head(db, encoder_tuning.ENCODED_AHEAD), np.int64)
        diary_ids = np.unique(np.concatenate([training.diary_ids, test.diary_ids, ahead]))
        runtime.encode_missing(db, diary_ids, urgent=True, encoder=encoder)
    # Near-copies of test diaries are known once there are vectors.
    training = inputs.examples_of(runtime, db, this).training
    if len(np.unique(training.columns)) < 2:
        raise UserError("labels_of_one_kind", count=len(training.columns))
    return {"train": len(training.columns), "test": len(test.columns)}


def _tune(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Tune an encoder where the round's tier asks for it."""
    this = rounds.get_round(db, round_id)
    if this.tier == "instant" or this.model_id is not None:
        return {}
    gathered = inputs.examples_of(runtime, db, this)
    training = gathered.training
    # Recorded before it can fail, so that a failing round is not started again for the same labels.
    rounds.store_report(db, round_id, {"train": len(training.columns)})
    if encoder_tuning.tune(runtime, db, this, training, gathered.test.diary_ids):
        return {}
    return inputs.cancel(db, round_id)


def _rank(runtime: ModelRuntime, db: Database, round_id: int) -> inputs.Result:
    """Predict every diary that has a vector and store the predictions; nothing is shown yet."""
    new = runtime.load_classifier(db, models.get_model(db, inputs.require_model_id(rounds.get_round(db, round_id))))
    there = runtime.vectors_of(new).present(diaries.last_diary_id(db))
    ids = np.flatnonzero(there) + 1
    proba = np.full((len(there), len(new.model.label_ids)), np.nan, np.float32)
    if len(ids):
        proba[there] = scoring.score(runtime, db, new, ids)
    predictions.store_predictions(db, new.model.id, proba)
    if not pool_of_round.predict(runtime, db, round_id, new):
        return inputs.cancel(db, round_id)
    return {"predicted": len(ids)}


STEPS: dict[str, Step] = {
    "gather": _gather,
    "tune": _tune,
    "fit": fitting.fit,
    "evaluate": measuring.evaluate,
    "rank": _rank,
    "promote": promotion.promote,
}
"""The steps of a round, in order."""
