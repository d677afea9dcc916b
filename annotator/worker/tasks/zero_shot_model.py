"""The model that needs no label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.serving import encoder_cache, zero_label
from annotator.worker.tasks.progress import Progress
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.worker.runtime import WorkerRuntime
    from db import Database


_MEAN_OF = 256


def first_model(runtime: WorkerRuntime, db: Database) -> Progress | None:
    """Make the model that needs no label, as soon as the head of the queue has vectors."""
    active = models.find_active(db)
    if active is not None and active.encoder_hash == runtime.encoder(db).hash and not _is_of_other_labels(db, active):
        return None
    encoded = np.flatnonzero(runtime.vector_file(db).present(diaries.last_diary_id(db))) + 1
    if not len(encoded):
        return None
    make_zero_label_model(runtime, db, encoded[:_MEAN_OF])
    return Progress("first_model", 1, 1)


def _is_of_other_labels(db: Database, model: models.Model) -> bool:
    """Return whether a model that knows labels only by their names and definitions was made for others."""
    label_set = labels.list_labels(db)
    if model.tier != "zero":
        return False
    if "labels" not in model.settings:  # made before the wording was kept
        return set(model.label_ids) != {label.id for label in label_set}
    return bool(model.settings["labels"] != zero_label.digest_of(label_set))


def make_zero_label_model(
    runtime: WorkerRuntime, db: Database, sample: NDArray[np.int64], choice: EncoderSpec | None = None
) -> int:
    """Keep and activate a zero-label model; return its id.

    Args:
        sample: ids of diaries that have vectors.
        choice: the encoder that it reads with; None for the one in force.
    """
    choice = choice or encoder_cache.in_force(db)
    encoder, label_set = runtime.load_encoder(db, choice), labels.list_labels(db)
    vectors = runtime.vector_file(db, encoder).read(sample)
    names, definitions = [label.name for label in label_set], [label.definition for label in label_set]
    classifier = zero_label.of_labels(encoder, names, definitions, vectors).classifier
    model = models.NewModel(
        tier="zero",
        encoder=encoder.name,
        encoder_hash=encoder.hash,
        label_ids=tuple(label.id for label in label_set),
        weights=classifier.to_bytes(),
        settings={"mean_of": len(sample), "labels": zero_label.digest_of(label_set)},
    )
    model_id = models.add_model(db, model)
    models.activate(db, model_id, reason="first")
    return model_id
