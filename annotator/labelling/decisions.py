"""Storing people's decisions about diaries, and taking them back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.label_sets import projection
from annotator.labelling import rationales
from annotator.labelling.events import BoardEvent, read_event, seq_of
from db.answers import decisions, queue, repeats
from db.answers.decisions import NewDecision
from db.answers.repeats import Repeat
from db.connection import write
from db.errors import NotFoundError
from db.label_sets import labels
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from db import Database
    from db.answers.decisions import Decision


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a press.

    Attributes:
        acked: number of the newest press that needs no further sending.
        refused: why it can never be kept; None if it was.
        notice: a remark about a press that was kept; None for none.
    """

    acked: int
    refused: UserError | NotFoundError | None = None
    notice: UserError | None = None


def receive(db: Database, raw: Any, *, annotator_id: int, holder: str, acked: int) -> Receipt:
    """Keep one press as a browser sent it, unless its number says that it was kept before.

    Raises:
        DatabaseError: if it could not be kept now, for instance on a full disk; the browser should send it again.
    """
    try:
        event = read_event(raw)
    except UserError as error:
        # Sending it again would not help, so it counts as received if its number can be read.
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
        UserError: for a label that does not exist, a diary that this person was never handed, or an undo of what is
            not in force.
        DatabaseError: if it could not be kept, for instance on a full disk.
    """
    actor = diary_access.person(annotator_id, holder=holder)
    if event.kind == "undo":
        undone = undo(db, event.undoes or "", token=event.token, annotator_id=annotator_id, holder=holder)
        if not diary_access.may(db, actor, "see", undone.diary_id):
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
    db: Database, answer_token: str, *, token: str, annotator_id: int, holder: str, by: Actor | None = None
) -> Decision | Repeat:
    """Undo an answer of a person and put its diary before the others of the tab, if this person may still see it.

    A second undo with the same token changes nothing and returns what the first one took back.

    Args:
        answer_token: what the answer was given under; see `list_recent`.
        by: who does it; None for the annotator, at the app.

    Raises:
        UserError: ``undo_not_in_force`` if this person has no answer in force of that token; ``right_missing`` for
            somebody whose account is closed.
    """
    actor = by or diary_access.person(annotator_id, holder=holder)
    # In one transaction, so that nobody else is handed the diary in between.
    with write(db):
        diary_access.require_right(db, actor, "label")
        undone = _find_undone(db, annotator_id, token)
        # A tab that lost its connection sends an undo again, and it may have decided that diary since then.
        if undone is not None and _has_answered(db, undone, annotator_id):
            return undone
        undone = undone or _take_back(db, annotator_id, answer_token, token)
        if diary_access.may(db, actor, "see", undone.diary_id):
            queue.lease_again(
                db,
                diary_id=undone.diary_id,
                annotator_id=annotator_id,
                holder=holder,
                seconds=project_settings.LEASE_SECONDS,
                is_repeat=isinstance(undone, Repeat),
            )
    return undone


def list_recent(db: Database, annotator_id: int, *, limit: int) -> list[Decision | Repeat]:
    """Return a person's newest answers in force, newest first; those to hidden repeats stand among the others."""
    answers: list[Decision | Repeat] = [
        *decisions.list_recent(db, annotator_id, limit=limit),
        *repeats.list_answers(db, annotator_id, limit=limit),
    ]
    return sorted(answers, key=_order, reverse=True)[:limit]


def _order(answer: Decision | Repeat) -> tuple[int, int]:
    """Return the sort key of an answer among a person's answers, by their numbers: clocks may be set back."""
    return (answer.after_decision_id, answer.id) if isinstance(answer, Repeat) else (answer.id, 0)


def _find_undone(db: Database, annotator_id: int, token: str) -> Decision | Repeat | None:
    return repeats.find_undone_by(db, annotator_id, token=token) or decisions.find_undone_by(
        db, annotator_id, token=token
    )


def _take_back(db: Database, annotator_id: int, answer_token: str, token: str) -> Decision | Repeat:
    if decisions.is_token_used(db, token) or repeats.is_token_used(db, annotator_id, token):
        raise UserError("undo_not_in_force")
    answer = repeats.undo(db, annotator_id, answer_token, token=token)
    decision = decisions.find_undoable(db, annotator_id, token=answer_token)
    if answer is None and decision is not None:
        decisions.undo(db, decision.id, token=token)
    if (undone := answer or decision) is None:
        raise UserError("undo_not_in_force")
    return undone


def _has_answered(db: Database, undone: Decision | Repeat, annotator_id: int) -> bool:
    """Return whether a person has answered a diary again since they took this answer back."""
    if isinstance(undone, Repeat):
        return any(answer.diary_id == undone.diary_id for answer in repeats.list_answers(db, annotator_id))
    return any(d.annotator_id == annotator_id for d in decisions.list_standing(db, [undone.diary_id]))


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
        return decisions.add(db, replace(decision, predicted_label_id=predicted, blind=_was_blind(db, decision)))


def _answers_repeat(db: Database, decision: NewDecision) -> bool:
    """Keep an answer to a hidden repeat; return False where it has become a decision like any other."""
    answer = _answer(decision)
    if not repeats.was_handed(db, answer):
        raise UserError("diary_not_handed")
    return repeats.add(db, answer)


def _check(db: Database, decision: NewDecision) -> None:
    label_of = {label.id: label for label in labels.list_all_labels(db)}
    label_ids = [decision.label_id, *decision.other_label_ids] if decision.kind == "label" else []
    for label_id in (*label_ids, decision.shown_label_id):
        if label_id is not None and label_id not in label_of:
            in_force = ", ".join(label.name for label in labels.list_labels(db))
            raise UserError("label_unknown", found=str(label_id), known=in_force)
    for label_id in label_ids:
        if label_id is None:
            raise UserError("event_broken")
        if label_of[label_id].retired_at and label_of[label_id].merged_into is None:
            raise UserError("label_not_in_force", name=label_of[label_id].name)
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


def _was_blind(db: Database, decision: NewDecision) -> bool | None:
    """Return whether a label board hid the model's answer by its draw; None for decisions from elsewhere."""
    if decision.seconds is None:
        return None
    diary = diaries.get_diary(db, decision.diary_id)
    return decision.shown_label_id is None and blinding.is_blind(diary, project_settings.load(db))


def _would_say(db: Database, decision: NewDecision) -> int | None:
    """Return the serving model's answer to a diary that is being labelled, whether the person saw it or not."""
    active = models.find_active(db) if decision.kind == "label" else None
    proba = None if active is None else projection.find_proba(db, active, decision.diary_id)
    return None if active is None or proba is None else labels.list_labels(db)[int(proba.argmax())].id
