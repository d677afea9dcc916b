"""What a stage takes: encoders, text spaces and heads are put beside the shards, where every worker finds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.pool.pools import storage_of
from db.connection import file_of
from db.models import encoders, models, text_spaces
from db.pool import manifest
from learner.classification import classifier as classifiers
from learner.classification import ngram_features
from learner.pool import encoder_files, shards
from learner.pool.encoder_files import EncoderFiles
from learner.pool.worker import HEADS, SPACES, Job

if TYPE_CHECKING:
    from annotator.pool.pools import Pool
    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.serving.runtime import ModelRuntime
    from db import Database
    from db.models.models import Model

_MOST_SAMPLED = 40
"""Shards out of which the texts for n-grams are drawn: of a larger pool, evenly spread ones."""


def encode_stage(encoder_hash: str) -> str:
    """Return the stage of an encoder's vectors."""
    return f"encode/{encoder_hash}"


def ngram_stage(space: str) -> str:
    """Return the stage of a text space's features."""
    return f"ngrams/{space[:32]}"


def predict_stage(model_id: int) -> str:
    """Return the stage of a version's predictions."""
    return f"predict/{model_id}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The stages that a version's head reads.

    Attributes:
        ngrams: None for a version that reads none.
    """

    encode: str
    ngrams: str | None

    def all(self) -> list[str]:
        """Return both, or the one that there is."""
        return [self.encode, *([] if self.ngrams is None else [self.ngrams])]


def inputs_of(db: Database, model: Model) -> Inputs:
    """Return which stages a version reads."""
    space = classifiers.from_bytes(models.get_weights(db, model.id)).text_space
    return Inputs(encode_stage(model.encoder_hash), ngram_stage(space) if space else None)


def encode_job(runtime: ModelRuntime, db: Database, pool: Pool, spec: EncoderSpec) -> Job:
    """Put an encoder into the pool, unless it is there, and return the job that encodes with it.

    Raises:
        EncoderError: if it can't be loaded here.
        PoolError: if the pool can't be written.
    """
    encoder = runtime.load_encoder(db, spec)
    database, storage = Path(file_of(db)), storage_of(pool)
    base_folder = Path(spec.base) if Path(spec.base).is_dir() else None
    if spec.precision == "int8":
        folder = project.encoders_folder(database) / spec.name.replace("/", "--")
        encoder_files.put(storage, EncoderFiles(spec.name, encoder.hash, "", precision="int8"), folder=folder)
    elif spec.tuned is not None and spec.tuned.kind == "full":
        folder = project.encoders_folder(database) / str(spec.tuned.folder)
        encoder_files.put(storage, EncoderFiles(spec.name, encoder.hash, "", precision=spec.precision), folder=folder)
    else:
        adapter = None if spec.tuned is None else encoders.get_adapter(db, spec.tuned.hash)
        base = "" if base_folder else spec.base
        about = EncoderFiles(spec.name, encoder.hash, base, has_adapter=adapter is not None, precision=spec.precision)
        encoder_files.put(storage, about, adapter=adapter, folder=base_folder)
    # A cluster's computers have a folder of their own; processes of this one share what is there.
    cache = str(runtime.cache) if runtime.settings(db).engine == "local" else ""
    return Job(pool.url, pool.rows_a_shard, "encode", encode_stage(encoder.hash), encoder=encoder.hash, cache=cache)


def ngram_job(db: Database, pool: Pool, space: str) -> Job:
    """Put a text space into the pool, unless it is there, and return the job that computes its features."""
    stored = text_spaces.find_text_space(db, space)
    name = f"{SPACES}/{space[:32]}.safetensors"
    storage = storage_of(pool)
    if stored is not None and storage.size(name) is None:
        storage.write(name, stored[1])
    return Job(pool.url, pool.rows_a_shard, "ngrams", ngram_stage(space), file=name)


def predict_job(db: Database, pool: Pool, model: Model) -> Job:
    """Put a version's head into the pool and return the job that predicts with it."""
    name = f"{HEADS}/{model.id}.safetensors"
    storage_of(pool).write(name, models.get_weights(db, model.id))
    return Job(pool.url, pool.rows_a_shard, "predict", predict_stage(model.id), file=name)


def fit_text_space(db: Database, pool: Pool) -> str | None:
    """Return the text space for the pool: the newest one, or one fitted on the pool's texts where it has doubled.

    None if there are too few texts.
    """
    newest = text_spaces.find_text_space(db)
    if newest is not None and pool.row_count < 2 * newest[2]:
        return newest[0]
    if pool.row_count < ngram_features.FEWEST_TEXTS:
        return None
    space = ngram_features.fit(sample_texts(db, pool, limit=ngram_features.MOST_TEXTS), seed=0)
    return text_spaces.add_text_space(db, space.to_bytes(), fitted_on=pool.row_count)


def sample_texts(db: Database, pool: Pool, *, limit: int) -> list[str]:
    """Return the texts with the smallest draws: those that one machine would sample of the same texts."""
    storage, best = storage_of(pool), list[tuple[int, str]]()
    files = list(manifest.list_shards(db, pool.id, manifest.TEXTS).values())
    step = max(1, -(-len(files) // _MOST_SAMPLED))
    for file in files[::step]:
        table = shards.read_table(storage, file.shard, ("text", "draw"), digest=file.digest)
        draws = np.asarray(table["draw"].combine_chunks().to_numpy(zero_copy_only=False))
        rows = np.argsort(draws, kind="stable")[: limit + int((draws == 0).sum())]
        texts = table["text"].combine_chunks().take(rows.tolist()).to_pylist()
        best += [(int(draw), text) for draw, text in zip(draws[rows], texts, strict=True) if text is not None]
        best = sorted(best, key=lambda each: each[0])[:limit]
    return [text for _, text in best]


def mean_vector(db: Database, pool: Pool, stage: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return the mean vector of the pool, over 20,000 evenly spread texts of a longer one, as on one machine."""
    storage, files = storage_of(pool), manifest.list_shards(db, pool.id, stage)
    step = max(1, pool.row_count // 20_000)
    vectors, offset = [], 0
    for number in sorted(files):
        values = shards.open_rows(storage, stage, number, digest=files[number].digest).values
        there = np.flatnonzero(~np.isnan(values[:, 0]))
        first = -offset % step
        vectors.append(values[there[first::step]])
        offset += len(there)
    return np.asarray(np.concatenate(vectors).mean(axis=0), np.float32)
