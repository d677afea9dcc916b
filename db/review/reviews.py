"""Reviews: what a reviewer said about decided diaries. Append-only; taking one back adds a row.

A review holds as long as what it rests on does: an accepted or corrected diary as long as the decision that it names
is in force, a diary sent back as long as the decision that was sent back is. An annotator who decides again, or takes
back, ends it, and the diary is open again. `ambiguous` holds until it is taken back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db import clock
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

Kind = Literal["accept", "correct", "return", "ambiguous"]

HOLDS = """
    (z.kind = 'ambiguous' or exists (
        select 1 from standing t where t.diary_id = z.diary_id
            and t.decision_id = coalesce(z.decision_id, (
                select v.returned_decision_id from reviews v where v.id = z.review_id))))
"""
"""Whether the row `z` of `settled` still holds."""


@dataclass(frozen=True, slots=True)
class NewReview:
    """A review to be stored.

    Attributes:
        token: a second review with the same token is a repeat of the same press.
        decision_id: the decision that counts from now on; only of ``accept`` and ``correct``.
        returned_decision_id: the decision that is sent back; only of ``return``.
        comment: the reviewer's note, never empty for ``correct``.
        signals: the signals that brought the diary to the reviewer.
    """

    diary_id: int
    reviewer_id: int
    kind: Kind
    token: str
    decision_id: int | None = None
    returned_decision_id: int | None = None
    comment: str = ""
    signals: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A stored review; `bulk` names the bulk action that it was part of."""

    id: int
    diary_id: int
    reviewer_id: int
    kind: Kind
    decision_id: int | None
    returned_decision_id: int | None
    comment: str
    bulk: str | None


_COLUMNS = "r.id, r.diary_id, r.reviewer_id, r.kind, r.decision_id, r.returned_decision_id, r.comment, r.bulk"
_NOT_UNDONE = "r.kind <> 'undo' and not exists (select 1 from reviews u where u.undoes = r.id)"


def add(db: Database, review: NewReview) -> int | None:
    """Store a review; return its id, or None if its token was used before."""
    statement = """
        insert into reviews (diary_id, reviewer_id, kind, decision_id, returned_decision_id, comment, signals, token,
            reviewed_at)
        values (:diary_id, :reviewer_id, :kind, :decision_id, :returned_decision_id, :comment, :signals, :token, :now)
        on conflict (token) do nothing returning id
    """
    parameters = {name: getattr(review, name) for name in NewReview.__dataclass_fields__}
    with write(db):
        row = db.conn.execute(
            statement, {**parameters, "signals": json.dumps(list(review.signals)), "now": clock.now()}
        ).fetchone()
    return int(row[0]) if row else None


def is_token_used(db: Database, token: str) -> bool:
    """Return whether a review with this token was stored."""
    return scalar(db, "select 1 from reviews where token = :token", token=token) is not None


def accept_all(db: Database, pairs: Sequence[tuple[int, int]], *, reviewer_id: int, bulk: str) -> int:
    """Accept one decision of each of many diaries; return how many.

    Args:
        pairs: diary and decision.
        bulk: name of the whole action; a second one with that name changes nothing.
    """
    statement = """
        insert into reviews (diary_id, reviewer_id, kind, decision_id, signals, bulk, token, reviewed_at)
        values (:diary, :reviewer, 'accept', :decision, coalesce(
            (select json_group_array(key) from audit_queue q, json_each(q.signals) where q.diary_id = :diary), '[]'),
            :bulk, :bulk || ':' || :diary, :now)
        on conflict (token) do nothing
    """
    common = {"reviewer": reviewer_id, "bulk": bulk, "now": clock.now()}
    with write(db):
        db.conn.executemany(statement, [{"diary": diary, "decision": decision, **common} for diary, decision in pairs])
    return int(scalar(db, "select count(*) from reviews where bulk = :bulk and kind = 'accept'", bulk=bulk))


def undo(db: Database, review: Review, *, reviewer_id: int) -> list[int]:
    """Take back a review, or all those of its bulk action; return the diaries. A second call finds none left."""
    statement = """
        insert into reviews (diary_id, reviewer_id, kind, bulk, token, undoes, reviewed_at)
        select r.diary_id, :reviewer, 'undo', r.bulk, 'undo:' || r.id, r.id, :now from reviews r
        where r.kind <> 'undo' and (r.id = :id or r.bulk = :bulk)
        on conflict do nothing returning diary_id
    """
    parameters = {"reviewer": reviewer_id, "id": review.id, "bulk": review.bulk, "now": clock.now()}
    with write(db):
        return [int(diary_id) for (diary_id,) in db.conn.execute(statement, parameters).fetchall()]


def find_last(db: Database, reviewer_id: int) -> Review | None:
    """Return the newest review of one person that was not taken back."""
    sql = f"select {_COLUMNS} from reviews r where r.reviewer_id = :me and {_NOT_UNDONE} order by r.id desc limit 1"  # noqa: S608
    row = one(db, sql, me=reviewer_id)
    return None if row is None else Review(*row)


def find_standing(db: Database, diary_id: int) -> Review | None:
    """Return the review that holds on a diary."""
    sql = f"""
        select {_COLUMNS} from settled z join reviews r on r.id = z.review_id
        where z.diary_id = :diary and {HOLDS}
    """  # noqa: S608 - constants
    row = one(db, sql, diary=diary_id)
    return None if row is None else Review(*row)


