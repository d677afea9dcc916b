"""Gold diaries: diaries with a known label, given to everybody once to see how well they know the guidelines."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.review import actions as review
from db.answers import decisions, gold
from db.connection import write
from db.label_sets import labels
from db.review import reviews

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from annotator.accounts.permissions import Person
    from db import Database
    from db.label_sets.labels import Label


def add(
    db: Database, diary_id: int, label_name: str | None = None, *, annotator_id: int, by: Actor | None = None
) -> Label:
    """Make a diary a gold one and return its label: the one named, or the one that a reviewer has settled.

    Args:
        by: who does it; None for the annotator, at the app.

    Raises:
        UserError: for a label that is not in the set, none where no reviewer has settled the diary, or for whoever may
            not review.
        NotFoundError: for a diary that does not exist.
    """
    with write(db):
        diary_access.require(db, by or diary_access.person(annotator_id), "review", diary_id)
        label = _label_of(db, diary_id, label_name)
        gold.add(db, diary_id, label.id, annotator_id=annotator_id)
    return label


def _label_of(db: Database, diary_id: int, label_name: str | None) -> Label:
    label_set = labels.list_labels(db)
    if label_name is None:
        label_id = _settled(db, diary_id)
        label = next((label for label in label_set if label.id == label_id), None)
        if label is None:
            raise UserError("gold_undecided", id=diary_id)
    else:
        nfc_name = unicodedata.normalize("NFC", label_name).strip()
        label = next((label for label in label_set if label.name == nfc_name), None)
        if label is None:
            raise UserError("label_unknown", found=label_name, known=", ".join(label.name for label in label_set))
    return label


def toggle(db: Database, diary_id: int, *, person: Person) -> Label | None:
    """Make a diary a gold one, with the label in force for its answer, or an ordinary one again.

    Returns:
        The answer; None for an ordinary one.

    Raises:
        UserError: for an annotator, or a diary without a label.
        NotFoundError: for a diary that does not exist.
    """
    with write(db):
        diary_access.require(db, diary_access.actor_of(person), "review", diary_id)
        if gold.remove(db, diary_id, annotator_id=person.annotator_id):
            return None
        standing = review.list_labelled(db, diary_id)
        if not standing:
            raise UserError("gold_undecided", id=diary_id)
        label_id = review.in_force(standing).label_id
        label = next((label for label in labels.list_labels(db) if label.id == label_id), None)
        if label is None:
            raise UserError("gold_undecided", id=diary_id)
        gold.add(db, diary_id, label.id, annotator_id=person.annotator_id)
    return label


def _settled(db: Database, diary_id: int) -> int | None:
    """Return the label, as it counts now, of the decision that a reviewer has accepted or made."""
    review = reviews.find_standing(db, diary_id)
    decision_id = None if review is None else review.decision_id
    standing = decisions.list_standing(db, [diary_id])
    return next((decision.label_id for decision in standing if decision.id == decision_id), None)
