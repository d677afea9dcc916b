"""What a round's temperature is chosen on beside its training examples: test decisions, and the undecided pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.worker.round import gathering
from db.answers import decisions
from learner.classification.temperature import CalibrationData

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime
    from annotator.training.examples import TrainingSet
    from db import Database

    FeaturesOf = Callable[[NDArray[np.int64]], NDArray[np.float32]]

_POOL_SAMPLE = 500
"""Undecided diaries that show how sure a head is of the pool: 50 for each of ten bins."""


def gather(
    runtime: ModelRuntime,
    db: Database,
    training: TrainingSet,
    test: TrainingSet,
    features_of: FeaturesOf,
    *,
    encoded: NDArray[np.bool_],
    of_pool: NDArray[np.float32] | None = None,
) -> CalibrationData:
    """Return what the temperature is chosen on.

    Args:
        features_of: returns what the head reads for diary ids.
        encoded: by diary id - 1, whether its vector is there.
        of_pool: what the head reads of undecided texts of a pool in shards; None for those of the diaries.
    """
    asked = decisions.list_asked(db)
    is_there = encoded[test.diary_ids - 1]
    tested = test.diary_ids[is_there]
    return CalibrationData(
        np.array([asked[int(i)][1] == "random" for i in training.diary_ids], np.bool_),
        features_of(tested),
        test.targets[is_there],
        gathering.groups_of(runtime, db, tested).numbers,
        features_of(_spread_over_pool(db, encoded)) if of_pool is None else of_pool,
    )


def _spread_over_pool(db: Database, encoded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return undecided diaries that have a vector, evenly spread."""
    is_undecided = encoded.copy()
    decided = decisions.list_decided_ids(db)
    is_undecided[decided[decided <= len(encoded)] - 1] = False
    ids = np.flatnonzero(is_undecided) + 1
    return spread(ids)


def spread(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of many diaries, evenly spread."""
    return ids[:: max(1, len(ids) // _POOL_SAMPLE)]
