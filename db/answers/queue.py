"""The order in which people are asked about diaries, and the leases that hand the diaries out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from db import clock, settings
from db.answers import gold, group_checks, groups, progress_counts, repeats, searched
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlite_utils import Database


_RANKED_BY = "queue_ranked_by"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A diary waiting for a decision.

    Attributes:
        strategy: name of the query strategy that placed it.
        score: the strategy's score; higher = ask sooner.
    """

    diary_id: int
    strategy: str
    score: float


@dataclass(frozen=True, slots=True)
class Lease:
    """A diary handed to one browser tab of one person.

    Attributes:
        token: comes back with the decision, which counts once.
        strategy: what put the diary into the queue when it was handed out; a later order changes nothing of it.
        model_id: the version whose order the queue followed then; None for the order of import.
        is_repeat: whether the person has decided the diary before; they are not told.
    """

    diary_id: int
    token: str
    strategy: str
    score: float
    is_repeat: bool = False
    model_id: int | None = None


def replace_queue(db: Database, entries: Sequence[QueueEntry], *, model_id: int) -> None:
    """Replace the queue with the order that a model asks for. Leases stay: people keep the diaries they hold.

    Diaries that somebody has decided and others are still to decide come first, as a model ranks only undecided ones;
    with them come those that somebody searched for, and members of groups that are held out.
    """
    # A diary may have been forgotten while the order was computed.
    statement = """
        insert or ignore into queue (place, diary_id, strategy, score) select ?, id, ?, ? from diaries where id = ?
    """
    started = f"""
        select q.diary_id, q.strategy, q.score from queue q
        where q.strategy in ('{searched.STRATEGY}', '{groups.CHECK}')
            or exists (select 1 from standing s where s.diary_id = q.diary_id)
        order by q.place
    """  # noqa: S608 - constants
    with write(db):
        first = [QueueEntry(*row) for row in rows(db, started)]
        db.conn.execute("delete from queue")
        places = enumerate([*first, *entries])
        db.conn.executemany(statement, [(i, e.strategy, float(e.score), e.diary_id) for i, e in places])
        settings.store(db, **{_RANKED_BY: model_id})


def ranked_by(db: Database) -> int | None:
    """Return the id of the model whose order the queue follows; None for the order of import."""
    model_id = settings.load(db).get(_RANKED_BY)
    return None if model_id is None else int(model_id)


def append_to_queue(db: Database, diary_ids: Iterable[int], *, strategy: str) -> None:
    """Append diaries to the queue; those already in it keep their place, and forgotten ones stay out."""
    statement = """
        insert into queue (place, diary_id, strategy, score) select ?, id, ?, 0.0 from diaries where id = ?
        on conflict (diary_id) do nothing
    """
    with write(db):
        start = int(scalar(db, "select coalesce(max(place), -1) + 1 from queue"))
        db.conn.executemany(statement, [(start + i, strategy, int(d)) for i, d in enumerate(diary_ids)])


def append_entries(db: Database, entries: Sequence[QueueEntry]) -> None:
    """Append entries to the queue; diaries that are in it keep their place, and forgotten ones stay out."""
    statement = """
        insert into queue (place, diary_id, strategy, score) select ?, id, ?, ? from diaries where id = ?
        on conflict (diary_id) do nothing
    """
    with write(db):
        start = int(scalar(db, "select coalesce(max(place), -1) + 1 from queue"))
        values = [(start + i, e.strategy, float(e.score), e.diary_id) for i, e in enumerate(entries)]
        db.conn.executemany(statement, values)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for who is given which diary.

    Attributes:
        overlap: how many people are to decide each diary of the `overlap_share`; one decides each of the others.
        overlap_share: share of the diaries, drawn at import and independent of their part, in [0, 1].
        repeat_share: share of a person's diaries that they have decided before, in [0, 1].
        gold_share: share of a person's diaries that are gold diaries, in [0, 1].
        searched_share: share of a person's diaries that somebody searched for, at most, in [0, 1].
        sees_flagged: whether to hand out diaries that wait for the lead's care.
        most_held: how many diaries one person may hold in all their tabs together; None for any number.
    """

    overlap: int = 1
    overlap_share: float = 1.0
    repeat_share: float = 0.0
    gold_share: float = 0.0
    searched_share: float = 1.0
    sees_flagged: bool = True
    most_held: int | None = None

    def parameters(self) -> dict[str, int]:
        """Return the SQL parameters of `_NEEDED` and `_UNFLAGGED`."""
        cut = ceil(self.overlap_share * progress_counts.DRAWS)
        return {"overlap": self.overlap, "cut": cut, "sees_flagged": self.sees_flagged}


_NEEDED = f"iif((select y.draw % {progress_counts.DRAWS} from diaries y where y.id = q.diary_id) < :cut, :overlap, 1)"  # noqa: S608
"""How many people shall decide the diary `q`."""

_DECIDED = "(select count(*) from standing s where s.diary_id = q.diary_id and s.kind <> 'skip')"
_HANDED = "(select count(*) from leases l where l.diary_id = q.diary_id and l.is_repeat = 0)"
_UNFLAGGED = "(:sees_flagged or not exists (select 1 from care_flags c where c.diary_id = q.diary_id))"
_NEW_TO_PERSON = """
    not exists (select 1 from standing s where s.diary_id = q.diary_id and s.annotator_id = :annotator)
    and not exists (select 1 from leases l where l.diary_id = q.diary_id and l.annotator_id = :annotator)
