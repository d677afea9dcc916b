"""Which encoder reads the diaries, and the few that stay loaded: the one in the settings, tuned ones, int8 forms."""

from __future__ import annotations

import hashlib
import shutil
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from db.models import encoders, facts, models
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.encoders import encoder as encoder_files
from learner.encoders import onnx_int8
from learner.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from db import Database
    from db.models.encoders import TunedEncoder
    from db.models.models import Model
    from learner.encoders.encoder import Encoder

_MOST_LOADED = 2
_SAMPLE = 128
"""Diaries on which an int8 encoder is compared with its original before it is used."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """An encoder that can be loaded.

    Attributes:
        base: name of the settings' encoder.
        tuned: the tuned one in its place, if any.
        int8: whether its int8 form is meant.
    """

    base: str
    tuned: TunedEncoder | None
    int8: bool

    @property
    def name(self) -> str:
        plain = self.tuned.name if self.tuned else self.base
        return plain + (onnx_int8.SUFFIX if self.int8 else "")


def in_force(db: Database) -> EncoderSpec:
    """Return the encoder of the serving model, or the settings' one where that model was made with another."""
    return choice_of(db, models.find_active(db)) or EncoderSpec(project_settings.load(db).encoder, None, int8=False)


def of_next_round(db: Database) -> EncoderSpec:
    """Return the encoder that an instant round reads with: the one in force, as precise as the settings ask for."""
    now = in_force(db)
    return EncoderSpec(now.base, now.tuned, int8=project_settings.load(db).precision == "int8")


def choice_of(db: Database, model: Model | None) -> EncoderSpec | None:
    """Return the encoder that a model names, if it is the settings' one or was tuned from it.

    A name is not yet an identity: `EncoderCache.of_model` compares the hashes.
    """
    if model is None:
        return None
    base = project_settings.load(db).encoder
    for int8 in (False, True):
        plain = model.encoder.removesuffix(onnx_int8.SUFFIX) if int8 else model.encoder
        if plain == base:
            return EncoderSpec(base, None, int8=model.encoder != base)
        tuned = encoders.find_by_name(db, plain)
        if tuned is not None and tuned.base == base:
            return EncoderSpec(base, tuned, int8=plain != model.encoder)
    return None


class EncoderCache:
    """Loads encoders, and keeps the last two. Not safe for use by several threads at once."""

    def __init__(self, database: Path, *, cache: Path) -> None:
        self._database = database
        self._cache = cache
        self._loaded: OrderedDict[str, Encoder] = OrderedDict()

    def get(self, db: Database, choice: EncoderSpec) -> Encoder:
        """Return an encoder, loading it if need be.

        Raises:
            EncoderError, DatabaseError: if it is missing, damaged or can't be loaded.
        """
        if choice.name not in self._loaded:
            # Make room first: memory is meant for no more than two at a time.
            while len(self._loaded) >= _MOST_LOADED:
                self._loaded.popitem(last=False)
            self._loaded[choice.name] = self._load(db, choice)
        self._loaded.move_to_end(choice.name)
        return self._loaded[choice.name]

    def of_model(self, db: Database, model: Model) -> Encoder:
        """Return the encoder whose vectors a model reads.

        Raises:
            UserError: if it is neither the settings' one nor tuned here.
        """
        choice = choice_of(db, model)
        now = in_force(db)
        if choice is None:
            raise UserError("model_of_other_encoder", version=model.version, made=model.encoder, now=now.name)
        encoder = self.get(db, choice)
        if encoder.hash != model.encoder_hash:
            raise UserError("model_of_other_encoder", version=model.version, made=model.encoder, now=encoder.name)
        return encoder

    def _load(self, db: Database, choice: EncoderSpec) -> Encoder:
        if choice.int8:
            return self._load_int8(db, choice)
        tuned = choice.tuned
        if tuned is None:
            return encoder_files.load(choice.base, cache=self._cache)
        if tuned.kind == "adapter":
            adapter = encoders.get_adapter(db, tuned.hash)
            encoder = encoder_files.load(choice.base, cache=self._cache, adapter=adapter, called=tuned.name)
        else:
            folder = project.encoders_folder(self._database) / str(tuned.folder)
            check_folder(folder, tuned)
            encoder = encoder_files.load(str(folder), cache=self._cache, called=tuned.name)
        if encoder.hash != tuned.hash:
            # The encoder under the adapter has changed, so its vectors would differ from the stored ones.
            raise EncoderError("encoder_damaged", name=tuned.name)
        return encoder

    def _load_int8(self, db: Database, choice: EncoderSpec) -> Encoder:
        plain = EncoderSpec(choice.base, choice.tuned, int8=False)
        folder = project.encoders_folder(self._database) / choice.name.replace("/", "--")
        original = self.get(db, plain)
        digest = onnx_int8.digest_of(original.hash)
        try:
            return onnx_int8.load(folder, choice.name, digest=digest)
        except EncoderError:
            onnx_int8.export(original, folder)
        encoder = onnx_int8.load(folder, choice.name, digest=digest)
        try:
            self._compare(db, original, encoder)
        except EncoderError:
            # If it were left there, the next call would take it for complete and use it.
            shutil.rmtree(folder)
            raise
        return encoder

    def _compare(self, db: Database, original: Encoder, quantised: Encoder) -> None:
        """Refuse an int8 encoder whose vectors of the project's own diaries are too far from the original's."""
        texts = diaries.sample_texts(db, limit=_SAMPLE)
        before, after = original.encode(texts).vectors, quantised.encode(texts).vectors
        agreement = onnx_int8.agreement(before, after, _answers(db, original))
        facts.store_int8_agreement(db, quantised.hash, agreement.n, agreement.mean_cosine, agreement.same_answers)
        if agreement.mean_cosine < onnx_int8.LEAST_COSINE:
            raise EncoderError(
                "int8_disagrees", name=quantised.name, cosine=agreement.mean_cosine, least=onnx_int8.LEAST_COSINE
            )


def _answers(db: Database, original: Encoder) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    """Return how the serving model answers vectors by themselves, without n-grams, which are the same for both."""
    model = models.find_active(db)
    if model is None or model.encoder_hash != original.hash:
        return lambda vectors: np.zeros(len(vectors), np.int64)
    head = classifiers.from_bytes(models.get_weights(db, model.id))

    def answer(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        features = classifiers.join_features(vectors, None, mean=head.mean)
        answers: NDArray[np.int64] = (features @ head.weight[:, : features.shape[1]].T + head.bias).argmax(axis=1)
        return answers

    return answer


def hash_folder(folder: Path) -> str:
    """Return the SHA-256 of the weights of a checkpoint folder.

    Raises:
        OSError: if there are none.
    """
    with (folder / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_folder(folder: Path, tuned: TunedEncoder) -> None:
    """Check that a fully tuned encoder is the one that was stored.

    Raises:
        EncoderError: ``encoder_folder_missing`` or ``encoder_damaged``.
    """
    try:
        digest = hash_folder(folder)
    except OSError as error:
        raise EncoderError("encoder_folder_missing", name=tuned.name, folder=str(folder)) from error
    if digest != tuned.weights_hash:
        raise EncoderError("encoder_damaged", name=tuned.name)
