"""Vectors of words, and which words lie near those of a dictionary.

Two kinds: what the encoder makes of a word by itself, and word2vec trained on the project's own diaries.
"""

from __future__ import annotations

import json
import logging
import os
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from learner.errors import LearnerError
from learner.text.lemmas import NEGATED
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

FEWEST_DIARIES = 200
FEWEST_WORDS = 30_000
"""Below these, neighbours by their company are chance: 378 demo diaries with 11,000 words gave none that made sense,
5,000 short reviews with 39,000 did."""

MOST_WORDS = 3_000

LEAST_SIMILARITY = 0.35
"""Cosine below which a neighbour is not worth showing to a person."""

_FEWEST_OCCURRENCES = 3
_WIDTH = 64
_WINDOW = 20
_WORDS_TO_READ = 1_600_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 8, 40
_FIRST_RATE, _LAST_RATE = 0.05, 0.0001


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Vectors of words.

    Attributes:
        forms: (n,) without repeats.
        vectors: (n, width) float32 of length 1.
    """

    forms: tuple[str, ...]
    vectors: FloatArray


class Relation(NamedTuple):
    """A word that lies near one of the dictionary.

    Attributes:
        label: that of the words it lies near.
        similarity: cosine to the nearest of them, in [-1, 1].
        nearest: that word.
    """

    form: str
    label: int
    similarity: float
    nearest: str


def vocabulary(sentences: Iterable[Sequence[str]], *, most: int = MOST_WORDS) -> tuple[str, ...]:
    """Return the words that occur three times or more, the most frequent first; ties in alphabetical order."""
    counted = Counter(form for sentence in sentences for form in sentence)
    order = sorted((-count, form) for form, count in counted.items() if count >= _FEWEST_OCCURRENCES)
    return tuple(form for _, form in order[:most])


def of_encoder(forms: Sequence[str], vectors: FloatArray) -> WordVectors:
    """Return an encoder's vectors, centred: encoders of this kind put every text close to every other.

    Args:
        vectors: (n, width), a row for each form.
    """
    return WordVectors(tuple(forms), _unit(vectors - vectors.mean(axis=0)) if len(forms) else vectors)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)


def train(sentences: Sequence[Sequence[str]], *, seed: int) -> Generator[float, None, WordVectors]:
    """Train word2vec (skip-gram) on the words of diaries, one list a diary; yield the share done after each reading.

    One thread, one seed and a hash that does not change from run to run: the same diaries give the same vectors.

    Raises:
        LearnerError: if no word occurs three times.

    Character n-grams, as fastText has them, were tried and dropped: in dictionary forms they find words that are
    spelled alike (눈물 and 국물). A wide window finds words of one mood, a narrow one words of one kind.

    Source: Mikolov et al. (2013), Distributed Representations of Words and Phrases and their Compositionality.
    """
    from gensim.models import Word2Vec

    logging.getLogger("gensim").setLevel(logging.ERROR)
    forms = vocabulary(sentences)
    if not forms:
        raise LearnerError("words_too_few", count=len(sentences))
    model = Word2Vec(
        vector_size=_WIDTH,
        window=_WINDOW,
        min_count=_FEWEST_OCCURRENCES,
        sg=1,
        negative=10,
        workers=1,
        seed=seed,
        hashfxn=_stable_hash,
    )
    model.build_vocab(sentences)
    epochs = _epochs(sum(map(len, sentences)))
    step = (_FIRST_RATE - _LAST_RATE) / epochs
    for epoch in range(epochs):
        rate = _FIRST_RATE - step * epoch
        model.train(sentences, total_examples=len(sentences), epochs=1, start_alpha=rate, end_alpha=rate - step)
        yield (epoch + 1) / epochs
    vectors = np.stack([model.wv[form] for form in forms])
    return WordVectors(forms, _unit(vectors - vectors.mean(axis=0)))


def _epochs(word_count: int) -> int:
    """Return how often the diaries are read: the more often the fewer words there are."""
    return int(np.clip(_WORDS_TO_READ // max(1, word_count), _FEWEST_EPOCHS, _MOST_EPOCHS))


def _stable_hash(word: str) -> int:
    """Python's own hash of a string differs from process to process."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def related(
    words: WordVectors, entries: Mapping[str, int], *, leave_out: Collection[str], limit: int
) -> list[Relation]:
    """Return words near those of the dictionary, the nearest first; each with the label that it lies nearest to.

    What is negated lies near what isn't and says the contrary, so the two are not compared.

    Args:
        entries: label by form; those without a vector are passed over.
        leave_out: forms about which somebody has decided already.
    """
    place_of = {form: place for place, form in enumerate(words.forms)}
    seeds = [form for form in entries if form in place_of]
    rest = [place for form, place in place_of.items() if form not in entries and form not in leave_out]
    if not seeds or not rest:
        return []
    similarity = words.vectors[rest] @ words.vectors[[place_of[form] for form in seeds]].T
    is_negated = np.array([form.startswith(NEGATED) for form in words.forms])
    similarity[is_negated[rest][:, None] != is_negated[[place_of[form] for form in seeds]]] = -1
    nearest = similarity.argmax(axis=1)
    best = similarity[np.arange(len(rest)), nearest]
    order = [int(i) for i in np.argsort(-best, kind="stable")[:limit] if best[i] >= LEAST_SIMILARITY]
    return [
        Relation(words.forms[rest[i]], entries[seeds[nearest[i]]], float(best[i]), seeds[nearest[i]]) for i in order
    ]


def store(file: Path, words: WordVectors, about: Mapping[str, Any]) -> None:
    """Store vectors in a file, atomically.

    Args:
        about: what they were made from, ready for JSON.

    Raises:
        LearnerError: if the file can't be written.
    """
    draft = file.with_suffix(".draft")
    try:
        private_files.make_folder(file.parent)
        with private_files.open_file(draft, "wb") as opened:
            metadata = json.dumps({"forms": words.forms, **about}, ensure_ascii=True)
            np.savez(opened, vectors=words.vectors.astype(np.float16), about=np.array(metadata))
        os.replace(draft, file)
    except OSError as error:
        raise LearnerError("vectors_unwritable", folder=str(file.parent), reason=error.strerror or "?") from error


def load(file: Path) -> tuple[WordVectors, dict[str, Any]] | None:
    """Return vectors and what they were made from; None if there are none, or they can't be read any more."""
    try:
        with np.load(file, allow_pickle=False) as opened:
            about: dict[str, Any] = json.loads(str(opened["about"]))
            vectors = opened["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    forms = tuple(about.pop("forms", ()))
    return (WordVectors(forms, vectors), about) if len(forms) == len(vectors) else None
