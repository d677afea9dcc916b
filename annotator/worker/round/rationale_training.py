"""Marked words in a round: how the head learns from them, and how their weights changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from annotator import project
from annotator.privacy import forgotten_files
from db.answers import rationales
from db.texts import diaries
from learner.classification.classifier import join_features
from learner.classification.rationale_loss import Marked, weights_of, without_span
from learner.encoders.vector_store import VectorFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime, Serving
    from db import Database
    from db.answers.rationales import Rationale
    from learner.classification.ngram_features import NgramFeatures
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

MOST = 500
"""Newest marks that a round learns from: each costs one text to encode, once."""

_REPORTED = 100
"""Newest marks that a round's report holds: reports are read often."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks that people agree on, oldest first.

    Attributes:
        rationales: m marks, one for each word and label.
        columns: (m,) of their labels.
        texts: m diaries as they are.
        without: m diaries without the word.
    """

    rationales: tuple[Rationale, ...]
    columns: IntArray
    texts: tuple[str, ...]
    without: tuple[str, ...]


def gather(db: Database, label_ids: Sequence[int], *, up_to: int, limit: int = MOST) -> Marks:
    """Return the newest marks on diaries of the pool whose label is among the columns.

    Args:
        up_to: use the state right after this rationale id.
    """
    marks = _agreed(rationales.list_training(db, up_to=up_to, limit=limit))
    marks = [mark for mark in marks if mark.label_id in label_ids]
    texts = diaries.list_texts(db, np.array([mark.diary_id for mark in marks], np.int64))
    without = (without_span(text, (mark.start, mark.end)) for text, mark in zip(texts, marks, strict=True))
    columns = np.array([label_ids.index(mark.label_id) for mark in marks], np.int64)
    return Marks(tuple(marks), columns, tuple(texts), tuple(without))


def _agreed(marks: Sequence[Rationale]) -> list[Rationale]:
    """Return one mark for each word and label; where people contradict each other, none."""
    newest: dict[tuple[int, ...], Rationale] = {}
    verdicts: dict[tuple[int, ...], set[str]] = defaultdict(set)
    for mark in marks:
        word = (mark.diary_id, mark.start, mark.end, mark.label_id)
        newest[word] = mark
        verdicts[word].add(mark.verdict)
    return [mark for word, mark in newest.items() if len(verdicts[word]) == 1]


def learn_from(
    runtime: ModelRuntime,
    db: Database,
    marks: Marks,
    encoder: Encoder,
    *,
    mean: FloatArray,
    space: NgramFeatures | None,
) -> Marked | None:
    """Return the marks in the form that a head learns from; None if there are none.

    Args:
        mean, space: of the head's features.
    """
    if not marks.rationales:
        return None
    with_words, without_words = _features(runtime, db, marks, encoder, mean=mean, space=space)
    is_right = np.array([mark.verdict == "right" for mark in marks.rationales], np.bool_)
    return Marked(with_words - without_words, marks.columns, is_right)


def report(
    runtime: ModelRuntime, db: Database, old: Serving | None, new: Serving, *, up_to: int
) -> list[dict[str, Any]]:
    """Return the weight of each marked word in the old and the new version, newest first, ready for JSON.

    It holds spans and no text. ``before`` and ``after`` are differences of centred logits, see
    `learner.classification.rationale_loss.weights_of`; ``before`` is None without an old version.
    """
    marks = gather(db, new.model.label_ids, up_to=up_to, limit=_REPORTED)
    after = _weights(runtime, db, new, marks)
    before = [None] * len(after) if old is None else _weights(runtime, db, old, marks)
    return [
        {
            "diary_id": mark.diary_id,
            "span": [mark.start, mark.end],
            "label_id": mark.label_id,
            "verdict": mark.verdict,
            "before": was,
            "after": now,
        }
        for mark, was, now in zip(marks.rationales, before, after, strict=True)
    ][::-1]


def _weights(runtime: ModelRuntime, db: Database, serving: Serving, marks: Marks) -> list[float]:
    if not marks.rationales:
        return []
    encoder = runtime.exact_encoder(db, serving)
    head = serving.classifier
    features = _features(runtime, db, marks, encoder, mean=head.mean, space=serving.text_space)
    with_words, without_words = (head.logits(of) for of in features)
    weights = weights_of(with_words, without_words, marks.columns)
    return [round(float(weight), 4) for weight in weights]


def _features(
    runtime: ModelRuntime,
    db: Database,
    marks: Marks,
    encoder: Encoder,
    *,
    mean: FloatArray,
    space: NgramFeatures | None,
) -> tuple[FloatArray, FloatArray]:
    """Return features of the marked diaries as they are and without the word, (m, features) each."""
    ids = np.array([mark.diary_id for mark in marks.rationales], np.int64)
    runtime.encode_missing(db, np.unique(ids), urgent=True, encoder=encoder)
    with_words = runtime.vector_file(db, encoder).read(ids)
    without_words = _vectors(runtime, db, marks, encoder)
    features = []
    for vectors, texts in ((with_words, marks.texts), (without_words, marks.without)):
        features.append(join_features(vectors, space.transform(texts) if space else None, mean=mean))
    return features[0], features[1]


def _vectors(runtime: ModelRuntime, db: Database, marks: Marks, encoder: Encoder) -> FloatArray:
    """Return vectors of the diaries without the word, (m, width); each is computed once for an encoder."""
    file = VectorFile(
        project.vectors_folder(runtime.database) / f"{forgotten_files.MARKS}{encoder.hash}", width=encoder.width
    )
    ids = np.array([mark.id for mark in marks.rationales], np.int64)
    # In place of token counts: a copy of the database may give a mark's number to another word.
    prints = np.array([crc32(text.encode("utf-8", "surrogatepass")) >> 2 | 1 for text in marks.without], np.int32)
    stored = file.token_counts()
    missing = np.flatnonzero([i > len(stored) or stored[i - 1] != p for i, p in zip(ids, prints, strict=True)])
    if len(missing):
        encoded = runtime.encode(db, [marks.without[i] for i in missing], urgent=True, encoder=encoder)
        with forgotten_files.writing(runtime.database):
            there = np.isin(ids[missing], rationales.keep_known(db, ids[missing]))
            if there.any():
                file.write(ids[missing][there].tolist(), encoded.vectors[there], prints[missing][there])
    return file.read(ids)
