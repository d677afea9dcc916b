"""The queue in which diaries are asked for, and the leases that hand them out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock, settings
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
        score: what the strategy gave it; higher = ask sooner.
    """

    diary_id: int
    strategy: str
    score: float


@dataclass(frozen=True, slots=True)
class Lease:
    """A diary handed to one browser tab of one person.

    Attributes:
        token: comes back with the decision, which counts once.
    """

    diary_id: int
    token: str
    strategy: str
    score: float


def replace_queue(db: Database, entries: Sequence[QueueEntry], *, model_id: int) -> None:
    """Put the order that a model asks for in force. Leases stay: what people have before them is theirs."""
    statement = "insert into queue (place, diary_id, strategy, score) values (?, ?, ?, ?)"
    with write(db):
        db.conn.execute("delete from queue")
        db.conn.executemany(statement, [(i, e.diary_id, e.strategy, float(e.score)) for i, e in enumerate(entries)])
        settings.store(db, **{_RANKED_BY: model_id})


def ranked_by(db: Database) -> int | None:
    """Return the id of the model whose order the queue follows; None for the order of import."""
    found = settings.load(db).get(_RANKED_BY)
    return None if found is None else int(found)


def append_to_queue(db: Database, diary_ids: Iterable[int], *, strategy: str) -> None:
    """Put diaries at the end of the queue; those that are in it keep their place."""
    statement = """
        insert into queue (place, diary_id, strategy, score) values (?, ?, ?, 0.0)
        on conflict (diary_id) do nothing
    """
    with write(db):
        start = int(scalar(db, "select coalesce(max(place), -1) + 1 from queue"))
        db.conn.executemany(statement, [(start + i, int(d), strategy) for i, d in enumerate(diary_ids)])


def claim(db: Database, *, annotator_id: int, holder: str, limit: int, seconds: float, overlap: int = 1) -> list[Lease]:
    """Hand the next diaries to a browser tab, in one statement, and return them in queue order.

    Left out are diaries on which this person's decision is in force, diaries that `overlap` people have
    labelled or flagged or have before them now, and those that this tab already holds.

    Args:
        seconds: how long the leases last without a heartbeat.
        overlap: how many people shall decide each diary.
    """
    statement = """
        insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at)
        select q.diary_id, :holder, :annotator, lower(hex(randomblob(16))),
            row_number() over (order by q.place)
                + (select coalesce(max(slot), 0) from leases where holder = :holder),
            :now, :expires
        from queue q
        where not exists (
                select 1 from standing s where s.diary_id = q.diary_id and s.annotator_id = :annotator)
            and not exists (
                select 1 from leases l where l.diary_id = q.diary_id and l.annotator_id = :annotator)
            and (select count(*) from standing s where s.diary_id = q.diary_id and s.kind <> 'skip')
                + (select count(*) from leases l where l.diary_id = q.diary_id) < :overlap
        order by q.place limit :limit
    """
    parameters = {
        "annotator": annotator_id,
        "holder": holder,
        "limit": limit,
        "overlap": overlap,
        "now": clock.now(),
        "expires": clock.now(plus_seconds=seconds),
    }
    with write(db):
        db.conn.execute("delete from leases where expires_at <= ?", (parameters["now"],))
        db.conn.execute(statement, parameters)
    return list_leases(db, holder)


def list_leases(db: Database, holder: str) -> list[Lease]:
    """Return what a browser tab holds, in the order in which it was handed out."""
    sql = """
        select l.diary_id, l.token, coalesce(q.strategy, ''), coalesce(q.score, 0.0)
        from leases l left join queue q on q.diary_id = l.diary_id
        where l.holder = :holder order by l.slot
    """
    return [Lease(*row) for row in rows(db, sql, holder=holder)]


def lease_again(db: Database, *, diary_id: int, annotator_id: int, holder: str, seconds: float) -> None:
    """Put a diary before the others of a browser tab, as after an undo."""
    statement = """
        insert into leases (diary_id, holder, annotator_id, token, slot, claimed_at, expires_at)
        values (:diary, :holder, :annotator, lower(hex(randomblob(16))),
            (select coalesce(min(slot), 1) - 1 from leases where holder = :holder), :now, :expires)
        on conflict (diary_id, holder) do update set slot = excluded.slot, expires_at = excluded.expires_at
    """
    parameters = {
        "diary": diary_id,
        "annotator": annotator_id,
        "holder": holder,
        "now": clock.now(),
        "expires": clock.now(plus_seconds=seconds),
    }
    with write(db):
        db.conn.execute(statement, parameters)


def renew(db: Database, holder: str, *, seconds: float) -> None:
    """Let the leases of a browser tab that is still open last longer."""
    with write(db):
        db.conn.execute("update leases set expires_at = ? where holder = ?", (clock.now(plus_seconds=seconds), holder))


def release(db: Database, holder: str, *, keep: Iterable[int] = ()) -> None:
    """Give back what a browser tab holds, but for the diaries to keep."""
    statement = """
        delete from leases where holder = :holder
            and diary_id not in (select value from json_each(:keep))
    """
    with write(db):
        db.conn.execute(statement, {"holder": holder, "keep": json.dumps([int(i) for i in keep])})


def head(db: Database, limit: int) -> list[int]:
    """Return the diaries that people have before them or will get next: leased ones first."""
    leased = rows(db, "select diary_id from leases group by diary_id order by min(slot) limit :n", n=limit)
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
    return [int(i) for (i,) in [*leased, *waiting]][:limit]


def signature(db: Database) -> tuple[int | str | None, ...]:
    """Return a value that changes with every import, decision, claim, activation and changed setting."""
    sql = """
        select (select max(id) from diaries), (select max(id) from decisions), (select max(id) from activations),
            (select max(claimed_at) from leases), (select max(place) from queue),
            (select group_concat(key || value) from settings)
    """
    return tuple(rows(db, sql)[0])


def count_waiting(db: Database, *, limit: int) -> int:
    """Count the undecided diaries in the queue, up to a limit."""
    sql = """
        select count(*) from (
            select 1 from queue q
            where not exists (select 1 from standing s where s.diary_id = q.diary_id) limit :limit)
    """
    return int(scalar(db, sql, limit=limit))


def count_open(db: Database, annotator_id: int) -> int:
    """Count the diaries that this person could still be asked for."""
    sql = """
        select (select coalesce(sum(kept_count), 0) from batches) - (
            select count(distinct diary_id) from standing
            where kind <> 'skip' or annotator_id = :annotator
        )
    """
    return int(scalar(db, sql, annotator=annotator_id))


def unqueued_ids(db: Database, *, limit: int) -> list[int]:
    """Return undecided diaries that are not in the queue, in random but repeatable order."""
    # The draws decide, along the index of each part, so that it ends once there are enough.
    part = """
        select id, draw from diaries d
        where part = '{}' and not exists (select 1 from queue q where q.diary_id = d.id)
            and not exists (select 1 from standing s where s.diary_id = d.id and s.kind <> 'skip')
        order by draw limit :limit
    """
    pool, test = part.format("pool"), part.format("test")
    sql = f"select * from ({pool}) union all select * from ({test}) order by draw limit :limit"  # noqa: S608 - constants
    return [int(diary_id) for diary_id, _ in rows(db, sql, limit=limit)]
