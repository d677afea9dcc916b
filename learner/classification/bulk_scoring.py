"""Class probabilities of a whole pool, out of the files that hold its features: a million diaries in about a second.

The head is linear, so a row need not be copied, scaled and joined before it is multiplied: dividing the scores of
each centred part of a vector by its length is the same. Blocks of rows pass through one buffer a thread that stays in
the processor's cache, so neither the files nor the features ever lie in memory as a whole.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from learner.classification.classifier import NGRAM_SCALE
from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.classification.unlearned import Unlearned
    from learner.encoders.vector_store import RowReader, VectorFile

    FloatArray = NDArray[np.float32]

_ROWS_A_BLOCK = 640
"""2.6 MB of features of the usual width: several times larger, and they fall out of the cache between two passes."""

_THREADS = 2


def predict_rows(
    classifier: Classifier, vectors: VectorFile, text_features: VectorFile | None, *, start: int = 0, stop: int
) -> FloatArray:
    """Return what `classifier.proba(classifier.features(…))` gives for a run of rows, without building the features.

    Args:
        vectors: encoder vectors; row i belongs to diary i + 1.
        text_features: of the classifier's text space; None if it uses none.
        start, stop: half-open run of rows.

    Returns:
        (stop - start, k) float32; rows sum to 1, NaN where a row is missing in one of the files.

    Raises:
        LearnerError: ``vectors_not_finite`` if a row that is there holds NaN or infinity; ``vectors_lost`` if a
            file became shorter than it said.
    """
    proba = np.full((stop - start, len(classifier.bias)), np.nan, np.float32)
    there = vectors.present(stop)[start:]
    if text_features is not None:
        there &= text_features.present(stop)[start:]
    blocks = [at for at in range(start, stop, _ROWS_A_BLOCK) if there[at - start : at - start + _ROWS_A_BLOCK].any()]
    head = _Head.of(classifier)

    def score(starts: list[int]) -> None:
        with ExitStack() as stack:
            reader = stack.enter_context(vectors.reader())
            text_reader = None if text_features is None else stack.enter_context(text_features.reader())
            block = _Block(head, reader, text_reader, classifier.unlearned)
            for at in starts:
                # Up to the last row that is there: the file may end after it.
                places = np.flatnonzero(there[at - start : at - start + _ROWS_A_BLOCK])
                scored = block.proba(at, int(places[-1]) + 1)
                proba[at - start + places] = scored[places]

    # A product of this size is too small to be shared out: more than one thread each would only wait for another.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(_THREADS) as threads:
        half = -(-len(blocks) // _THREADS)
        list(threads.map(score, [blocks[i * half : (i + 1) * half] for i in range(_THREADS)]))
    # Only rows that are there were filled in, and finite features give finite probabilities.
    broken = int(there.sum()) - int(np.isfinite(proba[:, 0]).sum())
    if broken:
        raise LearnerError("vectors_not_finite", count=broken)
    return proba


def predict_arrays(classifier: Classifier, vectors: FloatArray, text_features: FloatArray | None) -> FloatArray:
    """Return what `classifier.proba(classifier.features(…))` gives for rows in memory, by the same blocks.

    Args:
        vectors: (n, width); NaN where there is none.
        text_features: (n, text width) of the classifier's text space; None if it uses none.

    Returns:
        (n, k) float32; rows sum to 1, NaN where one of the features is.
    """
    proba = np.full((len(vectors), len(classifier.bias)), np.nan, np.float32)
    reader = _ArrayReader(vectors)
    text_reader = None if text_features is None else _ArrayReader(text_features)
    block = _Block(_Head.of(classifier), reader, text_reader, classifier.unlearned)
    with threadpool_limits(1, user_api="blas"):
        for at in range(0, len(vectors), _ROWS_A_BLOCK):
            proba[at : at + _ROWS_A_BLOCK] = block.proba(at, min(_ROWS_A_BLOCK, len(vectors) - at))
    return proba


class _ArrayReader:
    """Reads rows of an array as `learner.encoders.vector_store.RowReader` does those of a file."""

    def __init__(self, values: FloatArray) -> None:
        self.width = values.shape[1]
        self._values = values

    def read_into(self, target: NDArray[np.float32], first_row: int) -> None:
        """Fill `target`, (n, width), with rows from `first_row` on."""
        target[:] = self._values[first_row : first_row + len(target)]


@dataclass(frozen=True, slots=True)
class _Head:
    """A classifier's head, split into what is for each part of a vector and for text features, with the temperature."""

    mean: FloatArray
    part_weights: list[FloatArray]
    text_weight: FloatArray
    bias: FloatArray

    @classmethod
    def of(cls, classifier: Classifier) -> _Head:
        width, part_width = classifier.width, classifier.mean.shape[-1]
        weight = np.asarray(classifier.weight / classifier.temperature, np.float32)
        return cls(
            classifier.mean.reshape(-1),
            [np.ascontiguousarray(weight[:, at : at + part_width]) for at in range(0, width, part_width)],
            np.ascontiguousarray(NGRAM_SCALE * weight[:, width:], np.float32),
            np.asarray(classifier.bias / classifier.temperature, np.float32)[:, None],
        )


class _Block:
    """The buffers of one thread."""

    def __init__(
        self,
        head: _Head,
        vectors: RowReader | _ArrayReader,
        text_features: RowReader | _ArrayReader | None,
        unlearned: Unlearned | None,
    ) -> None:
        self._head, self._vectors, self._texts, self._unlearned = head, vectors, text_features, unlearned
        self._rows = np.empty((_ROWS_A_BLOCK, vectors.width), np.float32)
        self._text_rows = np.empty((_ROWS_A_BLOCK, text_features.width if text_features else 0), np.float32)

    def proba(self, at: int, count: int) -> FloatArray:
        """Return the probabilities of the rows from `at` on, (count, k)."""
        rows = self._rows[:count]
        self._vectors.read_into(rows, at)
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is counted at the end
            rows -= self._head.mean
            parts = rows.reshape(count, len(self._head.part_weights), -1)
            lengths = np.maximum(np.sqrt(np.einsum("ijk,ijk->ij", parts, parts)), 1e-9)
            # Labels by rows, so that each of the steps below runs along the rows.
            logits = np.zeros((len(self._head.bias), count), np.float32)
            for part, weight in enumerate(self._head.part_weights):
                logits += weight @ parts[:, part].T / lengths[:, part]
            if self._texts is not None:
                self._texts.read_into(self._text_rows[:count], at)
                logits += self._head.text_weight @ self._text_rows[:count].T
            logits += self._head.bias
            logits -= logits.max(axis=0)
            np.exp(logits, out=logits)
            logits /= logits.sum(axis=0)
        if self._unlearned is None:
            return np.asarray(logits.T)
        with np.errstate(invalid="ignore", over="ignore"):
            parts /= lengths[..., None]
            return self._unlearned.mix(logits.T, rows)