"""

_NOT_HELD_OUT = f"""
    (q.strategy <> '{groups.CHECK}' or exists (select 1 from standing s where s.diary_id = q.diary_id))
"""  # noqa: S608 - constants
"""Members of a group that are held out come singly, as they are due; a second reader gets them like any other."""

_LOOKED_BACK = 50
"""A person's newest decisions among which those that were searched for are counted."""

_SWEPT = 400
"""Rows at the head of the queue among which a claim clears those that nobody will be asked for again."""


def claim(
    db: Database, *, annotator_id: int, holder: str, limit: int, seconds: float, rules: Rules | None = None
) -> list[Lease]:
    """Lease the next diaries to a browser tab, in one statement, and return all that it holds, in order.

    This leaves out diaries with a decision of this person in force, diaries that enough people have labelled or
    flagged or hold now, and those that this tab already holds. At most one of the new diaries is one that the person
    has decided before, and at most one is a gold diary, where one is due.

    Args:
        seconds: how long the leases last without a heartbeat.
    """
    rules = rules or Rules()
    open_to_them = f"""
        {_NEW_TO_PERSON} and {_UNFLAGGED} and {_DECIDED} + {_HANDED} < {_NEEDED}
            and q.diary_id not in (select value ->> 0 from json_each(:due))
    """  # noqa: S608 - constants
    statement = f"""
        insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at, is_repeat,
            strategy, model_id)
        select diary_id, :holder, :annotator, iif(is_repeat, '{repeats.TOKEN}', '') || lower(hex(randomblob(16))),
            row_number() over (order by place)
                + (select coalesce(max(slot), 0) from leases where annotator_id = :annotator and holder = :holder),
            :now, :expires, is_repeat, (select q.strategy from queue q where q.diary_id = asked.diary_id),
            (select m.id from models m where m.id = :ranked_by)
        from (
            select value ->> 0 as diary_id, -1e9 as place, value ->> 1 as is_repeat from json_each(:due)
            union all
            select * from (
                select q.diary_id, q.place, 0 from searched f join queue q on q.diary_id = f.diary_id
                where q.strategy = '{searched.STRATEGY}' and {open_to_them} order by q.place limit :searched)
            union all
            select * from (
                select q.diary_id, q.place, 0 from queue q
                where q.strategy <> '{searched.STRATEGY}' and {_NOT_HELD_OUT} and {open_to_them}
                order by q.place limit :limit))
        asked order by place limit :limit
    """  # noqa: S608 - constants
    parameters = {
        "annotator": annotator_id,
        "holder": holder,
        "now": clock.now(),
        "expires": clock.now(plus_seconds=seconds),
        **rules.parameters(),
    }
    with write(db):
        db.conn.execute("delete from leases where expires_at <= ?", (parameters["now"],))
        _sweep(db, rules)
        due = _due(db, annotator_id, rules)
        room = limit if rules.most_held is None else rules.most_held - _count_held(db, annotator_id)
        room = max(0, min(limit, room))
        parameters["ranked_by"] = ranked_by(db)
        parameters["searched"] = _searched_room(db, annotator_id, rules, room)
        db.conn.execute(statement, {**parameters, "limit": room, "due": json.dumps(due)})
    return list_leases(db, annotator_id=annotator_id, holder=holder)


def _searched_room(db: Database, annotator_id: int, rules: Rules, room: int) -> int:
    """Return how many of the next diaries may be ones that somebody searched for."""
    if rules.searched_share >= 1:
        return room
    already, count = searched.count_handed(db, annotator_id, newest=_LOOKED_BACK)
    return max(0, min(room, int(rules.searched_share * (count + room)) - already))


