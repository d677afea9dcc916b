"""Why a version answers as it does, in words, and where these stand in the diary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.label_sets import projection
from annotator.serving import explanation_text
from db.label_sets import labels

if TYPE_CHECKING:
    from annotator.messages import Language
    from db import Database
    from db.models.models import Model
    from learner.text.characters import Spans


def find_reason(db: Database, model: Model | None, diary_id: int, text: str, language: Language) -> tuple[str, Spans]:
    """Return the stored explanation of a version's answer as a sentence, and the words that speak most for it.

    Args:
        model: None for a version that may not be shown.
        text: of the diary, as it is shown.

    Returns:
        Nothing of either where there is no explanation.
    """
    if model is None:
        return "", ()
    explanation = projection.find_explanation(db, model, diary_id, project_settings.load(db).unit)
    proba = projection.find_proba(db, model, diary_id)
    if explanation is None or proba is None:
        return "", ()
    names = [label.name for label in labels.list_labels(db)]
    reading = explanation_text.read(
        text, explanation, proba.tolist(), names, language, has_learned=bool(model.training_decisions)
    )
    return reading.sentence, explanation_text.spans_for(text, explanation, int(proba.argmax()))
