"""Reviewing decided diaries: a queue of those that are worth a second look, and what a reviewer does with one.

Every action refers to what the reviewer saw: it carries the `mark` of the diary at that time, and if somebody
else has decided or reviewed since then, nothing is done and an error says so. The same mark again is the same press.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling.events import storable
from annotator.training import prediction_sets
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import write
from db.people import audit_log
from db.review import queue, reviews
from db.review.queue import Filter as Filter  # noqa: TC001 - pages ask with it
from db.review.reviews import NewReview
from learner.data_quality.review_signals import SIGNALS, UNSURE_FROM, count_votes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database
    from db.answers.decisions import Decision
    from db.review.queue import Row as Row
    from db.review.queue import State as State

OUTSIDE = "outside"
"""The reason that is no signal but a threshold of one: the label is not among the candidates."""

PAGE = 25
"""Rows that are shown at once."""

_COMMENT_CHARACTERS = 2000

Kind = Literal["accept", "label", "return", "ambiguous"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ReviewAction:
    """What a reviewer does with a diary.

    Attributes:
        kind: ``accept`` the label in force, give a ``label``, ``return`` it with a comment, or call it ``ambiguous``.
        mark: newest decision and newest review of the diary when it was shown; see `db.review.reviews.get_revision`.
        label_id: only of ``label``. One that somebody has given is accepted, another one overrides.
        decision_id: only of ``return``: what is sent back, to whoever decided it.
    """

    kind: Kind
    diary_id: int
    mark: tuple[int, int]
    label_id: int | None = None
    decision_id: int | None = None
    comment: str = ""


def read_act(raw: Any) -> ReviewAction:
    """Return an act as a browser sent it.

    Raises:
        UserError: if it isn't one.
    """
    try:
        first, second = raw["mark"]
        label_id, decision_id = raw.get("label_id"), raw.get("decision_id")
        act = ReviewAction(
            kind=raw["kind"],
            diary_id=int(raw["diary_id"]),
            mark=(int(first), int(second)),
            label_id=None if label_id is None else int(label_id),
            decision_id=None if decision_id is None else int(decision_id),
            comment=storable(str(raw.get("comment") or "")).strip()[:_COMMENT_CHARACTERS],
        )
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise UserError("event_broken") from error
    if act.kind not in KINDS or max(act.diary_id, *act.mark, act.label_id or 0, act.decision_id or 0) >= 2**63:
        raise UserError("event_broken")
    return act


def apply(db: Database, act: ReviewAction, *, reviewer_id: int) -> None:
    """Carry out a reviewer's action completely or not at all; repeating it changes nothing.

    Raises:
        UserError: ``review_overtaken`` if somebody else was faster, ``right_missing`` for whoever may not review, or
            for a missing note or comment.
        NotFoundError: for a diary that does not exist.
    """
    token = f"review:{reviewer_id}:{act.diary_id}:{act.mark[0]}:{act.mark[1]}"
    with write(db):
        diary_access.require(db, diary_access.person(reviewer_id), "review", act.diary_id)
        if reviews.is_token_used(db, token):
            return
        if reviews.get_revision(db, act.diary_id) != act.mark:
            raise UserError("review_overtaken", id=act.diary_id)
        standing = list_labelled(db, act.diary_id)
        if not standing:
            raise UserError("review_undecided", id=act.diary_id)
        row = queue.find_row(db, act.diary_id)
        blank = NewReview(act.diary_id, reviewer_id, "ambiguous", token, comment=act.comment)
        blank = replace(blank, signals=tuple(row.signals) if row else ())
        review = _review_of(db, act, blank, standing)
        review_id = reviews.add(db, review)
        audit_log.add(db, reviewer_id, f"review.{review.kind}", f"diary:{act.diary_id}", review=review_id)


def _review_of(db: Database, act: ReviewAction, blank: NewReview, standing: Sequence[Decision]) -> NewReview:
    if act.kind == "ambiguous":
        return blank
    if act.kind == "return":
        return _return(db, act, blank, standing)
    label_id = in_force(standing).label_id if act.kind == "accept" else act.label_id
    same = [decision for decision in standing if decision.label_id == label_id]
    if same:
        return replace(blank, kind="accept", decision_id=max(decision.id for decision in same))
    return _correct(db, act, blank, standing)


def _return(db: Database, act: ReviewAction, blank: NewReview, standing: Sequence[Decision]) -> NewReview:
    if not act.comment:
        raise UserError("review_comment_missing")
    returned = next((d for d in standing if d.id == act.decision_id), in_force(standing))
    if reviews.is_import(db, returned.id):
        raise UserError("review_return_import", id=act.diary_id)
    return replace(blank, kind="return", returned_decision_id=returned.id)


def _correct(db: Database, act: ReviewAction, blank: NewReview, standing: Sequence[Decision]) -> NewReview:
    """Decide as the reviewer; overriding somebody else's label needs a note."""
    is_own = all(decision.annotator_id == blank.reviewer_id for decision in standing)
    if not act.comment and not is_own:
        raise UserError("review_note_missing")
    decision_id = labelling_decisions.decide(
        db, NewDecision(act.diary_id, blank.reviewer_id, "label", f"correct:{blank.token}", act.label_id)
    )
    return replace(blank, kind="correct", decision_id=decision_id, comment=act.comment or "-")


