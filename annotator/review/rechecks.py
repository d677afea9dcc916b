"""Checking decisions again after their label was split or retired: one diary at a time, with one key.

A second look is a review like any other (see `annotator.review.actions`): it settles the diary, nothing is rewritten,
and it can be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.messages import Language, say
from annotator.privacy import masking
from annotator.review import actions
from annotator.review.actions import ReviewAction
from db.label_sets import history, labels
from db.review import reviews
from db.texts import diaries

if TYPE_CHECKING:
    from db import Database
    from db.label_sets.labels import Label


@dataclass(frozen=True, slots=True)
class RecheckItem:
    """A diary to look at again.

    Attributes:
        text: masked.
        given: the label that it counts for now; no longer in force if it was retired.
        choices: the labels in force; those that `given` was split into come first, `given` itself ahead of all.
        mark: the state that the choice refers to; see `annotator.review.actions.ReviewAction`.
    """

    diary_id: int
    text: str
    written_on: str | None
    given: Label
    choices: tuple[Label, ...]
    mark: tuple[int, int]


def count(db: Database) -> int:
    """Count the decisions that wait for a second look."""
    return history.count_rechecks(db)


def next_card(db: Database, *, annotator_id: int) -> RecheckItem | None:
    """Return the diary to look at next, the oldest decision first; None if none is left.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    diary_access.require_right(db, diary_access.person(annotator_id), "review")
    due = history.list_rechecks(db, limit=1)
    if not due:
        return None
    diary = diaries.get_diary(db, due[0].diary_id)
    label_of = {label.id: label for label in labels.list_all_labels(db)}
    changed_ids = set() if due[0].change_id is None else set(history.get_change(db, due[0].change_id).after)
    near = {due[0].label_id, *changed_ids}
    return RecheckItem(
        diary_id=diary.id,
        text=masking.mask(diary.text, project_settings.load(db)),
        written_on=diary.written_on,
        given=label_of[due[0].label_id],
        choices=tuple(
            sorted(labels.list_labels(db), key=lambda label: (label.id != due[0].label_id, label.id not in near))
        ),
        mark=reviews.get_revision(db, diary.id),
    )


def choose(
    db: Database, diary_id: int, mark: tuple[int, int], label_id: int, *, annotator_id: int, language: Language
) -> None:
    """Settle a diary with its present label or another one.

    Raises:
        UserError: if somebody else was faster, or the label is not in force any more.
    """
    note = say("labels.recheck_note", language)
    actions.apply(db, ReviewAction("label", diary_id, mark, label_id=label_id, comment=note), reviewer_id=annotator_id)
