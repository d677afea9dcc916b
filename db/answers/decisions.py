"""Decisions: what people said about diaries. Append-only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from db import clock
from db.connection import one, rows, scalar, write
from db.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

Kind = Literal["label", "skip", "flag"]


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to be stored.

    Attributes:
        token: issued with the diary's lease; a second decision with the same token is a repeat of the same press.
        model_id, shown_label_id, shown_proba: the prediction that the person saw, if any.
        seconds: time from the diary's appearance to the press.
        predicted_label_id: what the serving model would say now, whether or not the person saw it.
        other_label_ids: further emotions besides `label_id`.
        intensity: how strong the emotion is, 1 to 5.
        asked_by: what led to the diary where that was not the queue; None for what put it there when it was handed out.
        blind: whether the draw hid the model's answer, not only that it had not come yet; None off the label boards.
    """

    diary_id: int
    annotator_id: int
    kind: Kind
    token: str
    label_id: int | None = None
    memo: str = ""
    model_id: int | None = None
    shown_label_id: int | None = None
    shown_proba: float | None = None
    seconds: float | None = None
    predicted_label_id: int | None = None
    other_label_ids: tuple[int, ...] = ()
    intensity: int | None = None
    blind: bool | None = None
    asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision. For decisions in force, `label_id` is what counts: the label that the pressed one was merged into.

    Attributes:
        token: the token it was pressed under; an undo names it.
        intensity: 1 to 5; None where it was not asked for.
        other_label_ids: further emotions besides `label_id`, ascending, after merges.
    """

    id: int
    diary_id: int
    annotator_id: int
    kind: Kind
    label_id: int | None
    memo: str
    decided_at: str
    token: str
    intensity: int | None = None
    other_label_ids: tuple[int, ...] = ()


def _columns(label: str) -> str:
    return f"""d.id, d.diary_id, d.annotator_id, d.kind, {label}, d.memo, d.decided_at, d.token, d.intensity,
        (select group_concat(distinct coalesce(o.merged_into, o.id)) from decision_labels f
            join labels o on o.id = f.label_id where f.decision_id = d.id)"""  # noqa: S608 - constants


_PRESSED_HERE = "d.source = 'person' and instr(d.token, ':') = 0"
"""Pressed on a label board: a token with a colon is of a review or of an answer to one, which are undone there."""

_PRESSED = _columns("d.label_id")
_COUNTING = _columns("coalesce((select merged_into from labels l where l.id = d.label_id), d.label_id)")


def _decision(row: Sequence[Any]) -> Decision:
    *first, others = row
    further = {int(label_id) for label_id in str(others).split(",")} - {row[4]} if others else ()
    values = (*first, tuple(sorted(further)))
    return Decision(*values)


def add(db: Database, decision: NewDecision) -> int | None:
    """Store a decision and end the lease it answers; return its id, or None if its token was used before."""
    statement = """
        insert into decisions (diary_id, annotator_id, kind, label_id, memo, token, model_id,
            shown_label_id, shown_proba, source, seconds, predicted_label_id, intensity, blind, decided_at,
            asked_by)
        values (:diary_id, :annotator_id, :kind, :label_id, :memo, :token, :model_id, :shown_label_id,
            :shown_proba, 'person', :seconds, :predicted_label_id, :intensity, :blind, :now,
            coalesce(:asked_by, (select l.strategy from leases l where l.token = :token),
                (select q.strategy from queue q where q.diary_id = :diary_id)))
        on conflict (token) do nothing returning id
    """
    parameters = {name: getattr(decision, name) for name in NewDecision.__dataclass_fields__}
    del parameters["other_label_ids"]
    with write(db):
        added = db.conn.execute(statement, {**parameters, "now": clock.now()}).fetchone()
        answered = "delete from leases where token = ? and annotator_id = ?"
        db.conn.execute(answered, (decision.token, decision.annotator_id))
        if added is None:
            return None
        # A lease that ran out may have been handed to the same person again.
        db.conn.execute(
            "delete from leases where diary_id = ? and annotator_id = ?", (decision.diary_id, decision.annotator_id)
        )
        others = [(added[0], label_id) for label_id in dict.fromkeys(decision.other_label_ids)]
        db.conn.executemany("insert into decision_labels (decision_id, label_id) values (?, ?)", others)
    return int(added[0])


def find_undone_by(db: Database, annotator_id: int, *, token: str) -> Decision | None:
    """Return the decision that a person took back under a token, or None."""
    sql = f"""
        select {_PRESSED}
        from decisions u join decisions d on d.id = u.undoes
        where u.token = :token and u.annotator_id = :annotator
    """  # noqa: S608 - constants
    row = one(db, sql, token=token, annotator=annotator_id)
    return None if row is None else _decision(row)


def find_undoable(db: Database, annotator_id: int, *, token: str) -> Decision | None:
    """Return a person's decision in force by the token it was pressed under; None if there is none.

    An imported decision was not pressed here, so it can't be taken back here.
    """
    sql = f"""
        select {_PRESSED}
        from decisions d join standing s on s.decision_id = d.id
        where d.token = :token and d.annotator_id = :annotator and {_PRESSED_HERE}
    """  # noqa: S608 - constants
    row = one(db, sql, token=token, annotator=annotator_id)
    return None if row is None else _decision(row)


def get_decision(db: Database, decision_id: int) -> Decision:
    """Return one decision, in force or not.

    Raises:
        NotFoundError: if there is none of that id.
    """
    sql = f"select {_PRESSED} from decisions d where d.id = :id"  # noqa: S608 - constants
    row = one(db, sql, id=decision_id)
    if row is None:
        raise NotFoundError("decision_missing", id=decision_id)
    return _decision(row)


def find_own(db: Database, decision_id: int, *, annotator_id: int) -> Decision | None:
    """Return one decision of a person, in force or not; None if it is somebody else's."""
    sql = f"select {_PRESSED} from decisions d where d.id = :id and d.annotator_id = :annotator"  # noqa: S608
    row = one(db, sql, id=decision_id, annotator=annotator_id)
    return None if row is None else _decision(row)


