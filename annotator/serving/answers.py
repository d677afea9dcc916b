"""What the serving model says of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Classified:
    """What one model says of some texts: (n, m), columns as that model has them."""

    model_id: int
    proba: FloatArray
