"""What the worker's tasks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.answers import queue
from db.forgetting import forgotten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.worker.runtime import ProgressMarks
    from db import Database


HEAD = 48
"""Diaries at the head of the queue that are kept ready to be shown."""


NEXT = 3
"""The diary on each screen and the two after it: what these need comes before all other work."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One piece of upkeep that was done.

    Attributes:
        step: message key of what it was.
        done, total: how far that kind of work has come.
    """

    step: str
    done: int
    total: int


def head_ids(db: Database) -> NDArray[np.int64]:
    return np.array(queue.list_head(db, HEAD), np.int64)


def next_ids(db: Database) -> list[int]:
    """Return the diaries that people read now or next: those of each open tab, or the queue's first while none is."""
    return queue.list_held(db, NEXT) or queue.list_head(db, NEXT)


def forgotten_ids(known: ProgressMarks, db: Database) -> NDArray[np.int64]:
    """Return the ids of forgotten diaries, ascending: nothing is computed for them, and nothing counts as missing."""
    if known.forgettings != (number := forgotten.count_forgettings(db)):
        known.forgotten, known.forgettings = forgotten.list_ids(db), number
    return known.forgotten
