"""Features of the perturbed texts of one diary, none computed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    FeaturesOf = Callable[[list[str]], FloatArray]


class FeatureCache:
    """Features by text, encoded together where texts are announced before they are needed."""

    def __init__(self, features_of: FeaturesOf) -> None:
        self._features_of = features_of
        self._cached: dict[str, FloatArray] = {}
        self._announced: list[str] = []

    def announce(self, texts: Sequence[str]) -> None:
        """Encode texts together with the next ones: a few by themselves take an encoder twice as long."""
        self._announced += texts

    def features(self, texts: Sequence[str]) -> FloatArray:
        """Return features, (n, features).

        Raises:
            LearnerError: ``vectors_not_finite`` for features that are no finite numbers.
        """
        missing = list(dict.fromkeys(text for text in [*texts, *self._announced] if text not in self._cached))
        self._announced = []
        if missing:
            features = np.asarray(self._features_of(missing), np.float32)
            if not np.isfinite(features).all():
                raise LearnerError("vectors_not_finite", count=int((~np.isfinite(features).all(axis=1)).sum()))
            self._cached.update(zip(missing, features, strict=True))
        return np.stack([self._cached[text] for text in texts])
