"""A diary as boards show it: its text, what the model says of it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator import blinding
from annotator.dictionary import adjustment
from annotator.label_sets import projection
from annotator.labelling import reasons
from annotator.privacy.masking import mask as masked
from annotator.serving import explanation_text
from db.answers import groups
from db.label_sets import labels
from db.texts import diaries, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from annotator.dictionary.adjustment import DictionaryAdjuster
    from annotator.label_sets.projection import LabelProjection
    from annotator.messages import Language
    from annotator.settings import Settings
    from db import Database
    from db.answers.queue import Lease
    from db.models.explanations import Explanation
    from db.models.models import Model
    from db.texts.diaries import Diary


@dataclass(frozen=True, slots=True)
class BoardContext:
    """What it takes to show the diaries of a page, read once for all of them.

    Attributes:
        model: the one that serves; None while there is none.
        columns: how its answers become those of the labels in force.
        names: of the labels in force, in their order.
        refiner: the word-emotion dictionary, where it is switched on.
    """

    settings: Settings
    model: Model | None
    columns: LabelProjection | None
    names: Sequence[str]
    refiner: DictionaryAdjuster | None
    language: Language


def load_context(db: Database, settings: Settings, model: Model | None, language: Language) -> BoardContext:
    """Return what it takes to show diaries right now."""
    names = [label.name for label in labels.list_labels(db)]
    columns = None if model is None else projection.current_projection(db, model)
    return BoardContext(settings, model, columns, names, adjustment.find_refiner(db, model), language)


def item_of(db: Database, lease: Lease, scene: BoardContext) -> dict[str, Any]:
    """Return a diary that was handed out as a board shows it, JSON-serialisable."""
    diary = diaries.get_diary(db, lease.diary_id)
    blind = lease.is_repeat or lease.strategy == groups.CHECK or blinding.is_blind(diary, scene.settings)
    split = sentences.find_sentences(db, diary.id)
    prediction = None if blind else prediction_of(db, scene, diary)
    text = masked(diary.text, scene.settings)
    return {
        "token": lease.token,
        "diary_id": diary.id,
        "text": text,
        "covered": text != diary.text,
        "care": False,
        "sentences": [list(span) for span in split.spans] if split else [],
        "blind": blind,
        "prediction": prediction,
        "explanation": None if blind else explanation_of(db, scene, diary),
        "why": reasons.why(db, lease, diary, prediction, scene, is_blind=blind),
        "written_on": diary.written_on,
        "author": diary.author,
        "previous": None,
    }


def prediction_of(db: Database, scene: BoardContext, diary: Diary) -> dict[str, Any] | None:
    """Return the model's prediction of a diary, ready for JSON; None if there is none yet."""
    if scene.model is None or scene.columns is None:
        return None
    proba = projection.find_proba(db, scene.model, diary.id, scene.columns)
    return None if proba is None else prediction_data(scene.model, proba, scene.columns.known)


def prediction_data(model: Model, proba: NDArray[np.float32], known: Sequence[bool]) -> dict[str, Any]:
    """Return a prediction, ready for JSON.

    Args:
        proba: (k,) of the labels in force.
        known: (k,) whether the model has learned each of them; its shares of the others are no answers.
    """
    return {
        "model_id": model.id,
        "model_version": model.version,
        "proba": [round(float(p), 5) for p in proba],
        "label_index": int(proba.argmax()),
        "is_guess": explanation_text.is_guess(proba.tolist(), has_learned=bool(model.training_decisions)),
        "unknown": [index for index, is_known in enumerate(known) if not is_known],
    }


def explanation_of(db: Database, scene: BoardContext, diary: Diary) -> dict[str, Any] | None:
    """Return the model's explanation of a diary, ready for JSON and in words; None if there is none yet."""
    if scene.model is None or scene.columns is None:
        return None
    explanation = projection.find_explanation(db, scene.model, diary.id, scene.settings.unit, scene.columns)
    proba = None if explanation is None else projection.find_proba(db, scene.model, diary.id, scene.columns)
    if explanation is None or proba is None:
        return None
    text = masked(diary.text, scene.settings)
    return explanation_data(text, explanation, scene.model, proba.tolist(), scene.names, scene.language)


def explanation_data(
    text: str,
    explanation: Explanation,
    model: Model,
    proba: Sequence[float],
    names: Sequence[str],
    language: Language,
) -> dict[str, Any]:
    """Return an explanation, ready for JSON and in words.

    Args:
        text: as it is shown.
        proba: (k,) of the labels in force, whose names these are.
    """
    has_learned = bool(model.training_decisions)
    reading = explanation_text.read(text, explanation, proba, names, language, has_learned=has_learned)
    return {
        "spans": [list(span) for span in explanation.spans],
        "weights": [[round(float(w), 5) for w in row] for row in explanation.weights],
        "fit": list(explanation.fit),
        "stability": explanation.stability,
        "arc": explanation.arc and [[round(p, 4) for p in row] for row in explanation.arc],
        "groups": [list(span) for span in reading.groups],
        "sentence": reading.sentence,
        "contrast": reading.contrast,
        "deletion": reading.deletion,
        "by_sentence": reading.by_sentence,
    }
