"""Diaries that somebody searched for: handed out next, and never counted as drawn at random."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock
from db.answers import groups
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

STRATEGY = "searched"
"""What stands in the queue and with decisions in place of a query strategy."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of diaries that were sent to the head of the queue.

    Attributes:
        sent_ids: those that will be handed out next.
        test_count: stay where they are, as measuring needs a fair sample.
        drawn_count: stay where they are, drawn at random before.
        decided_count: somebody has decided them already.
    """

    sent_ids: tuple[int, ...]
    test_count: int
    drawn_count: int
    decided_count: int


def put_first(db: Database, diary_ids: Sequence[int], *, query: dict[str, str], sent_by: int) -> Sent:
    """Put diaries at the head of the queue, in their order; those that are gone are left out.

    Test diaries, and those that the queue has drawn at random, keep their places: if whoever searches chose when they
    are asked for, what is measured on them would no longer hold for all diaries.
    """
    sql = """
        select d.id, d.part = 'test', coalesce(q.strategy, '') = 'random' and exists (
                select 1 from settings where key = 'queue_ranked_by'),
            exists (select 1 from standing s where s.diary_id = d.id)
        from json_each(:ids) i join diaries d on d.id = i.value left join queue q on q.diary_id = d.id order by i.key
    """
    statement = """
        insert into queue (place, diary_id, strategy, score) values (?, ?, ?, 0.0)
        on conflict (diary_id) do update set place = excluded.place, strategy = excluded.strategy, score = 0.0
    """
    noted = """
        insert into searched (diary_id, query, sent_by, sent_at) values (?, ?, ?, ?)
        on conflict (diary_id) do update set query = excluded.query, sent_by = excluded.sent_by,
            sent_at = excluded.sent_at
    """
    with write(db):
        states = rows(db, sql, ids=json.dumps([int(i) for i in diary_ids]))
        ids = [
            diary_id for diary_id, is_test, is_drawn, is_decided in states if not (is_test or is_drawn or is_decided)
        ]
        first = int(scalar(db, "select coalesce(min(place), 0) from queue")) - len(ids)
        db.conn.executemany(statement, [(first + i, diary_id, STRATEGY) for i, diary_id in enumerate(ids)])
        text, now = json.dumps(query, ensure_ascii=False), clock.now()
        db.conn.executemany(noted, [(diary_id, text, sent_by, now) for diary_id in ids])
    decided = sum(bool(row[3]) for row in states)
    tested = sum(bool(row[1] and not row[3]) for row in states)
    return Sent(tuple(ids), tested, len(states) - len(ids) - decided - tested, decided)


def find_query(db: Database, diary_id: int) -> dict[str, str] | None:
    """Return what was looked for when a diary was sent; None if it was not."""
    stored = scalar(db, "select query from searched where diary_id = :id", id=diary_id)
    return None if stored is None else {str(key): str(value) for key, value in json.loads(stored).items()}


def count_handed(db: Database, annotator_id: int, *, newest: int) -> tuple[int, int]:
    """Return how many of a person's newest decisions, and of what they hold, were searched for, and of how many."""
    sql = """
        select coalesce(sum(is_searched), 0), count(*) from (
            select * from (select asked_by = :strategy as is_searched from decisions
                where annotator_id = :annotator and kind <> 'undo' and asked_by is not :group
                order by id desc limit :newest)
            union all
            select coalesce(q.strategy = :strategy, 0) from leases l left join queue q on q.diary_id = l.diary_id
                where l.annotator_id = :annotator)
    """
    values = {"annotator": annotator_id, "strategy": STRATEGY, "group": groups.STRATEGY, "newest": newest}
    searched, count = rows(db, sql, **values)[0]
    return int(searched), int(count)
