"""Diaries that another program submits one by one, reads back and corrects: the use-cases behind the service."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.dictionary import adjustment
from annotator.errors import UserError
from annotator.formats.table import ColumnMap, Row
from annotator.importing.choices import Choices
from annotator.importing.label_names import LabelNames, LabelReader
from annotator.importing.parts import split_of
from annotator.importing.people import PeopleNames
from annotator.importing.row_filter import MAX_CHARACTERS, RowFilter
from annotator.label_sets import projection
from annotator.labelling import decisions as labelling_decisions
from annotator.privacy import forgotten_key, masking
from annotator.serving import explanation_text
from annotator.serving.answers import Classified
from annotator.training import prediction_sets
from db import clock
from db.answers import decisions, groups, queue
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.models import models, predictions
from db.people import annotators, api_tokens, diary_ties
from db.review import reviews
from db.texts import diaries, incremental_import
from db.texts.batches import Skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.accounts.api_tokens import Caller
    from annotator.settings import Settings
    from annotator.training.prediction_sets import Promise
    from db import Database
    from db.answers.decisions import Decision
    from db.models.explanations import Explanation
    from db.models.models import Model
    from db.texts.batches import NewDiary

    FloatArray = NDArray[np.float32]

ROLES = ColumnMap("text", date="written_on", author="author")
"""What of a diary is no metadata, by the names that programs use."""


@dataclass(frozen=True, slots=True)
class Item:
    """A diary as a program submits it.

    Attributes:
        written_on: ISO 8601, such as 2024-03-01.
        metadata: whatever else is to stay with it; no key of `ROLES`.
    """

    text: str
    written_on: str | None = None
    author: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def check_texts(texts: Sequence[str]) -> None:
    """Check that every text can be read and stored.

    Raises:
        UserError: ``handed_bad_character``, ``handed_empty`` or ``handed_too_long`` with its 1-based place.
    """
    _sift([Item(text) for text in texts], seed=b"")


def store(
    db: Database, caller: Caller, items: Sequence[Item], classified: Classified | None = None
) -> list[dict[str, Any]]:
    """Store diaries and their predictions in one transaction; return for each its id and whether it is new.

    An existing text keeps its id. New diaries go to the end of the queue.

    Args:
        classified: the predictions of the same texts in the same order; None leaves them to the worker.

    Raises:
        UserError, DatabaseError: if a text can't be stored, or was forgotten; then none of them is stored.
    """
    sifted = _sift(items, seed=bytes.fromhex(project_settings.load(db).seed))
    with write(db):
        rows = [split_of(project_settings.load(db)).dealt(row) for row in sifted]
        is_refused = forgotten_key.make_refusal_check(db)
        outcomes = incremental_import.add(db, _batch_of(db, caller), rows, source=caller.name, is_refused=is_refused)
        queue.append_to_queue(db, [diary_id for diary_id, is_new in outcomes if is_new], strategy="random")
        diary_ties.note_handed_in(db, caller.annotator_id, [diary_id for diary_id, _ in outcomes], at=clock.now())
        if classified is not None:
            ids = np.array([diary_id for diary_id, _ in outcomes], np.int64)
            predictions.update_predictions(db, classified.model_id, ids, classified.proba)
    answers = predictions_of(db, [item.text for item in items], classified) if classified else [None] * len(items)
    return [
        {"id": diary_id, "created": is_new, "prediction": prediction}
        for (diary_id, is_new), prediction in zip(outcomes, answers, strict=True)
    ]


def _sift(items: Sequence[Item], *, seed: bytes) -> list[NewDiary]:
    nothing, nobody = LabelReader(LabelNames({})), PeopleNames("")
    # What a program hands in is a text, whatever it looks like.
    sieve = RowFilter(ROLES, nothing, nobody, seed, Choices(totals="keep"), takes_json=True)
    outcomes = [sieve.convert(Row(place, _values(item))) for place, item in enumerate(items, 1)]
    for place, row in enumerate(outcomes, 1):
        if isinstance(row, Skip):
            if row.reason == "too_long":
                raise UserError("handed_too_long", place=place, found=int(row.detail), most=MAX_CHARACTERS)
            raise UserError(f"handed_{row.reason}", place=place)
    return [row for row in outcomes if not isinstance(row, Skip)]


def _values(item: Item) -> dict[str, str | None]:
    return {**item.metadata, "text": item.text, "written_on": item.written_on, "author": item.author}


def _batch_of(db: Database, caller: Caller) -> int:
    token = api_tokens.find(db, caller.token_id)
    if token is not None and token.batch_id is not None:
        return token.batch_id
    batch_id = incremental_import.begin_batch(db, name=f"API: {caller.name}", imported_by=caller.annotator_id)
    api_tokens.set_batch(db, caller.token_id, batch_id)
    return batch_id


def predictions_of(db: Database, texts: Sequence[str], classified: Classified) -> list[dict[str, Any] | None]:
    """Return a model's predictions of texts for the labels in force, adjusted by the dictionary if that is on.

    None if all labels that the model considers likely have been retired.
    """
    model = models.get_model(db, classified.model_id)
    current = projection.current_projection(db, model)
    proba = current.proba(classified.proba)
    refiner = adjustment.find_refiner(db, model)
    if refiner is not None:
        proba = refiner.refine(texts, proba)
    names = [label.name for label in labels.list_labels(db)]
    # The promise was measured on the version's own labels and probabilities.
    is_own = refiner is None and current.is_same
    promised = prediction_sets.promise_of(model) if is_own else None
    return [None if np.isnan(row).any() else _prediction(names, row, model, promised) for row in proba]


def _prediction(names: Sequence[str], row: FloatArray, model: Model, promised: Promise | None) -> dict[str, Any]:
    candidates = None if promised is None else prediction_sets.columns_in_set(row.tolist(), promised)
    return {
        "label": names[int(row.argmax())],
        "proba": {name: round(float(p), 6) for name, p in zip(names, row, strict=True)},
        "model_version": model.version,
        "guess": explanation_text.is_guess(row.tolist(), has_learned=bool(model.training_decisions)),
        "candidates": None if candidates is None else [names[column] for column in candidates],
        "promised": None if promised is None else promised.level,
    }


def read(db: Database, caller: Caller, diary_id: int) -> dict[str, Any]:
    """Return a diary as programs see it, with private parts masked: its label, prediction and status.

    Raises:
        UserError: ``right_missing`` for a token that may not read.
        NotFoundError: for a diary that does not exist, or is withheld.
    """
    diary_access.require(db, diary_access.program(caller), "see", diary_id)
    settings = project_settings.load(db)
    diary = diaries.get_diary(db, diary_id)
    label, prediction = _label(db, diary_id), _kept_prediction(db, diary_id, diary.text)
    return {
        "id": diary.id,
        "status": "labelled" if label else "classified" if prediction else "waiting",
        "text": masking.mask(diary.text, settings),
        "written_on": diary.written_on,
        "author": None if diary.author is None else masking.mask(diary.author, settings),
        "label": label,
        "prediction": prediction,
    }


def _kept_prediction(db: Database, diary_id: int, text: str) -> dict[str, Any] | None:
    active = models.find_active(db)
    proba = None if active is None else predictions.find_proba(db, active, diary_id)
    if active is None or proba is None:
        return None
    return predictions_of(db, [text], Classified(active.id, proba[None]))[0]


def _label(db: Database, diary_id: int) -> dict[str, Any] | None:
    """Return the decision that counts: the one that a reviewer settled on, or the newest in force."""
    label_decisions = [d for d in decisions.list_standing(db, [diary_id]) if d.kind == "label"]
    review = reviews.find_standing(db, diary_id)
    settled = [d for d in label_decisions if review is not None and d.id == review.decision_id]
    counting: Decision | None = max(settled or label_decisions, key=lambda d: d.id, default=None)
    if counting is None:
        return None
    names = {label.id: label.name for label in labels.list_all_labels(db)}
    return {
        "name": names[counting.label_id or 0],
        "by": dict(annotators.list_annotators(db))[counting.annotator_id],
        "decided_at": counting.decided_at,
        "is_settled": bool(settled),
        "is_group": bool(groups.list_act_of(db, [counting.id])),
    }


def read_corrected(db: Database, caller: Caller, diary_id: int, name: str) -> dict[str, Any]:
    """Return a diary that a program has just corrected: in full, or only its own answer if it may not read."""
    if diary_access.may(db, diary_access.program(caller), "see", diary_id):
        return read(db, caller, diary_id)
    own = next(d for d in decisions.list_standing(db, [diary_id]) if d.annotator_id == caller.annotator_id)
    label = {"name": name, "by": caller.name, "decided_at": own.decided_at, "is_settled": False, "is_group": False}
    nothing = dict.fromkeys(("text", "written_on", "author", "prediction"))
    return {"id": diary_id, "status": "labelled", "label": label, **nothing}


def correct(
    db: Database,
    caller: Caller,
    diary_id: int,
    name: str,
    *,
    annotator_id: int | None = None,
    token: str | None = None,
    memo: str = "",
) -> bool:
    """Store the label that somebody gives a diary; return whether that changes their earlier answer.

    Args:
        annotator_id: who gives it; None for the program itself.
        token: identifies the request, so that a repeated one counts once. None makes a new one.

    Raises:
        UserError: for a label that is not in the set, or a token that may not write.
        NotFoundError: for a diary that does not exist.
    """
    id_of = {label.name: label.id for label in labels.list_labels(db)}
    if name not in id_of:
        raise UserError("label_unknown", found=name[:40], known=", ".join(id_of))
    actor, annotator_id = diary_access.program(caller), annotator_id or caller.annotator_id
    with write(db):
        diary_access.require(db, actor, "decide", diary_id)
        own_decisions = [d for d in decisions.list_standing(db, [diary_id]) if d.annotator_id == annotator_id]
        if any(d.kind == "label" and d.label_id == id_of[name] and not d.other_label_ids for d in own_decisions):
            return False
        active = models.find_active(db)
        press = NewDecision(
            diary_id=diary_id,
            annotator_id=annotator_id,
            kind="label",
            token=token or f"api-{secrets.token_hex(16)}",
            label_id=id_of[name],
            model_id=None if active is None else active.id,
            memo=memo,
        )
        return labelling_decisions.decide(db, press, by=actor) is not None


def find_explanation(db: Database, caller: Caller, diary_id: int) -> dict[str, Any] | None:
    """Return the stored explanation of a diary by the serving model, if any; its words are masked as everywhere.

    Raises:
        UserError: ``no_model_yet``, or ``right_missing`` for a token that may not read.
        NotFoundError: for a diary that does not exist, or is withheld.
    """
    diary_access.require(db, diary_access.program(caller), "see", diary_id)
    diary = diaries.get_diary(db, diary_id)
    active = models.find_active(db)
    if active is None:
        raise UserError("no_model_yet")
    settings = project_settings.load(db)
    mapping = projection.current_projection(db, active)
    explanation = projection.find_explanation(db, active, diary_id, settings.unit, mapping)
    proba = projection.find_proba(db, active, diary_id, mapping)
    if explanation is None or proba is None:
        return None
    names = [label.name for label in labels.list_labels(db)]
    return _explanation(diary.text, settings, explanation, names, int(proba.argmax())) | {
        "model_version": active.version,
        "guess": explanation_text.is_guess(proba.tolist(), has_learned=bool(active.training_decisions)),
    }


def _explanation(
    text: str, settings: Settings, explanation: Explanation, names: Sequence[str], top: int
) -> dict[str, Any]:
    masked = masking.mask(text, settings)
    return {
        "diary_id": explanation.diary_id,
        "label": names[top],
        "unit": explanation.unit,
        "fit": round(explanation.fit[top], 4),
        "words": [
            {
                "text": masked[start:end],
                "start": start,
                "end": end,
                "weights": {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)},
            }
            for (start, end), weights in zip(explanation.spans, explanation.weights, strict=True)
        ],
    }
