"""What the worker keeps loaded: the encoder, the text space, the serving classifier and the vector files."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from db import connect, diaries, models
from learner import classifier as classifiers
from learner import encoder as encoders
from learner import text_space as text_spaces
from learner.encoder import Encoded
from learner.sentences import SentenceSplitter
from learner.vector_file import VectorFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.settings import Settings
    from db import Database
    from db.models import Model
    from learner.classifier import Classifier
    from learner.encoder import Encoder
    from learner.text_space import TextSpace

    FloatArray = NDArray[np.float32]


_TEXTS_A_TURN = 32


@dataclass(frozen=True, slots=True)
class Serving:
    """A model version, ready to answer.

    Attributes:
        text_space: the features it was trained with; None if it uses none.
    """

    model: Model
    classifier: Classifier
    text_space: TextSpace | None


class Workbench:
    """Loads what a job needs, once. A round and the upkeep, on two threads, share it.

    Attributes:
        is_warm: whether everything that a round imports has been loaded.
    """

    def __init__(self, database: Path, *, cache: Path) -> None:
        self.database = database
        self._encoding = threading.Lock()
        self._no_round = threading.Event()
        self._no_round.set()
        self.is_warm = False
        self._cache = cache
        self._encoder: Encoder | None = None
        self._serving: Serving | None = None
        self._spaces: dict[str, TextSpace] = {}
        self._splitter: SentenceSplitter | None = None

    @contextmanager
    def right_of_way(self) -> Iterator[None]:
        """Let upkeep wait at its next batch of texts while the block runs: somebody waits for the round."""
        self._no_round.clear()
        try:
            yield
        finally:
            self._no_round.set()

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
        """Return the encoder that the settings ask for, loaded at the first call."""
        name = self.settings(db).encoder
        with self._encoding:
            if self._encoder is None or self._encoder.name != name:
                self._encoder = encoders.load(name, cache=self._cache)
            return self._encoder

    def encode(self, db: Database, texts: Sequence[str], *, urgent: bool = False) -> Encoded:
        """Return vectors of texts, in batches between which a round may go first unless this is urgent."""
        encoder = self.encoder(db)
        encoded = Encoded(np.zeros((len(texts), encoder.width), np.float32), np.zeros(len(texts), np.int32))
        order = np.argsort([len(text) for text in texts], kind="stable")
        for at in range(0, len(order), _TEXTS_A_TURN):
            places = order[at : at + _TEXTS_A_TURN]
            if not urgent:
                self._no_round.wait()
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

    def vector_file(self, db: Database) -> VectorFile:
        """Return the vectors of the encoder in force."""
        encoder = self.encoder(db)
        return VectorFile(project.vectors_folder(self.database) / encoder.hash, width=encoder.width)

    def text_file(self, digest: str) -> VectorFile:
        """Return the features of one text space."""
        width = self._spaces[digest].width
        return VectorFile(project.vectors_folder(self.database) / f"text-{digest[:32]}", width=width)

    def text_space(self, db: Database, digest: str | None = None) -> tuple[str, TextSpace] | None:
        """Return a text space by its hash, or the newest one; None if there is none yet."""
        if digest is not None and digest in self._spaces:
            return digest, self._spaces[digest]
        found = models.find_text_space(db, digest)
        if found is None:
            return None
        self._spaces.setdefault(found[0], text_spaces.from_bytes(found[1]))
        return found[0], self._spaces[found[0]]

    def load_classifier(self, db: Database, model: Model) -> Serving:
        """Return a model version ready to answer.

        Raises:
            UserError: if it reads the vectors of another encoder than the one in force.
        """
        encoder = self.encoder(db)
        if model.encoder_hash != encoder.hash:
            raise UserError("model_of_other_encoder", version=model.version, made=model.encoder, now=encoder.name)
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
        vectors = self.vector_file(db).read(diary_ids)
        text_features = None
        if serving.text_space is not None:
            text_features = self.text_features(db, serving.classifier.text_space, diary_ids)
        return serving.classifier.features(vectors, text_features)

    def text_features(self, db: Database, digest: str, diary_ids: NDArray[np.int64]) -> FloatArray:
        """Return text-space features of diaries, computing and keeping those that are missing."""
        found = self.text_space(db, digest)
        if found is None:
            raise UserError("text_space_missing")
        file = self.text_file(digest)
        missing = diary_ids[~file.has(diary_ids)]
        for at in range(0, len(missing), 2048):
            part = missing[at : at + 2048]
            features = found[1].transform(diaries.list_texts(db, part))
            file.write(part.tolist(), features, np.ones(len(part), np.int32))
        return file.read(diary_ids)

    def encode_missing(self, db: Database, diary_ids: NDArray[np.int64], *, urgent: bool = False) -> None:
        """Compute and keep the vectors that are missing among some diaries."""
        file = self.vector_file(db)
        missing = diary_ids[~file.has(diary_ids)]
        for at in range(0, len(missing), 512):
            part = missing[at : at + 512]
            encoded = self.encode(db, diaries.list_texts(db, part), urgent=urgent)
            file.write(part.tolist(), encoded.vectors, encoded.token_counts)

    def proba_of_texts(self, db: Database, serving: Serving, texts: Sequence[str]) -> FloatArray:
        """Return the probabilities of any texts, (n, k)."""
        vectors = self.encode(db, texts).vectors
        text_features = None if serving.text_space is None else serving.text_space.transform(texts)
        return serving.classifier.proba(serving.classifier.features(vectors, text_features))
