"""The deeper tiers of a round: an encoder tuned on the labels, by an adapter or in its upper layers as a whole.

A tuned encoder is a separate one: its vectors have their own file, and the usual head learns from them. Tuning starts
from the settings' encoder each time, so that nothing that was learned wrongly stays.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import project
from annotator import settings as project_settings
from annotator.serving import encoder_cache
from annotator.serving.encoder_cache import EncoderSpec
from annotator.worker.round import gathering
from db.answers import queue
from db.models import encoders, rounds
from db.texts import diaries
from learner.classification import folds
from learner.encoders import encoder as encoder_files
from learner.encoders.precision import split_name
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.serving.runtime import ModelRuntime
    from annotator.training.examples import TrainingSet
    from db import Database
    from db.models.rounds import Round
    from learner.encoders.encoder import Checkpoint, Encoder
    from learner.encoders.fine_tuning import Tuned

ENCODED_AHEAD = 1000
"""Diaries at the head of the queue that a round encodes anew and ranks; upkeep encodes the others after it."""

VALIDATION_SHARE = 0.15
"""Of the training labels, kept from tuning: they say when to stop, and calibrate."""

_TUNED_SHARE = 0.8
"""Of a deeper round's time, spent on tuning; the rest is mostly encoding."""

_SAID_EVERY_SECONDS = 1.0

TEXTS_FOR_COMMON = 256
"""Diaries whose common direction is that of all: their mean hardly moves with more."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows of the training examples that an encoder is tuned on, and those that it is not."""

    tuned: NDArray[np.int64]
    validation: NDArray[np.int64]


