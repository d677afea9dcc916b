"""Gold diaries: those whose label is known, handed to everybody once to see how well the guidelines are known."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from annotator import access, review
from annotator.errors import UserError
from db import decisions, diaries, gold, labels, reviews
from db.connection import write

if TYPE_CHECKING:
    from annotator.access import Person
    from db import Database
    from db.labels import Label


def add(db: Database, diary_id: int, label_name: str | None = None, *, annotator_id: int) -> Label:
    """Make a diary a gold one and return its label: the one named, or the one that a reviewer has settled.

    Raises:
        UserError: for a label that is not in the set, or none where no reviewer has settled the diary.
        NotFoundError: for a diary that does not exist.
    """
    diaries.get_diary(db, diary_id)
    label_set = labels.list_labels(db)
    if label_name is None:
        label_id = _settled(db, diary_id)
        label = next((label for label in label_set if label.id == label_id), None)
        if label is None:
            raise UserError("gold_undecided", id=diary_id)
    else:
        wanted = unicodedata.normalize("NFC", label_name).strip()
        label = next((label for label in label_set if label.name == wanted), None)
        if label is None:
            raise UserError("label_unknown", found=label_name, known=", ".join(label.name for label in label_set))
    gold.add(db, diary_id, label.id, annotator_id=annotator_id)
    return label


def toggle(db: Database, diary_id: int, *, person: Person) -> Label | None:
    """Make a diary a gold one, with the label in force for its answer, or an ordinary one again.

    Returns:
        The answer; None for an ordinary one.

    Raises:
        UserError: for an annotator, or a diary without a label.
    """
    access.require(person, "review")
    with write(db):
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