def undo(db: Database, decision_id: int, *, token: str) -> bool:
    """Take back one decision of a person; do nothing and return False if it is no longer in force."""
    statement = """
        insert into decisions (diary_id, annotator_id, kind, token, undoes, source, decided_at)
        select s.diary_id, s.annotator_id, 'undo', :token, s.decision_id, 'person', :now
        from standing s where s.decision_id = :id
        on conflict (token) do nothing
    """
    with write(db):
        cursor = db.conn.execute(statement, {"id": decision_id, "token": token, "now": clock.now()})
    return bool(cursor.rowcount)


def last_decision_id(db: Database) -> int:
    """Return the newest decision's id, 0 if there is none. It changes with every decision and every undo."""
    return int(scalar(db, "select coalesce(max(id), 0) from decisions"))


def list_asked(db: Database) -> dict[int, tuple[int, str | None]]:
    """Return, by labelled diary, the id of its first label decision and the query strategy that first asked for it.

    A label that is changed later keeps its place and its strategy, so that second thoughts do not move diaries
    between the arms of a comparison. The strategy is None for imported labels and older decisions.
    """
    first = rows(db, "select diary_id, min(id) from decisions where kind = 'label' group by diary_id")
    # SQLite takes the bare column from the row that has the minimum.
    records = rows(db, "select diary_id, asked_by, min(id) from decisions where asked_by is not null group by diary_id")
    strategy = {int(diary_id): str(name) for diary_id, name, _ in records}
    return {int(diary_id): (int(decision_id), strategy.get(int(diary_id))) for diary_id, decision_id in first}


def list_decided_ids(db: Database) -> NDArray[np.int64]:
    """Return the diaries that have a decision in force, ascending."""
    records = rows(db, "select distinct diary_id from standing order by diary_id")
    return np.fromiter((row[0] for row in records), np.int64, len(records))


def list_swayed_ids(db: Database) -> frozenset[int]:
    """Return the diaries that have a decision in force made with a prediction in view."""
    sql = """
        select distinct s.diary_id from standing s join decisions d on d.id = s.decision_id
        where d.shown_label_id is not null
    """
    return frozenset(int(diary_id) for (diary_id,) in rows(db, sql))


def count_decided(db: Database) -> int:
    """Count the diaries that have a decision in force."""
    return int(scalar(db, "select count(distinct diary_id) from standing"))


def count_by_label(db: Database, *, part: Literal["pool", "test"] | None = None) -> dict[int, int]:
    """Count the label decisions in force by label id; labels without any are missing."""
    if part is None:
        sql = "select label_id, count(*) from standing where label_id is not null group by label_id"
    else:
        # Uses the index of labels without looking at each diary: the few test diaries are known by their ids.
        sql = """
            select label_id, count(*) from standing
            where label_id is not null
                and (diary_id in (select id from diaries where part = 'test')) = (:part = 'test')
            group by label_id
        """
    return {int(label): int(count) for label, count in rows(db, sql, part=part)}


