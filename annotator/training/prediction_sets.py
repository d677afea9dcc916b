"""Several labels instead of one, with a promise: what the version in force can promise, and the set of one diary."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from db.models import models
from learner.classification import prediction_sets
from learner.classification.prediction_sets import Promise as Promise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database
    from db.models.models import Model

PROMISED = 0.9
"""Share of sets that are promised to hold the right label."""


def find_promise(db: Database) -> Promise | None:
    """Return what the version in force promises, if anything."""
    return promise_of(models.find_active(db))


def promise_of(model: Model | None) -> Promise | None:
    """Return what a version promises; None where it was measured on too few test diaries, or by an older release."""
    stored = model.metrics.get("promise") if model is not None else None
    names = [field.name for field in fields(Promise)]
    # Another release may keep more of it, or less.
    return Promise(**{name: stored[name] for name in names}) if stored and set(names) <= stored.keys() else None


def columns_in_set(proba: Sequence[float], promised: Promise) -> tuple[int, ...]:
    """Return the labels in the set of a diary, likeliest first.

    Args:
        proba: (k,) of the labels in force.
    """
    values = np.array([proba], np.float32)
    places = np.flatnonzero(prediction_sets.in_set(values, promised.least)[0])
    return tuple(int(place) for place in places[np.argsort(-values[0, places], kind="stable")])