def get_revision(db: Database, diary_id: int) -> tuple[int, int]:
    """Return the newest decision and the newest review of a diary, 0 for none: together they identify its state."""
    sql = """
        select coalesce((select max(id) from decisions where diary_id = :diary), 0),
            coalesce((select max(id) from reviews where diary_id = :diary), 0)
    """
    decision_id, review_id = rows(db, sql, diary=diary_id)[0]
    return int(decision_id), int(review_id)


def last_review_id(db: Database) -> int:
    """Return the newest review's id, 0 if there is none. It changes with every review and every undo of one."""
    return int(scalar(db, "select coalesce(max(id), 0) from reviews"))


def made_by_review(db: Database) -> set[int]:
    """Return the decisions that reviewers made as corrections; these are no annotator's answer to an unseen diary."""
    return {int(i) for (i,) in rows(db, "select decision_id from reviews where kind = 'correct'")}


def list_outcomes(db: Database) -> list[tuple[int, bool]]:
    """Return id and whether the label was corrected of each diary whose review holds, without bulk ones and returns."""
    sql = f"""
        select r.diary_id, r.kind = 'correct' from settled z join reviews r on r.id = z.review_id
        where r.kind in ('accept', 'correct') and r.bulk is null and {_NOT_UNDONE} order by r.diary_id
    """  # noqa: S608 - constants
    return [(int(diary_id), bool(is_wrong)) for diary_id, is_wrong in rows(db, sql)]


@dataclass(frozen=True, slots=True)
class Returned:
    """A diary that was sent back and waits for its annotator's answer."""

    review_id: int
    diary_id: int
    decision_id: int
    label_id: int | None
    comment: str
    returned_at: str


_RETURNED = """
    from settled z join reviews r on r.id = z.review_id
        join standing s on s.diary_id = z.diary_id and s.decision_id = r.returned_decision_id
    where z.kind = 'return' and s.annotator_id = :annotator
"""


def list_returned(db: Database, annotator_id: int) -> list[Returned]:
    """Return what was sent back to one person and not answered yet, longest waiting first."""
    sql = f"select r.id, z.diary_id, s.decision_id, s.label_id, r.comment, r.reviewed_at {_RETURNED} order by r.id"
    return [Returned(*row) for row in rows(db, sql, annotator=annotator_id)]


def count_returned(db: Database, annotator_id: int) -> int:
    """Count what was sent back to one person and not answered yet."""
    return int(scalar(db, f"select count(*) {_RETURNED}", annotator=annotator_id))


@dataclass(frozen=True, slots=True)
class Moment:
    """One event in the history of a diary.

    Attributes:
        what: ``decision``, ``review`` or ``rationale``.
        kind: as stored in its table: ``label``, ``undo``, ``return``, ``wrong`` …
        label_id: the label that it names, if any; for an undo, the label of the undone decision or correction.
        undone_kind: the kind of what an undo took back.
        words: memo or comment.
        is_import: whether the decision came with a file.
    """

    at: str
    what: Literal["decision", "review", "rationale"]
    kind: str
    name: str
    label_id: int | None
    undone_kind: str | None
    words: str
    is_import: bool


def list_moments(db: Database, diary_id: int) -> list[Moment]:
    """Return what happened to a diary, oldest first: decisions, reviews, marked words, and what was taken back."""
    sql = """
        select d.decided_at as at, 'decision', d.kind, a.name, coalesce(d.label_id, o.label_id), o.kind, d.memo,
            d.source = 'import', d.id as id
        from decisions d join annotators a on a.id = d.annotator_id left join decisions o on o.id = d.undoes
        where d.diary_id = :diary
        union all
        select r.reviewed_at, 'review', r.kind, a.name, e.label_id, o.kind, r.comment, 0, r.id
        from reviews r join annotators a on a.id = r.reviewer_id left join reviews o on o.id = r.undoes
            left join decisions e on e.id = coalesce(r.decision_id, r.returned_decision_id, o.decision_id)
        where r.diary_id = :diary
        union all
        select m.marked_at, 'rationale', m.verdict, a.name, m.label_id, null, '', 0, m.id
        from rationales m join annotators a on a.id = m.annotator_id
        where m.diary_id = :diary
        order by at, id
    """
    records = rows(db, sql, diary=diary_id)
    return [
        Moment(at, what, kind, name, label_id, undone, words, bool(is_import))
        for at, what, kind, name, label_id, undone, words, is_import, _ in records
    ]


def diary_of(db: Database, review_id: int) -> int:
    """Return the diary of a review, 0 for one that does not exist."""
    return int(scalar(db, "select diary_id from reviews where id = :id", id=review_id) or 0)


def is_import(db: Database, decision_id: int) -> bool:
    """Return whether a decision came with a file, so that nobody is there to answer."""
    return bool(scalar(db, "select source = 'import' from decisions where id = :id", id=decision_id))


def list_deciders(db: Database) -> list[tuple[int, str]]:
    """Return id and name of everybody with a decision, oldest first."""
    sql = """
        select a.id, a.name from annotators a
        where exists (select 1 from decisions d where d.annotator_id = a.id) order by a.id
    """
    return [(int(i), str(name)) for i, name in rows(db, sql)]
