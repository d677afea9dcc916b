"""What several steps of a round ask about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.serving import encoder_cache
from annotator.worker.round import encoder_tuning, gathering
from db.label_sets import labels
from db.models import models, rounds

if TYPE_CHECKING:
    from annotator.serving.encoder_cache import EncoderSpec
    from annotator.serving.runtime import ModelRuntime
    from annotator.worker.round.gathering import Gathered
    from db import Database

Result = dict[str, Any]
"""What a step says when it is done: JSON; ``ended`` when no further step shall run."""


def encoder_of(db: Database, this: rounds.Round) -> EncoderSpec:
    """Return the encoder that the round's version reads."""
    return encoder_tuning.tuned_in(db, this) or encoder_cache.of_next_round(db)


def examples_of(runtime: ModelRuntime, db: Database, this: rounds.Round) -> Gathered:
    """Return what the round learns from and is measured on."""
    return gathering.gather(runtime, db, label_ids_of(db, this), up_to=this.last_decision_id)


def label_ids_of(db: Database, this: rounds.Round) -> tuple[int, ...]:
    """Return the labels in force, or, once the round has made its version, those that it learned."""
    if this.model_id is not None:
        return models.get_model(db, this.model_id).label_ids
    return tuple(label.id for label in labels.list_labels(db))


def require_model_id(this: rounds.Round) -> int:
    """Return the version that the round has made.

    Raises:
        UserError: ``round_without_model``.
    """
    if this.model_id is None:
        raise UserError("round_without_model", number=this.number)
    return this.model_id


def columns_between(db: Database, old: models.Model, new: models.Model) -> projection.LabelProjection:
    """Return the projection of an old version's columns onto those of a new one."""
    return projection.columns(old.label_ids, new.label_ids, labels.list_merged(db))


def cancel(db: Database, round_id: int) -> Result:
    """End a round that somebody stopped."""
    rounds.end(db, round_id, status="cancelled")
    return {"ended": True}