def split(columns: NDArray[np.int64], groups: NDArray[np.int64] | None = None, *, seed: int) -> Parts:
    """Set a stratified share of the examples aside for validation.

    Without groups these are two or more of each label that has at least four.

    Args:
        columns: (n,) label columns.
        groups: (n,) examples of the same number stay together; see `annotator.worker.round.gathering.groups_of`.
    """
    if groups is not None and 1 < len(np.unique(groups)) < len(columns):
        dealt = folds.deal(columns, groups, seed=seed, count=round(1 / VALIDATION_SHARE))
        return Parts(np.flatnonzero(dealt), np.flatnonzero(dealt == 0))
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.int64]] = []
    for column in np.unique(columns):
        rows = rng.permutation(np.flatnonzero(columns == column))
        count = max(2, round(VALIDATION_SHARE * len(rows)))
        parts.append(rows[: min(count, len(rows) // 2)])
    validation = np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
    return Parts(np.setdiff1d(np.arange(len(columns)), validation), validation)


def tuned_in(db: Database, this: Round) -> EncoderSpec | None:
    """Return the encoder that a round has tuned, or None while it has not."""
    tuned = encoders.find_by_name(db, f"{this.tier}-{this.number}")
    return None if tuned is None else EncoderSpec(tuned.base, tuned)


def tune(runtime: ModelRuntime, db: Database, this: Round, training: TrainingSet, measured: NDArray[np.int64]) -> bool:
    """Tune an encoder on a round's examples, store it, and encode with it what the round needs.

    Each part of the work that is done is found again after a kill: checkpoints, the kept encoder, its vectors.

    Args:
        measured: ids of the decided test diaries.

    Returns:
        Whether it finished; False if somebody cancelled the round.

    Raises:
        LearnerError: see `learner.encoders.fine_tuning.tune`.
        SystemExit: if the worker ends; the round goes on when it is started again.
    """
    _clear(runtime, db, this)
    choice = tuned_in(db, this)
    if choice is None:
        with runtime.giving_way():
            if not _make(runtime, db, this, training):
                return False
        choice = tuned_in(db, this)
    if choice is None:
        raise LearnerError("encoder_missing", name=f"{this.tier}-{this.number}")
    encoder = runtime.load_encoder(db, choice)
    diary_ids = np.concatenate([training.diary_ids, measured, np.array(queue.list_head(db, ENCODED_AHEAD), np.int64)])
    report = _progress_callback(runtime, db, this, start=_TUNED_SHARE, share=0.9 - _TUNED_SHARE)
    return runtime.encode_missing(db, np.unique(diary_ids), urgent=True, encoder=encoder, on_progress=report)


def _make(runtime: ModelRuntime, db: Database, this: Round, training: TrainingSet) -> bool:
    # Loading it takes seconds, and few workers ever tune.
    from learner.encoders import tiers

    base = project_settings.load(db).encoder
    apart = gathering.groups_of(runtime, db, training.diary_ids, act_ids=training.act_ids)
    seed = int(runtime.settings(db).seed[:8], 16)
    parts = split(training.columns, apart.numbers, seed=seed)
    way = tiers.way_of(this.tier, len(parts.tuned))
    checkpoint = encoder_files.load_checkpoint(base, cache=runtime.cache)
    tuned = tiers.tune(
        checkpoint,
        diaries.list_texts(db, training.diary_ids),
        training.targets,
        parts.tuned,
        parts.validation,
        way,
        counted=training.weights,
        folder=_work_folder(runtime, this),
        seed=seed,
        on_progress=_progress_callback(runtime, db, this, start=0.02, share=_TUNED_SHARE - 0.02),
    )
    if tuned.stopped:
        if runtime.is_ending:
            # Not an error: it ends the thread, and the round stays open for the worker that comes next.
            raise SystemExit
        return False
    model = tuned.model.encoder
    common = encoder_files.find_common(checkpoint, model, diaries.sample_texts(db, limit=TEXTS_FOR_COMMON))
    keep = _keep_adapter if this.tier == "adapter" else _keep_folder
    about = {
        "base": base,
        "tuned_on": training.diary_ids[parts.tuned],
        "settings": {**asdict(way.settings), "loss": way.loss},
        "metrics": _metrics(tuned, parts),
    }
    keep(runtime, db, f"{this.tier}-{this.number}", replace(checkpoint, model=model, common=common), about)
    shutil.rmtree(project.tuning_folder(runtime.database), ignore_errors=True)
    return True


def _metrics(tuned: Tuned, parts: Parts) -> dict[str, Any]:
    measured = [loss for _, _, loss in tuned.losses if loss is not None]
    return {
        "tuned_on": len(parts.tuned),
        "validation": len(parts.validation),
        "best_validation_loss": min(measured) if measured else None,
        "losses": [list(row) for row in tuned.losses],
    }


def _keep_adapter(runtime: ModelRuntime, db: Database, name: str, tuned: Checkpoint, about: dict[str, Any]) -> None:
    from learner.encoders import adapters

    data = adapters.to_bytes(tuned.model, common=tuned.common)
    digest = encoder_files.adapted_digest(tuned.digest, data)
    encoders.add(db, digest=digest, name=name, adapter=data, **about)


@private_files.umask()
def _keep_folder(runtime: ModelRuntime, db: Database, name: str, tuned: Checkpoint, about: dict[str, Any]) -> None:
    folder = project.encoders_folder(runtime.database) / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        # The prefix would be guessed from the folder's name otherwise.
        tuned.model.config.text_prefix = tuned.prefix
        tuned.model.config.common_direction = None if tuned.common is None else tuned.common.tolist()
        tuned.model.save_pretrained(folder)
        tuned.tokenizer.save_pretrained(folder)
        weights_hash = encoder_cache.hash_folder(folder)
    except OSError as error:
        raise LearnerError("encoder_unwritable", folder=str(folder), reason=error.strerror or "") from error
    digest = encoder_files.load_checkpoint(str(folder), cache=runtime.cache).digest
    encoders.add(db, digest=digest, name=name, folder=name, weights_hash=weights_hash, **about)


def _clear(runtime: ModelRuntime, db: Database, this: Round) -> None:
    """Remove the remains of earlier rounds that did not end."""
    own_name = f"{this.tier}-{this.number}"
    for folder in encoders.drop_unused(db, keep=own_name):
        shutil.rmtree(project.encoders_folder(runtime.database) / folder, ignore_errors=True)
    parent = project.tuning_folder(runtime.database)
    for entry in parent.iterdir() if parent.is_dir() else ():
        if entry != _work_folder(runtime, this):
            shutil.rmtree(entry, ignore_errors=True)


def _work_folder(runtime: ModelRuntime, this: Round) -> Path:
    return project.tuning_folder(runtime.database) / f"round-{this.id}"


def _progress_callback(
    runtime: ModelRuntime, db: Database, this: Round, *, start: float, share: float
) -> Callable[[float], bool]:
    """Return a progress callback: it updates the round's page, and stops the work on a cancel or the worker's end."""
    last = [-np.inf]

    def report(done: float) -> bool:
        if runtime.is_ending:
            return False
        if time.monotonic() - last[0] < _SAID_EVERY_SECONDS:
            return True
        last[0] = time.monotonic()
        return rounds.advance(db, this.id, step="tune", progress=start + share * done)

    return report


def untouched(db: Database, encoder: Encoder, diary_ids: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """Return which diaries an encoder was not tuned on, (n,); None for an encoder that was not tuned at all."""
    tuned = encoders.find(db, encoder.hash) or encoders.find_by_name(db, split_name(encoder.name)[0])
    return None if tuned is None else ~np.isin(diary_ids, np.array(tuned.tuned_on, np.int64))
