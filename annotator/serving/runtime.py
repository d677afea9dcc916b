"""What the worker keeps loaded: the encoder, the text space, the serving classifier and the vector files."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.privacy import forgotten_files
from annotator.serving import encoder_cache
from annotator.serving.encoder_cache import EncoderCache
from db import connect
from db.models import facts, models
from db.models import text_spaces as models_text_spaces
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.classification import ngram_features as text_spaces
from learner.encoders.encoder import Encoded, list_turns
from learner.encoders.vector_store import VectorFile
from learner.text.sentences import SentenceSplitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.settings import Settings
    from db import Database
    from db.models.models import Model
    from learner.classification.classifier import Classifier
    from learner.classification.ngram_features import NgramFeatures
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]


_FEWEST_TO_TIME = 32


@dataclass(frozen=True, slots=True)
class Serving:
    """A model version, ready to answer.

    Attributes:
        text_space: the features it was trained with; None if it uses none.
    """

    model: Model
    classifier: Classifier
    text_space: NgramFeatures | None


class ModelRuntime:
    """Loads once what a job needs. A round and the upkeep, on two threads, share it.

    Attributes:
        is_warm: whether everything that a round imports has been loaded.
        cache: where the bundled checkpoint is written.
        gives_way: whether a round is open that lets upkeep work.
        is_ending: whether the worker ends.
    """

    def __init__(self, database: Path, *, cache: Path) -> None:
        self.database = database
        self._encoding = threading.Lock()
        self._no_round = threading.Event()
        self._no_round.set()
        self._round_thread: int | None = None
        self.is_warm = False
        self.gives_way = False
        self.is_ending = False
        self.cache = cache
        self._shelf = EncoderCache(database, cache=cache)
        self._serving: Serving | None = None
        self._spaces: dict[str, NgramFeatures] = {}
        self._splitter: SentenceSplitter | None = None

    @contextmanager
    def right_of_way(self) -> Iterator[None]:
        """Make upkeep wait at its next batch of texts while the block runs: somebody waits for the round."""
        self._round_thread = threading.get_ident()
        self._no_round.clear()
        try:
            yield
        finally:
            self._no_round.set()
            self._round_thread = None

    @contextmanager
    def giving_way(self) -> Iterator[None]:
        """Allow upkeep to work while the block runs: a part of a round that takes minutes and that nobody waits for."""
        had_it = self.round_runs
        self.gives_way = True
        self._no_round.set()
        try:
            yield
        finally:
            self.gives_way = False
            if had_it:
                self._no_round.clear()

    def wait_for_round(self) -> None:
        """Wait while a round has the right of way; the round itself, which would wait for ever, goes on."""
        if threading.get_ident() != self._round_thread:
            self._no_round.wait()

    def end(self) -> None:
        """Ask long-running work to stop where it can be resumed: the worker is ending."""
        self.is_ending = True

    @property
    def round_runs(self) -> bool:
        """Whether a round has the right of way now."""
        return not self._no_round.is_set()

    def open(self) -> Database:
        """Open the database; the caller closes it."""
        return connect(self.database)

    def settings(self, db: Database) -> Settings:
        """Return the settings in force."""
        return project_settings.load(db)

    def encoder(self, db: Database) -> Encoder:
        """Return the encoder in force: that of the serving model, or the settings' one; loaded at the first call."""
        return self.load_encoder(db, encoder_cache.in_force(db))

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Keep other threads from encoding while the block runs: to measure, or to use an encoder itself."""
        with self._encoding:
            yield

    def load_encoder(self, db: Database, choice: EncoderSpec) -> Encoder:
        """Return an encoder."""
        with self._encoding:
            return self._shelf.get(db, choice)

    def encode(
        self, db: Database, texts: Sequence[str], *, urgent: bool = False, encoder: Encoder | None = None
    ) -> Encoded:
        """Return vectors of texts, in batches between which a round may go first unless this is urgent.

        Args:
            encoder: None for the one in force.
        """
        encoder = encoder or self.encoder(db)
        encoded = Encoded(np.zeros((len(texts), encoder.width), np.float32), np.zeros(len(texts), np.int32))
        for places in list_turns(texts):
            if not urgent:
                self.wait_for_round()
            with self._encoding:
                part = encoder.encode([texts[i] for i in places])
            encoded.vectors[places], encoded.token_counts[places] = part.vectors, part.token_counts
        return encoded

    def splitter(self) -> SentenceSplitter:
        """Return the sentence splitter."""
        if self._splitter is None:
            self._splitter = SentenceSplitter()
        return self._splitter

    def close(self) -> None:
        """End the child process of the splitter."""
        if self._splitter is not None:
            self._splitter.close()
            self._splitter = None

    def vector_file(self, db: Database, encoder: Encoder | None = None) -> VectorFile:
        """Return the vectors of an encoder; without one, of the encoder in force."""
        encoder = encoder or self.encoder(db)
        return self.vectors_by_hash(encoder.hash, encoder.width)

    def vectors_of(self, serving: Serving) -> VectorFile:
        """Return the vectors that a model version reads."""
        return self.vectors_by_hash(serving.model.encoder_hash, serving.classifier.width)

    def vectors_by_hash(self, digest: str, width: int) -> VectorFile:
        """Return the vectors of an encoder that need not be loaded."""
        return VectorFile(project.vectors_folder(self.database) / digest, width=width)

    def text_file(self, digest: str) -> VectorFile:
        """Return the features of one text space."""
        width = self._spaces[digest].width
        return VectorFile(project.vectors_folder(self.database) / f"text-{digest[:32]}", width=width)

    def text_space(self, db: Database, digest: str | None = None) -> tuple[str, NgramFeatures] | None:
        """Return a text space by its hash, or the newest one; None if there is none yet."""
        digest = digest or models_text_spaces.find_newest_text_space(db)
        if digest is not None and digest in self._spaces:
            return digest, self._spaces[digest]
        stored = models_text_spaces.find_text_space(db, digest)
        if stored is None:
            return None
        self._spaces.setdefault(stored[0], text_spaces.from_bytes(stored[1]))
        return stored[0], self._spaces[stored[0]]

    def load_classifier(self, db: Database, model: Model) -> Serving:
        """Return a model version ready to answer.

        Raises:
            UserError: if it reads the vectors of an encoder that is neither the settings' one nor tuned here.
        """
        with self._encoding:
            self._shelf.of_model(db, model)
        return self.load_head(db, model)

    def load_head(self, db: Database, model: Model) -> Serving:
        """Return a model version that answers for diaries that have vectors; its encoder is not loaded."""
        classifier = classifiers.from_bytes(models.get_weights(db, model.id))
        space = self.text_space(db, classifier.text_space) if classifier.text_space else None
        return Serving(model, classifier, space[1] if space else None)

    def serving(self, db: Database) -> Serving | None:
        """Return the serving model, or None while there is none or it is of another encoder."""
        model = models.find_active(db)
        if model is None or model.encoder_hash != self.encoder(db).hash:
            return None
        if self._serving is None or self._serving.model.id != model.id:
            self._serving = self.load_classifier(db, model)
        return self._serving

    def features(self, db: Database, serving: Serving, diary_ids: NDArray[np.int64]) -> FloatArray:
        """Return what the head reads for diaries that have vectors, (n, features)."""
        return self.features_by(db, serving, diary_ids, self.vectors_of(serving).read(diary_ids))

    def features_by(
        self, db: Database, serving: Serving, diary_ids: NDArray[np.int64], vectors: FloatArray
    ) -> FloatArray:
        """Return what the head reads for diaries with vectors of any form of its encoder, (n, features)."""
        text_features = None
        if serving.text_space is not None:
            text_features = self.text_features(db, serving.classifier.text_space, diary_ids)
        return serving.classifier.features(vectors, text_features)

    def text_features(self, db: Database, digest: str, diary_ids: NDArray[np.int64]) -> FloatArray:
        """Return text-space features of diaries, computing and keeping those that are missing."""
        space = self.text_space(db, digest)
        if space is None:
            raise UserError("text_space_missing")
        file = self.text_file(digest)
        missing = diary_ids[~file.has(diary_ids)]
        for at in range(0, len(missing), 2048):
            part = missing[at : at + 2048]
            features = space[1].transform(diaries.list_texts(db, part))
            self.keep_vectors(db, file, part, Encoded(features, np.ones(len(part), np.int32)))
        return file.read(diary_ids)

    def keep_vectors(self, db: Database, file: VectorFile, diary_ids: NDArray[np.int64], encoded: Encoded) -> None:
        """Store the vectors of diaries, except of those that were forgotten meanwhile."""
        with forgotten_files.writing(self.database):
            there = np.isin(diary_ids, diaries.keep_known(db, diary_ids))
            if there.any():
                file.write(diary_ids[there].tolist(), encoded.vectors[there], encoded.token_counts[there])

    def encode_missing(
        self,
        db: Database,
        diary_ids: NDArray[np.int64],
        *,
        urgent: bool = False,
        encoder: Encoder | None = None,
        on_progress: Callable[[float], bool] = lambda share: True,
    ) -> bool:
        """Compute and store the missing vectors of some diaries.

        Args:
            encoder: None for the one in force.
            on_progress: is told the share that is done, and returns False to stop.

        Returns:
            Whether all are there now.
        """
        encoder = encoder or self.encoder(db)
        file = self.vector_file(db, encoder)
        missing = diary_ids[~file.has(diary_ids)]
        for at in range(0, len(missing), 512):
            part = missing[at : at + 512]
            if not on_progress(at / len(missing)):
                return False
            began = time.monotonic()
            encoded = self.encode(db, diaries.list_texts(db, part), urgent=urgent, encoder=encoder)
            self.keep_vectors(db, file, part, encoded)
            if urgent and len(part) >= _FEWEST_TO_TIME:
                facts.store_texts_per_second(db, len(part) / (time.monotonic() - began))
        return True

    def encoder_of(self, db: Database, model: Model) -> Encoder:
        """Return the encoder whose vectors a version reads.

        Raises:
            UserError: if it is neither the settings' one nor tuned here.
        """
        with self._encoding:
            return self._shelf.of_model(db, model)

    def proba_of_texts(self, db: Database, serving: Serving, texts: Sequence[str]) -> FloatArray:
        """Return the probabilities of any texts, (n, k)."""
        return serving.classifier.proba(self.features_of_texts(db, serving, texts))

    def vectors_of_texts(self, db: Database, serving: Serving, texts: Sequence[str]) -> FloatArray:
        """Return the vectors of any texts by the encoder of a model version, (n, width)."""
        with self._encoding:
            encoder = self._shelf.of_model(db, serving.model)
        return self.encode(db, texts, encoder=encoder).vectors

    def features_of_texts(self, db: Database, serving: Serving, texts: Sequence[str]) -> FloatArray:
        """Return what the head reads of any texts, (n, features)."""
        return join_texts(serving, texts, self.vectors_of_texts(db, serving, texts))

    def exact_encoder(self, db: Database, serving: Serving) -> Encoder:
        """Return the encoder of a model version in float32, whatever form of it the version reads."""
        with self._encoding:
            encoder, choice = self._shelf.of_model(db, serving.model), encoder_cache.choice_of(db, serving.model)
            return encoder if choice is None or choice == choice.exact else self._shelf.get(db, choice.exact)


def join_texts(serving: Serving, texts: Sequence[str], vectors: FloatArray) -> FloatArray:
    """Return what the head reads of texts with these vectors, (n, features)."""
    text_features = None if serving.text_space is None else serving.text_space.transform(texts)
    return serving.classifier.features(vectors, text_features)