def _count_held(db: Database, annotator_id: int) -> int:
    return int(scalar(db, "select count(*) from leases where annotator_id = :annotator", annotator=annotator_id))


def _due(db: Database, annotator_id: int, rules: Rules) -> list[tuple[int, int]]:
    """Return what is due for a person now, if anything, as (diary, 1 for a repeat).

    That is at most one repeat, one gold diary, and one member of a group that is held out.
    """
    again = repeats.find_due(db, annotator_id, share=rules.repeat_share, sees_flagged=rules.sees_flagged)
    sure = gold.find_due(db, annotator_id, share=rules.gold_share, sees_flagged=rules.sees_flagged)
    held = group_checks.find_due(db, annotator_id, sees_flagged=rules.sees_flagged)
    due = ((again, 1), (sure, 0), (held, 0))
    return [(diary_id, is_repeat) for diary_id, is_repeat in due if diary_id is not None]


def _sweep(db: Database, rules: Rules) -> None:
    """Remove diaries that enough people have decided from the queue, so that a claim need not skip over them."""
    statement = f"""
        delete from queue where place in (
            select q.place from (select place, diary_id from queue order by place limit {_SWEPT}) q
            where {_DECIDED} >= {_NEEDED})
    """  # noqa: S608 - constants
    db.conn.execute(statement, {name: rules.parameters()[name] for name in ("overlap", "cut")})


def list_leases(db: Database, *, annotator_id: int, holder: str) -> list[Lease]:
    """Return the leases of a person's browser tab, in the order in which they were handed out."""
    sql = """
        select l.diary_id, l.token, coalesce(l.strategy, q.strategy, ''), coalesce(q.score, 0.0), l.is_repeat,
            l.model_id
        from leases l left join queue q on q.diary_id = l.diary_id
        where l.annotator_id = :annotator and l.holder = :holder order by l.slot
    """
    records = rows(db, sql, annotator=annotator_id, holder=holder)
    return [
        Lease(diary_id, token, strategy, score, bool(is_repeat), model_id)
        for diary_id, token, strategy, score, is_repeat, model_id in records
    ]


def lease_again(
    db: Database, *, diary_id: int, annotator_id: int, holder: str, seconds: float, is_repeat: bool = False
) -> None:
    """Lease a diary to a browser tab ahead of its others, as after an undo, and put it at the head of the queue."""
    last = """
        select d.asked_by, d.model_id from decisions d where d.diary_id = :diary and d.annotator_id = :annotator
        order by d.id desc limit 1
    """
    statement = f"""
        insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at, is_repeat,
            strategy, model_id)
        values (:diary, :holder, :annotator,
            iif(:is_repeat, '{repeats.TOKEN}', '') || lower(hex(randomblob(16))),
            (select coalesce(min(slot), 1) - 1 from leases where annotator_id = :annotator and holder = :holder),
            :now, :expires, :is_repeat, (select asked_by from ({last})), (select model_id from ({last})))
        on conflict (diary_id, annotator_id, holder) do update
            set slot = excluded.slot, expires_at = excluded.expires_at
    """  # noqa: S608 - constants
    queued = """
        insert or ignore into queue (place, diary_id, strategy, score)
        select (select coalesce(min(place), 1) - 1 from queue), d.diary_id, d.asked_by, 0.0
        from decisions d where d.diary_id = ? and d.asked_by is not null order by d.id desc limit 1
    """
    parameters = {
        "diary": diary_id,
        "annotator": annotator_id,
        "holder": holder,
        "is_repeat": is_repeat,
        "now": clock.now(),
        "expires": clock.now(plus_seconds=seconds),
    }
    with write(db):
        db.conn.execute(statement, parameters)
        if not is_repeat:
            db.conn.execute(queued, (diary_id,))


def renew(db: Database, *, annotator_id: int, holder: str, seconds: float) -> None:
    """Extend the leases of a person's open tab once half of their time is over."""
    of_tab = "annotator_id = :annotator and holder = :holder"
    tab = {"annotator": annotator_id, "holder": holder}
    due = f"select 1 from leases where {of_tab} and expires_at < :soon"  # noqa: S608 - constants
    if seconds > 0 and not scalar(db, due, **tab, soon=clock.now(plus_seconds=seconds / 2)):
        return
    statement = f"update leases set expires_at = :expires where {of_tab}"  # noqa: S608 - constants
    with write(db):
        db.conn.execute(statement, {**tab, "expires": clock.now(plus_seconds=seconds)})


