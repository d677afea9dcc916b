"""Hidden repeats: a person is given a diary they decided before. The answer is stored apart and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

from db import clock
from db.answers import groups
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from sqlite_utils import Database

TOKEN = "r"  # noqa: S105 - not a password
"""What the token of a repeat begins with, and no other: hexadecimal digits end at f. So a repeat that is answered
after its lease has run out is known as one, too."""

_FEWEST_DECISIONS = 50
_DECISIONS_BETWEEN = 30
_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer to a repeat, to be stored."""

    diary_id: int
    annotator_id: int
    kind: Literal["label", "skip", "flag"]
    token: str
    label_id: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a person said about a diary the second time, and their decision the first time.

    Attributes:
        after_decision_id: the person's newest decision at that time.
        token: the token the answer was given under; an undo names it.
    """

    id: int
    diary_id: int
    decision_id: int
    kind: Literal["label", "skip", "flag"]
    label_id: int | None
    answered_at: str
    after_decision_id: int
    token: str


def is_repeat(token: str) -> bool:
    """Return whether a token looks like one issued with a repeat."""
    return token.startswith(TOKEN)


def was_handed(db: Database, answer: NewAnswer) -> bool:
    """Return whether the answer's token was issued to the person with this diary as a repeat, or used by them."""
    sql = """
        select 1 from handed
        where annotator_id = :annotator and diary_id = :diary and repeat_token = :token
    """
    match = scalar(db, sql, annotator=answer.annotator_id, diary=answer.diary_id, token=answer.token)
    return match is not None or is_token_used(db, answer.annotator_id, answer.token)


def find_due(db: Database, annotator_id: int, *, share: float, sees_flagged: bool) -> int | None:
    """Return a random diary to give to a person a second time; None if none is due.

    From the 50th decision on, one in ``1 / share`` diaries is a repeat. Each diary that the person decided at least
    30 decisions or a day ago is repeated once; labels given to many diaries by one press are none of these.
    """
    every = ceil(1 / share) if share > 0 else 0
    if not every or _is_one_open(db, annotator_id) or not _is_time(db, annotator_id, every):
        return None
    sql = """
        select s.diary_id from decisions d join standing s on s.decision_id = d.id
            and s.diary_id = d.diary_id and s.annotator_id = d.annotator_id
        where d.annotator_id = :annotator and d.kind <> 'undo' and d.source = 'person'
            and d.asked_by is not :group
            and (d.decided_at < :yesterday or d.id <= (
                select id from decisions where annotator_id = :annotator and asked_by is not :group
                order by id desc limit 1 offset :between))
            and not exists (select 1 from repeats r where r.annotator_id = :annotator and r.diary_id = d.diary_id
                and r.undone_at is null)
            and not exists (select 1 from leases l where l.annotator_id = :annotator and l.diary_id = d.diary_id)
            and (:sees_flagged or not exists (select 1 from care_flags c where c.diary_id = d.diary_id))
        order by random() limit 1
    """
    diary_id = scalar(
        db,
        sql,
        annotator=annotator_id,
        yesterday=clock.now(plus_seconds=-_DAY_SECONDS),
        between=_DECISIONS_BETWEEN - 1,
        group=groups.STRATEGY,
        sees_flagged=sees_flagged,
    )
    return None if diary_id is None else int(diary_id)


def _is_one_open(db: Database, annotator_id: int) -> bool:
    sql = "select 1 from leases where annotator_id = :annotator and is_repeat = 1"
    return scalar(db, sql, annotator=annotator_id) is not None


def _is_time(db: Database, annotator_id: int, every: int) -> bool:
    """Return whether a person has decided enough overall, and since the last repeat for a share of 1 in `every`."""
    last = scalar(
        db,
        "select max(after_decision_id) from repeats where annotator_id = :annotator and undone_at is null",
        annotator=annotator_id,
    )
    back = max(every, _FEWEST_DECISIONS) if last is None else max(every - 1, 1)
    sql = """
        select id from decisions where annotator_id = :annotator and asked_by is not :group
        order by id desc limit 1 offset :back
    """
    then = scalar(db, sql, annotator=annotator_id, back=back - 1, group=groups.STRATEGY)
    return then is not None and (last is None or then > last)


def add(db: Database, answer: NewAnswer) -> bool:
    """Store an answer, once, and end its lease; return False if the first decision was taken back meanwhile.

    In that case there is nothing to compare with and nothing is stored: the answer is an ordinary decision.
    """
    statement = """
        insert into repeats (diary_id, annotator_id, decision_id, kind, label_id, token, seconds, answered_at,
            after_decision_id)
        select :diary_id, :annotator_id, s.decision_id, :kind, :label_id, :token, :seconds, :now,
            (select max(id) from decisions where annotator_id = :annotator_id)
        from standing s where s.diary_id = :diary_id and s.annotator_id = :annotator_id
    """
    with write(db):
        if is_token_used(db, answer.annotator_id, answer.token):
            return True
        parameters = {name: getattr(answer, name) for name in NewAnswer.__dataclass_fields__}
        added = db.conn.execute(statement, {**parameters, "now": clock.now()})
        db.conn.execute("delete from leases where token = ? and annotator_id = ?", (answer.token, answer.annotator_id))
    return added.rowcount > 0


_KEPT = """
    select id, diary_id, decision_id, kind, label_id, answered_at, after_decision_id,
        substr(token, 1, instr(token || ' ', ' ') - 1)
    from repeats
"""


def find_undone_by(db: Database, annotator_id: int, *, token: str) -> Repeat | None:
    """Return the answer that a person took back under a token, or None."""
    sql = f"{_KEPT} where annotator_id = :annotator and instr(token || ' ', ' ' || :token || ' ') > 0"
    row = one(db, sql, annotator=annotator_id, token=token)
    return None if row is None else Repeat(*row)


def undo(db: Database, annotator_id: int, answer_token: str, *, token: str) -> Repeat | None:
    """Take back a person's answer in force by the token it was given under; return it, or None.

    The undo's token is stored beside the answer's, so that either is recognized when it arrives again.
    """
    sql = f"{_KEPT} where annotator_id = :annotator and undone_at is null and token = :token"
    with write(db):
        row = one(db, sql, annotator=annotator_id, token=answer_token)
        if row is None:
            return None
        db.conn.execute(
            "update repeats set undone_at = ?, token = token || ' ' || ? where id = ?", (clock.now(), token, row[0])
        )
    return Repeat(*row)


def is_token_used(db: Database, annotator_id: int, token: str) -> bool:
    """Return whether an answer, or the undo of one, with this token was stored."""
    sql = """
        select 1 from repeats
        where annotator_id = :annotator and instr(' ' || token || ' ', ' ' || :token || ' ') > 0
    """
    return scalar(db, sql, annotator=annotator_id, token=token) is not None


def list_answers(db: Database, annotator_id: int, *, limit: int | None = None) -> list[Repeat]:
    """Return a person's answers in force, newest first."""
    sql = f"{_KEPT} where annotator_id = :annotator and undone_at is null order by id desc limit :limit"
    return [Repeat(*row) for row in rows(db, sql, annotator=annotator_id, limit=-1 if limit is None else limit)]


def count_labels(db: Database, annotator_id: int) -> int:
    """Count a person's answers in force that name a label."""
    sql = "select count(*) from repeats where annotator_id = :annotator and undone_at is null and kind = 'label'"
    return int(scalar(db, sql, annotator=annotator_id))
