"""Keeping what people decide of diaries, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.labelling import rationales
from annotator.labelling.events import BoardEvent, read_event, seq_of
from db.answers import decisions, queue, repeats
from db.answers.decisions import NewDecision
from db.connection import write
from db.errors import NotFoundError
from db.label_sets import labels
from db.models import models

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from db import Database
    from db.answers.decisions import Decision
    from db.answers.repeats import Repeat


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a press.

    Attributes:
        acked: number of the newest press that needs no further sending.
        refused: why it can never be kept; None if it was.
        notice: what else there is to say of one that was kept; None for nothing.
    """

    acked: int
    refused: UserError | NotFoundError | None = None
    notice: UserError | None = None


def receive(db: Database, raw: Any, *, annotator_id: int, holder: str, acked: int) -> Receipt:
    """Keep one press as a browser sent it, unless its number says that it was kept before.

    Raises:
        DatabaseError: if it could not be kept now, for instance on a full disk; it shall be sent again.
    """
    try:
        event = read_event(raw)
    except UserError as error:
        # Sending it again would not mend it, so it is done with wherever its number can be read.
        return Receipt(max(acked, seq_of(raw)), error)
    if event.seq <= acked:
        return Receipt(acked)
    try:
        notice = apply(db, event, annotator_id=annotator_id, holder=holder)
    except (UserError, NotFoundError) as error:
        return Receipt(event.seq, error)
    return Receipt(event.seq, notice=notice)


def apply(db: Database, event: BoardEvent, *, annotator_id: int, holder: str) -> UserError | None:
    """Keep one press. One that was kept before changes nothing.

    Returns:
        ``undo_not_shown`` where a decision was undone but its diary may not be handed out again; None otherwise.

    Raises:
        UserError: for a label that does not exist, or a diary that this person was never handed.
        DatabaseError: if it could not be kept, for instance on a full disk.
    """
    actor = diary_access.person(annotator_id, holder=holder)
    if event.kind == "undo":
        taken = undo(db, event.token, annotator_id=annotator_id, holder=holder)
        if taken is not None and not diary_access.may(db, actor, "see", taken.diary_id):
            return UserError("undo_not_shown")
    elif event.kind == "rationale":
        rationales.add(db, event, annotator_id=annotator_id)
    else:
        decide(db, _decision_of(event, annotator_id), by=actor)
    return None


def _decision_of(event: BoardEvent, annotator_id: int) -> NewDecision:
    if event.diary_id is None or event.kind == "undo" or event.kind == "rationale":
        raise UserError("event_broken")
    return NewDecision(
        diary_id=event.diary_id,
        annotator_id=annotator_id,
        kind=event.kind,
        token=event.token,
        label_id=event.label_id if event.kind == "label" else None,
        memo=event.memo,
        model_id=event.model_id,
        shown_label_id=event.shown_label_id,
        shown_proba=event.shown_proba,
        seconds=event.seconds,
        other_label_ids=event.other_label_ids if event.kind == "label" else (),
        intensity=event.intensity if event.kind == "label" else None,
    )


def undo(
    db: Database, token: str, *, annotator_id: int, holder: str, by: Actor | None = None
) -> Decision | Repeat | None:
    """Undo the newest answer and put its diary before the others of the tab, if this person may still see it.

    Args:
        by: who does it; None for the annotator, at the app.

    Returns:
        The answer; None if there was none.

    Raises:
        UserError: ``right_missing`` for somebody whose account is closed.
    """
    actor = by or diary_access.person(annotator_id, holder=holder)
    # In one transaction: nobody else shall be handed the diary in between.
    with write(db):
        diary_access.require_right(db, actor, "label")
        is_repeated = decisions.is_token_used(db, token) or repeats.is_token_used(db, annotator_id, token)
        answer = repeats.undo_last(db, annotator_id, token=token)
        taken = answer or decisions.undo_last(db, annotator_id, token=token)
        if taken is None:
            return None
        # A tab that lost its connection sends an undo again, and it may have decided that diary since then.
        if is_repeated and _has_answered(db, taken.diary_id, annotator_id, is_repeat=answer is not None):
            return taken
        if not diary_access.may(db, actor, "see", taken.diary_id):
            return taken
        queue.lease_again(
            db,
            diary_id=taken.diary_id,
            annotator_id=annotator_id,
            holder=holder,
            seconds=project_settings.LEASE_SECONDS,
            is_repeat=answer is not None,
        )
    return taken


def _has_answered(db: Database, diary_id: int, annotator_id: int, *, is_repeat: bool) -> bool:
    if is_repeat:
        return any(answer.diary_id == diary_id for answer in repeats.list_answers(db, annotator_id))
    return any(d.annotator_id == annotator_id for d in decisions.list_standing(db, [diary_id]))


def decide(db: Database, decision: NewDecision, *, by: Actor | None = None) -> int | None:
    """Keep a decision; return its id, or None if its token was used before or it answers a hidden repeat.

    Args:
        by: who does it; None for the annotator, at the app.

    Raises:
        UserError: for a label that is not in the set, or a diary that the annotator was never handed. A label that was
            merged meanwhile counts for what it is now.
        NotFoundError: for a model that does not exist; for a diary, where `by` may decide every one.
    """
    actor = by or diary_access.person(decision.annotator_id)
    _check(db, decision)
    predicted = _would_say(db, decision)
    with write(db):
        diary_access.require(db, actor, "decide", decision.diary_id)
        if repeats.is_repeat(decision.token) and _answers_repeat(db, decision):
            return None
        return decisions.add(db, replace(decision, predicted_label_id=predicted))


def _answers_repeat(db: Database, decision: NewDecision) -> bool:
    """Keep an answer to a hidden repeat; return False where it has become a decision like any other."""
    answer = _answer(decision)
    if not repeats.was_handed(db, answer):
        raise UserError("diary_not_handed")
    return repeats.add(db, answer)


def _check(db: Database, decision: NewDecision) -> None:
    known = {label.id: label for label in labels.list_all_labels(db)}
    given = [decision.label_id, *decision.other_label_ids] if decision.kind == "label" else []
    for label_id in (*given, decision.shown_label_id):
        if label_id is not None and label_id not in known:
            in_force = ", ".join(label.name for label in labels.list_labels(db))
            raise UserError("label_unknown", found=str(label_id), known=in_force)
    for label_id in given:
        if label_id is None:
            raise UserError("event_broken")
        if known[label_id].retired_at and known[label_id].merged_into is None:
            raise UserError("label_not_in_force", name=known[label_id].name)
    if decision.model_id is not None:
        models.get_model(db, decision.model_id)


def _answer(decision: NewDecision) -> repeats.NewAnswer:
    return repeats.NewAnswer(
        decision.diary_id,
        decision.annotator_id,
        decision.kind,
        decision.token,
        decision.label_id,
        decision.seconds,
    )


def _would_say(db: Database, decision: NewDecision) -> int | None:
    """Return what the serving model says of a diary that is labelled, whether the person saw it or not."""
    active = models.find_active(db) if decision.kind == "label" else None
    proba = None if active is None else projection.find_proba(db, active, decision.diary_id)
    return None if active is None or proba is None else labels.list_labels(db)[int(proba.argmax())].id
