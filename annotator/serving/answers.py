"""The serving model's answers to texts. Loads no model, so that a process can read answers without holding one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from db.models.explanations import Explanation

    FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classified:
    """One model's probabilities of some texts, (n, m), in that model's own columns."""

    model_id: int
    proba: FloatArray


@dataclass(frozen=True, slots=True)
class Predicted:
    """One model's probabilities of some texts, in terms of the labels in force.

    Attributes:
        label_ids: the k labels in force.
        known: (k,) whether the model has learned each of them.
        proba: (n, k), rows sum to 1.
    """

    model_id: int
    version: int
    label_ids: tuple[int, ...]
    known: tuple[bool, ...]
    proba: FloatArray


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation of a model's answer to a text, in terms of the labels in force, and the sentences of the text."""

    sentences: tuple[tuple[int, int], ...]
    explanation: Explanation
