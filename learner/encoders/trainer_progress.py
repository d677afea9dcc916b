"""What watches the Trainer at work: its progress, the time it may take, and the memory it asks for."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback

from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Progress(TrainerCallback):  # type: ignore[misc]
    """Reports progress, and stops training on request or when the loss is no longer a number."""

    def __init__(self, on_progress: Callable[[float], bool]) -> None:
        self._on_progress = on_progress
        self.stopped = False
        self.diverged = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not self._on_progress(state.global_step / max(1, state.max_steps)):
            self.stopped = True
            control.should_training_stop = True
            control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        values = [value for name, value in (logs or {}).items() if name in ("loss", "eval_loss", "grad_norm")]
        if not all(math.isfinite(float(value)) for value in values):
            self.diverged = True
            control.should_training_stop = True


class Deadline(TrainerCallback):  # type: ignore[misc]
    """Stops training that would take longer than it may, as soon as its first steps tell.

    Attributes:
        passed: whether it did.
        minutes: that training would have taken from its start to its end.
    """

    STEPS = 10
    """Steps before which nothing is foretold: the first ones take longest."""

    def __init__(self, most_seconds: float) -> None:
        self._most = most_seconds
        self._began = (0, 0.0)
        self.passed = False
        self.minutes = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = (state.global_step, time.monotonic())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, began = self._began
        done = state.global_step - step
        seconds = state.max_steps * (time.monotonic() - began) / max(1, done)
        if done >= self.STEPS and seconds > self._most:
            self.passed, self.minutes = True, seconds / 60
            control.should_training_stop = True


@contextmanager
def memory_watched(batch: int) -> Iterator[None]:
    """Give a lack of memory while something is trained a kind of its own.

    Args:
        batch: texts in a step, which the sentence names.

    Raises:
        LearnerError: ``device_memory_full`` for a graphics device.
        MemoryError: for the computer's own, for which torch knows only a general kind of error.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise LearnerError("device_memory_full", batch=batch) from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise MemoryError(str(error)) from error
