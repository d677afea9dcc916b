"""What other programs are told of a project as a whole: its labels, its model, how many diaries it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from db import Database

    FloatArray = NDArray[np.float32]


def describe_labels(db: Database) -> list[dict[str, Any]]:
    """Return the labels in force, in their order."""
    return [
        {"name": each.name, "definition": each.definition, "colour": each.colour} for each in labels.list_labels(db)
    ]


def describe_model(db: Database) -> dict[str, Any]:
    """Describe the serving model.

    Raises:
        UserError: ``no_model_yet``.
    """
    active = models.find_active(db)
    if active is None:
        raise UserError("no_model_yet")
    names = {label.id: label.name for label in labels.list_all_labels(db)}
    return {
        "version": active.version,
        "tier": active.tier,
        "encoder": active.encoder,
        "labels": [names[i] for i in active.label_ids],
        "trained_on": len(active.training_decisions),
        "created_at": active.created_at,
    }


def count(db: Database) -> tuple[int, int | None]:
    """Return how many diaries there are, and which version serves; None while none does."""
    active = models.find_active(db)
    return diaries.count_diaries(db), None if active is None else active.version
