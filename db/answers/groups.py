"""Labels given to many diaries by one press, and members of it that are asked about singly and blind."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db import clock
from db.connection import one, rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlite_utils import Database

Kind = Literal["copies", "similar", "chosen"]
"""How the members of a group came together: near-copies, similar ones with one prediction, or chosen by somebody."""

STRATEGY = "group"
"""What stands with decisions of a group in place of a query strategy, and in the queue after one was taken back."""

CHECK = "group_check"
"""What stands in the queue for members that are held out, and with the decisions on them."""

GROUP_KEY = re.compile(r"[0-9A-Za-z_-]{8,64}")
"""What names a press in exports, and what a grid's token looks like."""

_IMPORTED = "import:"
"""Begins the tokens of presses that came with a file, so that none passes for one that was made here."""

_PREFIX = "group:"
"""Begins the tokens of the decisions of a group: with their colon no board lists them or takes them back singly."""


@dataclass(frozen=True, slots=True)
class Act:
    """One press on a group.

    Attributes:
        token: of the press; a second one with the same token is a repeat of it.
        label_id: after merges.
        labelled_count, held_count: members that got the label by it, and those that are held out; without forgotten
            ones.
        corrected_count: members to which the same person gave another label since, by a decision of its own.
        undone_at: when it was taken back; None while it is in force.
    """

    id: int
    token: str
    annotator_id: int
    label_id: int
    kind: str
    shown_count: int
    decided_at: str
    undone_at: str | None
    labelled_count: int
    held_count: int
    corrected_count: int


@dataclass(frozen=True, slots=True)
class NewAct:
    """A press on a group, to be stored.

    Attributes:
        shown_count: cards that were on the grid.
    """

    token: str
    annotator_id: int
    label_id: int
    kind: Kind
    shown_count: int


_ACT = """
    select a.id, a.token, a.annotator_id, coalesce(l.merged_into, a.label_id), a.kind, a.shown_count, a.decided_at,
        a.undone_at,
        (select count(*) from group_members m where m.act_id = a.id and m.decision_id is not null),
        (select count(*) from group_members m where m.act_id = a.id and m.decision_id is null),
        (select count(*) from group_members m join standing s on s.diary_id = m.diary_id
            where m.act_id = a.id and m.decision_id is not null and s.annotator_id = a.annotator_id
                and s.decision_id > m.decision_id)
    from group_acts a join labels l on l.id = a.label_id
"""


def find_act(db: Database, token: str) -> Act | None:
    """Return the press of a token, in force or not; None if there was none."""
    row = one(db, f"{_ACT} where a.token = :token", token=token)
    return None if row is None else Act(*row)


def list_acts(db: Database, annotator_id: int, *, limit: int) -> list[Act]:
    """Return a person's newest presses on groups that are in force, newest first."""
    newest = """
        where a.annotator_id = :annotator and a.undone_at is null and a.kind <> 'import'
            and exists (select 1 from group_members m where m.act_id = a.id)
        order by a.id desc limit :limit
    """
    sql = f"{_ACT} {newest}"
    return [Act(*row) for row in rows(db, sql, annotator=annotator_id, limit=limit)]


def list_member_ids(db: Database, act_id: int) -> list[int]:
    """Return the diaries of a press, ascending."""
    sql = "select diary_id from group_members where act_id = :act order by diary_id"
    return [int(diary_id) for (diary_id,) in rows(db, sql, act=act_id)]


def add_act(db: Database, act: NewAct) -> int | None:
    """Store a press without its members, and return its id; None if its token was used before."""
    statement = """
        insert into group_acts (token, annotator_id, label_id, kind, shown_count, decided_at)
        values (?, ?, ?, ?, ?, ?) on conflict (token) do nothing returning id
    """
    values = (act.token, act.annotator_id, act.label_id, act.kind, act.shown_count, clock.now())
    with write(db):
        added = db.conn.execute(statement, values).fetchone()
    return None if added is None else int(added[0])


def token_of(act_token: str, diary_id: int) -> str:
    """Return the token of the decision that a press makes on one of its members."""
    return f"{_PREFIX}{act_token}:{diary_id}"


def key_of(token: str) -> str:
    """Return what names a press in exports: the same one when it has come with an export."""
    return token.removeprefix(_IMPORTED)


def note_imported(db: Database, key: str, decision_id: int) -> None:
    """Note that an imported decision was made on many diaries at once, with the others of its person under a key.

    Nothing is noted where the others gave another label: then somebody has changed it in the file.
    """
    act = """
        insert into group_acts (token, annotator_id, label_id, kind, shown_count, decided_at)
        select ?, annotator_id, label_id, 'import', 0, decided_at from decisions where id = ? and kind = 'label'
        on conflict (token) do nothing
    """
    member = """
        insert or ignore into group_members (act_id, diary_id, decision_id)
        select a.id, d.diary_id, d.id from group_acts a join decisions d
            on d.annotator_id = a.annotator_id and d.label_id = a.label_id
        where a.token = ? and d.id = ?
    """
    with write(db):
        db.conn.execute(act, (_IMPORTED + key, decision_id))
        db.conn.execute(member, (_IMPORTED + key, decision_id))


