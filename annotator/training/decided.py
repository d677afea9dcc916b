"""What people decided of each diary, for whoever compares it with what a model answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator.training.examples import votes_of
from db.answers import training_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db import Database

_PARTS: tuple[Literal["pool", "test"], ...] = ("pool", "test")


@dataclass(frozen=True, slots=True)
class DecidedDiaries:
    """The decided diaries; row i is diary i + 1.

    Attributes:
        columns: (rows,) of the label that most people gave; -1 for undecided ones.
        is_test: (rows,) whether a decided diary is of the test part.
    """

    columns: NDArray[np.int64]
    is_test: NDArray[np.bool_]


def load(db: Database, label_ids: tuple[int, ...], rows: int) -> DecidedDiaries:
    """Return what people decided of the first diaries, in columns of these labels."""
    columns, is_test = np.full(rows, -1, np.int64), np.zeros(rows, np.bool_)
    for part in _PARTS:
        votes = votes_of(training_data.list_labelled(db, part=part), label_ids)
        columns[votes.diary_ids - 1] = votes.columns
        is_test[votes.diary_ids - 1] = part == "test"
    return DecidedDiaries(columns, is_test)
