"""Probabilities of diaries that have vectors, computed in the cheaper way for their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learner.classification.bulk_scoring import predict_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database

_FEW = 2048
"""Up to this many diaries are read one by one; of more, every row between the first and the last."""

_TEXTS_A_TURN = 16_384


def score(runtime: ModelRuntime, db: Database, serving: Serving, diary_ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probabilities of diaries that have vectors, (n, k), in their order.

    Text features that are missing are computed and kept first.

    Raises:
        LearnerError: if a vector holds NaN.
    """
    if len(diary_ids) <= _FEW:
        return serving.classifier.proba(runtime.features(db, serving, diary_ids))
    text_file = None
    if serving.text_space is not None:
        text_file = runtime.text_file(serving.classifier.text_space)
        missing = diary_ids[~text_file.has(diary_ids)]
        for at in range(0, len(missing), _TEXTS_A_TURN):
            runtime.text_features(db, serving.classifier.text_space, missing[at : at + _TEXTS_A_TURN])
    start, stop = int(diary_ids.min()) - 1, int(diary_ids.max())
    proba = predict_rows(serving.classifier, runtime.vectors_of(serving), text_file, start=start, stop=stop)
    return proba[diary_ids - 1 - start]