def add_members(db: Database, act_id: int, decision_of: dict[int, int], held_ids: Sequence[int]) -> None:
    """Note the members of a press, and have those that are held out asked about singly.

    Args:
        decision_of: by diary, the decision that the press made.
    """
    noted = "insert into group_members (act_id, diary_id, decision_id) values (?, ?, ?)"
    held = """
        insert into group_members (act_id, diary_id, queued_as)
        select ?1, ?2, (select strategy from queue where diary_id = ?2)
    """
    queued = f"""
        insert into queue (place, diary_id, strategy, score)
        values ((select coalesce(max(place), -1) + 1 from queue), ?, '{CHECK}', 0.0)
        on conflict (diary_id) do update set strategy = excluded.strategy
    """  # noqa: S608 - constants
    with write(db):
        db.conn.executemany(noted, [(act_id, diary_id, decision) for diary_id, decision in decision_of.items()])
        db.conn.executemany(held, [(act_id, diary_id) for diary_id in held_ids])
        db.conn.executemany(queued, [(diary_id,) for diary_id in held_ids])


def undo(db: Database, act_id: int) -> int:
    """Take a press back, all of it at once, and return how many labels fell; 0 if that was done before.

    What the same person decided of a member since, by itself, stays in force. The diaries go back into the queue.
    """
    marked = "update group_acts set undone_at = ? where id = ? and undone_at is null"
    # Also those that another decision covers: taking that back shall not bring the group's label back.
    fallen = f"""
        insert into decisions (diary_id, annotator_id, kind, token, undoes, source, decided_at)
        select d.diary_id, d.annotator_id, 'undo', 'undo-{_PREFIX}' || d.id, d.id, 'person', :now
        from group_members m join decisions d on d.id = m.decision_id
        where m.act_id = :act and not exists (select 1 from decisions u where u.undoes = d.id)
        order by d.id
    """  # noqa: S608 - constants
    again = f"""
        insert or ignore into queue (place, diary_id, strategy, score)
        select (select coalesce(max(place), -1) from queue) + row_number() over (order by m.diary_id), m.diary_id,
            '{STRATEGY}', 0.0
        from group_members m where m.act_id = :act and m.decision_id is not null
            and not exists (select 1 from standing s where s.diary_id = m.diary_id)
    """  # noqa: S608 - constants
    given_back = f"""
        update queue set strategy = coalesce((select m.queued_as from group_members m
            where m.act_id = :act and m.diary_id = queue.diary_id), '{STRATEGY}')
        where strategy = '{CHECK}' and diary_id in (
            select diary_id from group_members where act_id = :act and decision_id is null)
    """  # noqa: S608 - constants
    with write(db):
        now = clock.now()
        if not db.conn.execute(marked, (now, act_id)).rowcount:
            return 0
        count = db.conn.execute(fallen, {"act": act_id, "now": now}).rowcount
        db.conn.execute(again, {"act": act_id})
        db.conn.execute(given_back, {"act": act_id})
    return int(count)


_TAKEN = f"""
    select diary_id from standing
    union all select diary_id from care_flags
    union all select diary_id from gold
    union all select diary_id from leases where annotator_id <> :annotator and expires_at > :now
    union all select diary_id from queue where strategy = '{CHECK}'
        or (strategy = 'random' and exists (select 1 from settings where key = 'queue_ranked_by'))
"""  # noqa: S608 - constants
"""Diaries that no group takes: decided, withheld, gold, before somebody else now, held out, or drawn uniformly."""


def list_taken_ids(db: Database, annotator_id: int) -> list[int]:
    """Return the diaries outside the test part that no group of a person's takes now, some of them more than once."""
    values = {"annotator": annotator_id, "now": clock.now()}
    # One row of text for all ids: a million tuples would take half a second.
    return [int(i) for i in json.loads(scalar(db, f"select json_group_array(diary_id) from ({_TAKEN})", **values))]  # noqa: S608


def list_open(db: Database, diary_ids: Iterable[int], annotator_id: int) -> list[int]:
    """Return those of some diaries that a group may take now, in their order: of the pool, and not taken."""
    sql = f"""
        select d.id from json_each(:ids) i join diaries d on d.id = i.value
        where d.part = 'pool'
            and not exists (select 1 from standing s where s.diary_id = d.id)
            and not exists (select 1 from care_flags c where c.diary_id = d.id)
            and not exists (select 1 from gold g where g.diary_id = d.id)
            and not exists (select 1 from leases l
                where l.diary_id = d.id and l.annotator_id <> :annotator and l.expires_at > :now)
            and not exists (select 1 from queue q where q.diary_id = d.id and (q.strategy = '{CHECK}'
                or (q.strategy = 'random' and exists (select 1 from settings where key = 'queue_ranked_by'))))
        order by i.key
    """  # noqa: S608 - constants
    ids = json.dumps(list(dict.fromkeys(int(i) for i in diary_ids)))
    records = rows(db, sql, ids=ids, annotator=annotator_id, now=clock.now())
    return [int(diary_id) for (diary_id,) in records]


def list_act_of(db: Database, decision_ids: Sequence[int]) -> dict[int, int]:
    """Return the press that made a decision, by decision, for those of some decisions that one has made."""
    sql = """
        select decision_id, act_id from group_members where decision_id in (select value from json_each(:ids))
    """
    ids = json.dumps([int(i) for i in decision_ids])
    return {int(decision): int(act) for decision, act in rows(db, sql, ids=ids)}
