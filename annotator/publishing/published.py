"""A model version as it lies in a folder outside the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


Format = Literal["onnx", "transformers"]


FORMATS: tuple[Format, ...] = ("onnx", "transformers")


@dataclass(frozen=True, slots=True)
class Published:
    """A folder that was written.

    Attributes:
        difference: the largest one between its probabilities and the app's, in [0, 1], on `compared` texts.
    """

    folder: Path
    version: int
    format: Format
    compared: int
    difference: float
