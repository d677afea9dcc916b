"""What is made of the texts of a pool, shard by shard: functions of one shard, the same on one computer and on many.

Each reads files, computes, and commits one file; run twice, it makes the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learner.classification import bulk_scoring
from learner.pool import shards
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.encoders.encoder import Encoder
    from learner.pool.shards import Made
    from learner.pool.storage import Storage

    FloatArray = NDArray[np.float32]

_TEXTS_A_TURN = 2048


def find_made(storage: Storage, stage: str, shard: int, *, source: str) -> Made | None:
    """Return what is in the place of a stage's file if it was made from these texts; None if it has to be made."""
    try:
        opened = shards.open_rows(storage, stage, shard, digest=None)
    except PoolError as error:
        if error.code in ("pool_file_missing", "pool_shard_differs"):
            return None
        raise
    if opened.source != source:
        return None
    name = shards.name_of(stage, shard)
    size, digest = storage.size(name), storage.digest(name)
    return None if size is None or digest is None else shards.Made(shard, len(opened.values), size, digest, source)


def encode(storage: Storage, stage: str, shard: int, encoder: Encoder, *, source: str) -> Made:
    """Encode the texts of a shard. Rows of forgotten texts are NaN.

    Args:
        source: digest of the shard's texts.

    Raises:
        PoolError: if the texts are not those of the manifest, or the file can't be written.
    """
    values = _of_texts(storage, shard, source, encoder.width, lambda texts: encoder.encode(texts).vectors)
    return shards.write_rows(storage, stage, shard, values, source=source)


def ngrams(
    storage: Storage, stage: str, shard: int, transform: Callable[[Sequence[str]], FloatArray], *, source: str
) -> Made:
    """Compute the n-gram features of a shard's texts; raises as `encode` does."""
    width = transform(["가"]).shape[1]
    values = _of_texts(storage, shard, source, width, transform)
    return shards.write_rows(storage, stage, shard, values, source=source)


def _of_texts(
    storage: Storage, shard: int, source: str, width: int, make: Callable[[Sequence[str]], FloatArray]
) -> FloatArray:
    texts = shards.read_texts(storage, shard, digest=source).texts
    values = np.full((len(texts), width), np.nan, np.float32)
    there = np.array([row for row, text in enumerate(texts) if text is not None], np.int64)
    for at in range(0, len(there), _TEXTS_A_TURN):
        rows = there[at : at + _TEXTS_A_TURN]
        values[rows] = make([text for row in rows.tolist() if (text := texts[row]) is not None])
    return values


def predict(
    storage: Storage,
    stage: str,
    shard: int,
    classifier: Classifier,
    *,
    source: str,
    vectors: tuple[str, str],
    text_features: tuple[str, str] | None,
) -> Made:
    """Compute what a version answers for a shard, (n, k).

    Args:
        vectors, text_features: stage and digest of the files that its head reads.

    Raises:
        PoolError: as `encode` does, and ``pool_shard_differs`` if a file was made from other texts.
    """
    read = _open(storage, vectors, shard, source)
    read_texts = None if text_features is None else _open(storage, text_features, shard, source)
    values = bulk_scoring.predict_arrays(classifier, read, read_texts)
    return shards.write_rows(storage, stage, shard, values, source=source)


def _open(storage: Storage, file: tuple[str, str], shard: int, source: str) -> FloatArray:
    stage, digest = file
    opened = shards.open_rows(storage, stage, shard, digest=digest)
    if opened.source != source:
        raise PoolError("pool_shard_differs", url=storage.url, name=shards.name_of(stage, shard))
    return opened.values
