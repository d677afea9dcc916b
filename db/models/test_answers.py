"""The label that each version of the classifier answers for each test diary that has been decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from db.connection import rows, scalar, write
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlite_utils import Database

    IntArray = NDArray[np.int64]


def store(db: Database, model_id: int, diary_ids: IntArray, label_ids: IntArray) -> None:
    """Store what a version answers for some diaries, in their order; those that were forgotten meanwhile are left out.

    Args:
        label_ids: of labels in force.
    """
    with write(db):
        known = np.isin(diary_ids, diaries.keep_known(db, diary_ids))
        pairs = zip(diary_ids[known].tolist(), label_ids[known].tolist(), strict=True)
        db.conn.executemany(
            "insert or replace into test_answers (model_id, diary_id, label_id) values (?, ?, ?)",
            [(model_id, diary_id, label_id) for diary_id, label_id in pairs],
        )


def load(db: Database) -> dict[int, dict[int, int]]:
    """Return the label id by diary id of each version that has answered, by its model's id."""
    answers: dict[int, dict[int, int]] = {}
    for model_id, diary_id, label_id in rows(db, "select model_id, diary_id, label_id from test_answers"):
        answers.setdefault(model_id, {})[diary_id] = label_id
    return answers


def count_models(db: Database) -> int:
    """Return how many versions have answered; it falls to 0 when the label set changes."""
    return int(scalar(db, "select count(distinct model_id) from test_answers"))
