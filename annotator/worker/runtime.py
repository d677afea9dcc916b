"""A model runtime with what the worker remembers between two checks of the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from annotator.serving.runtime import ModelRuntime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass
class ProgressMarks:
    """How far upkeep has come, so that checking a million diaries takes milliseconds. A new worker starts afresh.

    Attributes:
        split_up_to: every diary up to this id has sentences; they go with their diary only.
        activation_id: the serving of a model that `predicted` speaks of. Meanwhile only upkeep adds predictions.
        predicted: by diary id - 1, whether that model's prediction is kept; as long as the last look found ids.
        fitted_on: diaries that each text space was fitted on, by its hash.
        audit_at: when the reviewers' queue may be made anew though other work waits; monotonic seconds.
        forgettings: how often something had been forgotten when `forgotten` was read.
        forgotten: ids of forgotten diaries, ascending.
        asked: how many test diaries and versions there were when all versions were asked, and how many answered.
        encodes_next: whether vectors had the last turn beside explanations of the queue's head.
        word_job: the making of word vectors that has begun; see `annotator.worker.tasks.dictionary`.
    """

    split_up_to: int = 0
    activation_id: int | None = None
    predicted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    fitted_on: dict[str, int] = field(default_factory=dict)
    audit_at: float = 0.0
    forgettings: int = 0
    forgotten: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    asked: tuple[int, int, int] = (0, 0, 0)
    encodes_next: bool = False
    word_job: Iterator[float] | None = None


class WorkerRuntime(ModelRuntime):
    """What the worker keeps loaded, and how far its tasks have come.

    Attributes:
        marks: what need not be read from the database again.
    """

    def __init__(self, database: Path, *, cache: Path) -> None:
        super().__init__(database, cache=cache)
        self.marks = ProgressMarks()