def undo_last(db: Database, reviewer_id: int) -> list[int]:
    """Take back the newest review of one person, a bulk action as a whole; return the diaries, none if none is left.

    A correction takes its decision with it, unless the reviewer has decided that diary anew since.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    with write(db):
        diary_access.require_right(db, diary_access.person(reviewer_id), "review")
        last = reviews.find_last(db, reviewer_id)
        if last is None:
            return []
        diary_ids = reviews.undo(db, last, reviewer_id=reviewer_id)
        if last.kind == "correct" and last.decision_id is not None:
            decisions.undo(db, last.decision_id, token=f"undo-review:{last.id}")
        audit_log.add(db, reviewer_id, "review.undo", f"diary:{last.diary_id}", review=last.id, count=len(diary_ids))
    return diary_ids


def list_labelled(db: Database, diary_id: int) -> list[Decision]:
    """Return the label decisions in force on a diary, oldest first."""
    label_decisions = [decision for decision in decisions.list_standing(db, [diary_id]) if decision.kind == "label"]
    return sorted(label_decisions, key=lambda decision: decision.id)


def in_force(standing: Sequence[Decision]) -> Decision:
    """Return the decision that counts: the newest for the label that most people gave.

    Args:
        standing: label decisions on one diary, oldest first, at least one.
    """
    columns = np.array([decision.label_id for decision in standing], np.int64)
    return standing[int(count_votes(np.zeros(len(columns), np.int64), columns).rows[0])]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of the queue.

    Attributes:
        has_more: whether there are rows after them.
        last_decision_id: the newest decision when they were read.
    """

    rows: tuple[Row, ...]
    has_more: bool
    last_decision_id: int


def page(db: Database, criteria: Filter, *, after: tuple[float, int] | None = None) -> Page:
    """Return the rows after one, or the first ones.

    Args:
        after: expected error and diary id of the last row that was seen.
    """
    rows = queue.list_rows(db, criteria, after=after, limit=PAGE + 1)
    return Page(tuple(rows[:PAGE]), len(rows) > PAGE, decisions.last_decision_id(db))


def percent_of(expected_error: float) -> int:
    """Return how likely a label is wrong, in percent as people see it: never quite sure."""
    return max(1, min(99, round(100 * expected_error)))


def count_rows(db: Database, criteria: Filter) -> int:
    """Count the rows of a filter."""
    return queue.count(db, criteria)


def list_reasons(db: Database) -> list[str]:
    """Return what `with_reason` takes: the signals, and `OUTSIDE` where the version in force has candidates."""
    return [*SIGNALS, *([OUTSIDE] if prediction_sets.find_promise(db) else [])]


def with_reason(db: Database, row_filter: Filter, reason: str | None) -> Filter:
    """Return a filter that asks for rows with a reason of `list_reasons`, as well.

    Whether a label is outside is judged by heads that have not seen it, as for the signal of low confidence: it is less
    likely than candidates are, and than all others together.
    """
    if reason != OUTSIDE:
        return replace(row_filter, signal=reason)
    promised = prediction_sets.find_promise(db)
    least = promised.least if promised else 0.0
    return replace(row_filter, signal="low_confidence", above=1 - min(least, 1 - UNSURE_FROM))


def was_made(db: Database) -> bool:
    """Return whether the worker has already searched for diaries that are worth a review."""
    return bool(queue.made_from(db))


def list_names(db: Database) -> list[tuple[int, str]]:
    """Return id and name of everybody who has decided, for reviewers only."""
    return reviews.list_deciders(db)
