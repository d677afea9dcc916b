"""Predictions in blocks of diaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.models import models, predictions
from db.models.models import Model, NewModel
from db.models.predictions import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database


@pytest.fixture
def model(opened: Database) -> Model:
    """A model of two labels."""
    return models.get_model(opened, models.add_model(opened, NewModel("zero", "e", "hash", (1, 2), b"w", {})))


def _proba(*first: float) -> NDArray[np.float32]:
    return np.array([[p, 1 - p] for p in first], np.float32)


def test_predictions_of_several_blocks_come_back_as_one(opened: Database, model: Model) -> None:
    proba = np.random.default_rng(0).random((2 * BLOCK + 10, 2), np.float32)
    proba[BLOCK + 3] = np.nan
    predictions.store_predictions(opened, model.id, proba)
    np.testing.assert_array_equal(predictions.load_predictions(opened, model), proba)
    assert predictions.find_proba(opened, model, BLOCK + 4) is None
    np.testing.assert_array_equal(predictions.find_proba(opened, model, BLOCK + 5), proba[BLOCK + 4])


def test_predictions_of_some_leave_the_others(opened: Database, model: Model) -> None:
    predictions.store_predictions(opened, model.id, _proba(0.1, 0.2, 0.3))
    predictions.update_predictions(opened, model.id, np.array([5, 2]), _proba(0.5, 0.9))
    np.testing.assert_array_equal(
        predictions.load_predictions(opened, model)[:, 0], np.float32([0.1, 0.9, 0.3, np.nan, 0.5])
    )


def test_a_block_that_is_not_there_has_no_predictions(opened: Database, model: Model) -> None:
    ids = np.array([2 * BLOCK + 2, 1])
    predictions.update_predictions(opened, model.id, ids, _proba(0.7, 0.6))
    proba = predictions.load_predictions(opened, model)
    assert len(proba) == 2 * BLOCK + 2
    assert (np.flatnonzero(~np.isnan(proba[:, 0])) + 1).tolist() == [1, 2 * BLOCK + 2]
    assert predictions.find_proba(opened, model, BLOCK + 1) is None


def test_a_model_without_predictions_has_none(opened: Database, model: Model) -> None:
    assert predictions.load_predictions(opened, model).shape == (0, 2)
