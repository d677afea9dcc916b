"""Diaries that a reviewer sent back to an annotator, to decide again after a comment. The reviewer stays anonymous."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling.events import storable
from annotator.privacy import masking
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.review import reviews
from db.texts import diaries

if TYPE_CHECKING:
    from db import Database
    from db.label_sets.labels import Label
    from db.review.reviews import Returned

_MEMO_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class ReturnedDiary:
    """A diary that was sent back.

    Attributes:
        review_id: the review that sent it back; an answer names it.
        text: masked.
        mine: the label that this person gave it; None if that is no label in force any more.
        memo: what this person had noted.
    """

    review_id: int
    diary_id: int
    text: str
    written_on: str | None
    mine: Label | None
    memo: str
    comment: str
    returned_at: str


def next_card(db: Database, annotator_id: int) -> ReturnedDiary | None:
    """Return the diary that has waited longest for this person's answer; None if none waits."""
    waiting = _visible(db, annotator_id)
    if not waiting:
        return None
    first = waiting[0]
    diary = diaries.get_diary(db, first.diary_id)
    return ReturnedDiary(
        review_id=first.review_id,
        diary_id=diary.id,
        text=masking.mask(diary.text, project_settings.load(db)),
        written_on=diary.written_on,
        mine=next((label for label in labels.list_labels(db) if label.id == first.label_id), None),
        memo=decisions.get_decision(db, first.decision_id).memo,
        comment=first.comment,
        returned_at=first.returned_at,
    )


def count(db: Database, annotator_id: int) -> int:
    """Count the diaries that wait for this person's answer."""
    # Every page asks, and most people have nothing waiting.
    return len(_visible(db, annotator_id)) if reviews.count_returned(db, annotator_id) else 0


def _visible(db: Database, annotator_id: int) -> list[Returned]:
    """Return the diaries that wait for this person, except those withheld from them."""
    waiting = reviews.list_returned(db, annotator_id)
    actor = diary_access.person(annotator_id)
    visible = diary_access.allowed(db, actor, "see", [card.diary_id for card in waiting])
    return [card for card in waiting if card.diary_id in visible]


def answer(db: Database, card_review_id: int, label_id: int, *, annotator_id: int, memo: str = "") -> int:
    """Decide a diary that was sent back again; return the decision's id. The same answer again changes nothing.

    Raises:
        UserError: ``correction_gone`` if it does not wait any more, or for a label that can't be given.
    """
    with write(db):
        waiting = {card.review_id: card for card in reviews.list_returned(db, annotator_id)}
        card = waiting.get(card_review_id)
        if card is None:
            return _answered(db, card_review_id, label_id, annotator_id)
        diary_access.require(db, diary_access.person(annotator_id), "answer", card.diary_id)
        trimmed = storable(memo).strip()[:_MEMO_CHARACTERS]
        # The decision that is sent back differs after an undo, so each answer has a token of its own.
        token = f"answer:{card_review_id}:{reviews.get_revision(db, card.diary_id)[0]}"
        decision = NewDecision(card.diary_id, annotator_id, "label", token, label_id, trimmed)
        decision_id = labelling_decisions.decide(db, decision)
    if decision_id is None:
        raise UserError("event_broken")
    return decision_id


def _answered(db: Database, review_id: int, label_id: int, annotator_id: int) -> int:
    """Return the decision of an earlier, identical answer: this is a second press."""
    diary_id = reviews.diary_of(db, review_id)
    for decision in decisions.list_standing(db, [diary_id]):
        if (decision.annotator_id, decision.label_id) == (annotator_id, label_id):
            return decision.id
    raise UserError("correction_gone")


def undo(db: Database, decision_id: int, *, annotator_id: int) -> bool:
    """Undo one's own answer, so that the diary waits again; return False if a newer decision has overtaken it.

    Raises:
        UserError: ``diary_not_handed`` for a decision of somebody else, or none.
    """
    with write(db):
        decision = decisions.find_own(db, decision_id, annotator_id=annotator_id)
        if decision is None:
            raise UserError("diary_not_handed")
        diary_access.require(db, diary_access.person(annotator_id), "decide", decision.diary_id)
        return decisions.undo(db, decision_id, token=f"undo-answer:{decision_id}")
