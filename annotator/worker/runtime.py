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
        asked_versions: ids of versions that were asked for their answers by this worker.
        encoded_at_once: how many diaries upkeep encodes before it looks again for what is more urgent.
        precision_measured: whether the forms of the encoder are known on this machine.
        turn: whose turn it is beside the queue's head; see `annotator.worker.tasks.explanations`.
        word_job: the making of word vectors that has begun; see `annotator.worker.tasks.dictionary`.
        map_job: the drawing of the map that has begun; see `annotator.worker.tasks.pool_map`.
        map_made_from: what the map was last found to be up to date with.
    """

    split_up_to: int = 0
    activation_id: int | None = None
    predicted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    fitted_on: dict[str, int] = field(default_factory=dict)
    audit_at: float = 0.0
    forgettings: int = 0
    forgotten: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    asked: tuple[int, int, int] = (0, 0, 0)
    asked_versions: set[int] = field(default_factory=set)
    encoded_at_once: int = 16
    precision_measured: bool = False
    turn: int = 0
    word_job: Iterator[float] | None = None
    map_job: Iterator[float] | None = None
    map_made_from: object = None


class WorkerRuntime(ModelRuntime):
    """What the worker keeps loaded, and how far its tasks have come.

    Attributes:
        marks: what need not be read from the database again.
    """

    def __init__(self, database: Path, *, cache: Path) -> None:
        super().__init__(database, cache=cache)
        self.marks = ProgressMarks()
