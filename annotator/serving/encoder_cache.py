"""Which encoder reads the diaries, and the few that stay loaded: the settings' one, tuned ones, their forms."""

from __future__ import annotations

import hashlib
import shutil
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from annotator import project
from annotator import settings as project_settings
from annotator.errors import UserError
from db.models import encoders, facts, models
from db.texts import diaries
from learner.encoders import encoder as encoder_files
from learner.encoders import onnx_int8
from learner.encoders.precision import EXACT, LEAST_COSINE, digest_of, name_of, split_name
from learner.errors import EncoderError

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database
    from db.models.encoders import TunedEncoder
    from db.models.models import Model
    from learner.encoders.encoder import Encoder
    from learner.encoders.precision import Precision

_MOST_LOADED = 2
_SAMPLE = 64
"""Diaries on which an int8 form is compared with its original when it is made; see also
`annotator.worker.tasks.precision`."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """An encoder that can be loaded.

    Attributes:
        base: name of the settings' encoder.
        tuned: the tuned one in its place, if any.
        precision: how exactly it computes.
    """

    base: str
    tuned: TunedEncoder | None = None
    precision: Precision = EXACT

    @property
    def name(self) -> str:
        return name_of(self.tuned.name if self.tuned else self.base, self.precision)

    @property
    def exact(self) -> EncoderSpec:
        """The same encoder in float32."""
        return replace(self, precision=EXACT)


def in_force(db: Database) -> EncoderSpec:
    """Return the encoder of the serving model, or the settings' one where that model was made with another."""
    return choice_of(db, models.find_active(db)) or EncoderSpec(project_settings.load(db).encoder)


def of_next_round(db: Database) -> EncoderSpec:
    """Return the encoder that an instant round reads with: the one in force, as exact as the settings ask for."""
    return replace(in_force(db), precision=next_precision(db))


def next_precision(db: Database) -> Precision:
    """Return how exactly the next round reads: as somebody chose, or as was measured on this machine."""
    asked = project_settings.load(db).precision
    if asked != "auto":
        return asked
    chosen: Precision = facts.measured_precision(db).get("chosen", EXACT)
    return chosen


def choice_of(db: Database, model: Model | None) -> EncoderSpec | None:
    """Return the encoder that a model names, if it is the settings' one or was tuned from it.

    A name is not yet an identity: `EncoderCache.of_model` compares the hashes.
    """
    if model is None:
        return None
    base = project_settings.load(db).encoder
    if model.encoder == base:
        return EncoderSpec(base)
    for plain, precision in ((model.encoder, EXACT), split_name(model.encoder)):
        if plain == base:
            return EncoderSpec(base, None, precision)
        tuned = encoders.find_by_name(db, plain)
        if tuned is not None and tuned.base == base:
            return EncoderSpec(base, tuned, precision)
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
        if choice.precision == "int8":
            return self._load_int8(db, choice)
        if choice.precision == "bf16":
            from learner.encoders import bf16  # pages ask which encoder it is, and load no torch

            return bf16.in_bf16(self.get(db, choice.exact), choice.name)
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
        folder = project.encoders_folder(self._database) / choice.name.replace("/", "--")
        original = self.get(db, choice.exact)
        digest = digest_of(original.hash, "int8")
        try:
            return onnx_int8.load(folder, choice.name, digest=digest)
        except EncoderError:
            onnx_int8.export(original, folder)
        encoder = onnx_int8.load(folder, choice.name, digest=digest)
        try:
            _compare(db, original, encoder)
        except EncoderError:
            # If it were left there, the next call would take it for complete and use it.
            shutil.rmtree(folder)
            raise
        return encoder


def _compare(db: Database, original: Encoder, form: Encoder) -> None:
    """Refuse a form whose vectors of the project's own diaries are too far from the exact ones."""
    texts = diaries.sample_texts(db, limit=_SAMPLE)
    cosine = float((original.encode(texts).vectors * form.encode(texts).vectors).sum(axis=1).mean())
    if cosine < LEAST_COSINE:
        raise EncoderError("int8_disagrees", name=form.name, cosine=cosine, least=LEAST_COSINE)


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
