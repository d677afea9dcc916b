"""What training by a recipe comes to, whatever was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of training.

    Attributes:
        validation, examples: (n, k) probabilities of the best weights.
        curve: what was logged: step, epoch, and ``loss`` or ``validation_…`` and ``training_…`` figures.
        stopped: whether it was told to stop before its end; its newest checkpoint is in the folder.
    """

    validation: FloatArray
    examples: FloatArray
    curve: tuple[Figures, ...]
    stopped: bool
