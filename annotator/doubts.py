"""Looking again at labels that the model doubts: one at a time, keep or change, take back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from annotator import labelling
from annotator import settings as project_settings
from annotator.errors import UserError
from db import decisions, diaries, label_doubts, labels, rounds
from db.connection import write
from db.decisions import NewDecision

if TYPE_CHECKING:
    from db import Database
    from db.label_doubts import DoubtCount as DoubtCount
    from db.labels import Label


@dataclass(frozen=True, slots=True)
class Card:
    """A label to look at again.

    Attributes:
        given, given_by, decided_at: what was decided, by whom, when (UTC).
        is_blind: whether what the model thinks is hidden, because the diary measures it.
        alternative: the label that the model finds likelier; None on a blind card.
        given_proba, alternative_proba: how likely the model finds both, in [0, 1]; None on a blind card.
    """

    decision_id: int
    diary_id: int
    text: str
    written_on: str | None
    given: Label
    given_by: str
    decided_at: str
    is_blind: bool
    alternative: Label | None
    given_proba: float | None
    alternative_proba: float | None


def next_card(db: Database) -> Card | None:
    """Return the label to look at next; None if none is left."""
    doubt = label_doubts.find_next(db)
    if doubt is None:
        return None
    diary = diaries.get_diary(db, doubt.diary_id)
    label_of = {label.id: label for label in labels.list_labels(db)}
    is_blind = diary.part == "test" and project_settings.load(db).blind_test
    return Card(
        decision_id=doubt.decision_id,
        diary_id=diary.id,
        text=diary.text,
        written_on=diary.written_on,
        given=label_of[doubt.label_id],
        given_by=doubt.annotator_name,
        decided_at=doubt.decided_at,
        is_blind=is_blind,
        alternative=None if is_blind else label_of[doubt.suggested_label_id],
        given_proba=None if is_blind else doubt.quality,
        alternative_proba=None if is_blind else _alternative_proba(db, doubt.model_id, doubt.decision_id),
    )


def _alternative_proba(db: Database, model_id: int, decision_id: int) -> float | None:
    """Return how likely the model found its alternative when it had not seen the label."""
    made_by = rounds.find_by_model(db, model_id)
    found = {} if made_by is None else made_by.report.get("study", {}).get("doubts", {})
    proba = found.get(str(decision_id))
    return None if proba is None else float(proba)


def count(db: Database) -> DoubtCount:
    """Return how many labels there are to look at, and how many were looked at."""
    return label_doubts.count(db)


def label_set(db: Database) -> list[Label]:
    """Return the labels that a diary can be given, in their order."""
    return labels.list_labels(db)


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody did with a doubted label, so that it can be taken back.

    Attributes:
        decision_id: the doubted decision, or the new one if the label was changed.
    """

    kind: Literal["kept", "changed"]
    decision_id: int
    diary_id: int


def keep(db: Database, decision_id: int, *, annotator_id: int) -> Review | None:
    """Keep a doubted label; return None, and change nothing, if somebody has looked at it meanwhile."""
    with write(db):
        if not label_doubts.is_open(db, decision_id):
            return None
        label_doubts.add_check(db, decision_id, annotator_id=annotator_id)
        return Review("kept", decision_id, decisions.get_decision(db, decision_id).diary_id)


def change(db: Database, decision_id: int, label_id: int, *, annotator_id: int) -> Review | None:
    """Give the diary of a doubted label another one: a new decision of the person who looks at it.

    The same label again is keeping it.

    Returns:
        None, and nothing is changed, if somebody has looked at it meanwhile.

    Raises:
        UserError: for a label that is not in the set.
    """
    with write(db):
        if not label_doubts.is_open(db, decision_id):
            return None
        doubted = decisions.get_decision(db, decision_id)
        if doubted.label_id == label_id:
            return keep(db, decision_id, annotator_id=annotator_id)
        token = secrets.token_hex(16)
        new = labelling.decide(db, NewDecision(doubted.diary_id, annotator_id, "label", token, label_id, doubted.memo))
    if new is None:  # a token of 128 random bits that was used before
        raise UserError("event_broken")
    return Review("changed", new, doubted.diary_id)


def undo(db: Database, review: Review) -> bool:
    """Take back what was done with a doubted label; return False if it has been overtaken by a newer decision."""
    if review.kind == "kept":
        label_doubts.remove_check(db, review.decision_id)
        return True
    return decisions.undo(db, review.decision_id, token=secrets.token_hex(16))