def release(db: Database, *, annotator_id: int, holder: str, keep: Iterable[int] = ()) -> None:
    """Release the leases of a person's tab, except those of the diaries to keep."""
    statement = """
        delete from leases where annotator_id = :annotator and holder = :holder
            and diary_id not in (select value from json_each(:keep))
    """
    ids = json.dumps([int(i) for i in keep])
    with write(db):
        db.conn.execute(statement, {"annotator": annotator_id, "holder": holder, "keep": ids})


def release_person(db: Database, annotator_id: int) -> int:
    """Release everything one person holds, in any tab; return how many diaries. What they press still counts."""
    with write(db):
        return int(db.conn.execute("delete from leases where annotator_id = ?", (annotator_id,)).rowcount)


def list_head(db: Database, limit: int) -> list[int]:
    """Return the diaries that people hold or will get next: those on a screen, those that follow them, and the rest."""
    waiting = rows(
        db,
        """
        select q.diary_id from queue q
        where not exists (select 1 from standing s where s.diary_id = q.diary_id)
            and not exists (select 1 from leases l where l.diary_id = q.diary_id)
        order by q.place limit :n
        """,
        n=limit,
    )
    return [*list_held(db), *(int(i) for (i,) in waiting)][:limit]


def list_held(db: Database, ahead: int | None = None) -> list[int]:
    """Return the diaries that people hold: first the one on each screen, the tab used last first, then the next ones.

    Args:
        ahead: only so many of each tab; None for all.
    """
    sql = """
        select diary_id from (
            select diary_id, expires_at, row_number() over (partition by annotator_id, holder order by slot) as place
            from leases)
        where :ahead is null or place <= :ahead
        group by diary_id order by min(place), max(expires_at) desc, diary_id
    """
    return [int(i) for (i,) in rows(db, sql, ahead=ahead)]


def signature(db: Database) -> tuple[int | str | None, ...]:
    """Return a value that changes with every import, decision, claim, activation and changed setting."""
    sql = """
        select (select max(id) from diaries), (select max(id) from decisions), (select max(id) from activations),
            (select max(claimed_at) from leases), (select max(place) from queue),
            (select group_concat(key || value) from settings)
    """
    return tuple(rows(db, sql)[0])


def count_waiting(db: Database, *, limit: int, rules: Rules | None = None) -> int:
    """Count the diaries in the queue that need more decisions, up to a limit."""
    sql = f"select count(*) from (select 1 from queue q where {_DECIDED} < {_NEEDED} limit :limit)"  # noqa: S608
    values = (rules or Rules()).parameters()
    return int(scalar(db, sql, limit=limit, overlap=values["overlap"], cut=values["cut"]))


def count_open(db: Database, annotator_id: int, rules: Rules | None = None) -> int:
    """Count the diaries that this person could still be asked about."""
    rules = rules or Rules()
    tally = tally_of(db, rules)
    open_count = int(scalar(db, "select coalesce(sum(kept_count), 0) from batches"))
    open_count -= tally.finished + tally.waiting_of[annotator_id]
    if not rules.sees_flagged:
        flagged = rows(db, "select diary_id from care_flags")
        open_count -= sum(tally.is_open_to(diary_id, annotator_id) for (diary_id,) in flagged)
    return open_count


def tally_of(db: Database, rules: Rules) -> progress_counts.ProgressCounts:
    """Return the up-to-date counts of what people have decided."""
    return progress_counts.get_counts(db, overlap=rules.overlap, cut=rules.parameters()["cut"])


def list_unqueued_ids(db: Database, *, limit: int, rules: Rules | None = None) -> list[int]:
    """Return diaries that need more decisions but are not in the queue, in random but repeatable order."""
    # Follows the draws along the index of each part, so that it stops once there are enough.
    part = f"""
        select id, draw from diaries q
        where part = '{{}}' and not exists (select 1 from queue o where o.diary_id = q.id)
            and (select count(*) from standing s where s.diary_id = q.id and s.kind <> 'skip')
                < iif(q.draw % {progress_counts.DRAWS} < :cut, :overlap, 1)
        order by draw limit :limit
    """  # noqa: S608 - constants
    pool, test = part.format("pool"), part.format("test")
    sql = f"select * from ({pool}) union all select * from ({test}) order by draw limit :limit"  # noqa: S608 - constants
    values = (rules or Rules()).parameters()
    records = rows(db, sql, limit=limit, overlap=values["overlap"], cut=values["cut"])
    return [int(diary_id) for diary_id, _ in records]