def count_said(db: Database) -> dict[int, int]:
    """Count how often each label was given in the pool: by decisions in force, those of one press on many as one."""
    sql = """
        select s.label_id, count(distinct coalesce(-m.act_id, s.decision_id))
        from standing s left join group_members m on m.decision_id = s.decision_id
        where s.label_id is not null and s.diary_id not in (select id from diaries where part = 'test')
        group by s.label_id
    """
    return {int(label): int(count) for label, count in rows(db, sql)}


def count_by_kind(db: Database, annotator_id: int | None = None) -> dict[str, int]:
    """Count the decisions in force by kind, of everyone or of one person."""
    # Counted side by side: grouping would sort all of them first.
    sql = """
        select sum(kind = 'label'), sum(kind = 'skip'), sum(kind = 'flag') from standing
        where :annotator is null or annotator_id = :annotator
    """
    counts = zip(("label", "skip", "flag"), one(db, sql, annotator=annotator_id) or (), strict=False)
    return {kind: int(count) for kind, count in counts if count}


def count_since(db: Database, decision_id: int, *, part: Literal["pool", "test"] | None = None) -> int:
    """Count the label decisions in force that are newer than a decision, on all diaries or those of one part."""
    if part is None:
        sql = "select count(*) from standing where kind = 'label' and decision_id > :id"
        return int(scalar(db, sql, id=decision_id))
    sql = """
        select count(*) from standing where kind = 'label' and decision_id > :id
            and (diary_id in (select id from diaries where part = 'test')) = (:part = 'test')
    """
    return int(scalar(db, sql, id=decision_id, part=part))


def list_recent(db: Database, annotator_id: int, *, limit: int) -> list[Decision]:
    """Return the newest decisions in force that one person pressed, newest first; imported ones are left out."""
    sql = f"""
        select {_COUNTING}
        from decisions d
        where d.annotator_id = :annotator and d.kind <> 'undo' and {_PRESSED_HERE}
            and exists (select 1 from standing s where s.diary_id = d.diary_id
                and s.annotator_id = d.annotator_id and s.decision_id = d.id)
        order by d.id desc limit :limit
    """  # noqa: S608 - constants
    return [_decision(row) for row in rows(db, sql, annotator=annotator_id, limit=limit)]


def list_times(db: Database, annotator_id: int, *, limit: int) -> list[str]:
    """Return when a person made their newest decisions, undone ones included, newest first."""
    sql = f"""
        select d.decided_at from decisions d
        where d.annotator_id = :annotator and d.kind <> 'undo' and {_PRESSED_HERE} order by d.id desc limit :limit
    """  # noqa: S608 - constants
    return [str(time) for (time,) in rows(db, sql, annotator=annotator_id, limit=limit)]


@dataclass(frozen=True, slots=True)
class Press:
    """A decision that was pressed on a label board, whether or not it is in force.

    Attributes:
        decided_at: UTC, ISO 8601.
        is_first: whether nobody had decided the diary before.
    """

    annotator_id: int
    decided_at: str
    is_first: bool


def list_presses(db: Database, *, limit: int) -> list[Press]:
    """Return everybody's newest decisions, undone ones included, newest first."""
    sql = f"""
        select d.annotator_id, d.decided_at, not exists (
            select 1 from decisions e where e.diary_id = d.diary_id and e.id < d.id and e.kind <> 'undo'
        )
        from decisions d where d.kind <> 'undo' and {_PRESSED_HERE} order by d.id desc limit :limit
    """  # noqa: S608 - constants
    return [Press(int(who), str(time), bool(first)) for who, time, first in rows(db, sql, limit=limit)]


def find_undone(db: Database, diary_id: int, annotator_id: int) -> Decision | None:
    """Return what a person had decided of a diary before taking it back, if nothing came after that."""
    sql = f"""
        select {_COUNTING}
        from decisions d join decisions u on u.undoes = d.id
        where d.diary_id = :diary and d.annotator_id = :annotator order by u.id desc limit 1
    """  # noqa: S608 - constants
    row = one(db, sql, diary=diary_id, annotator=annotator_id)
    return None if row is None else _decision(row)


def list_standing(db: Database, diary_ids: Sequence[int]) -> list[Decision]:
    """Return the decisions in force on some diaries, ordered by diary and annotator."""
    sql = f"""
        select {_COUNTING}
        from standing s join decisions d on d.id = s.decision_id
        where s.diary_id in (select value from json_each(:ids)) order by s.diary_id, s.annotator_id
    """  # noqa: S608 - constants
    return [_decision(row) for row in rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))]


def is_token_used(db: Database, token: str) -> bool:
    """Return whether a decision with this token was stored."""
    return scalar(db, "select 1 from decisions where token = :token", token=token) is not None
