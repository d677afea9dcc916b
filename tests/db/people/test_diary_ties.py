"""Who was handed which diary: noted with every lease, and taken over from databases of before."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from db import connection
from db.answers import queue
from db.connection import rows, write
from db.migrations import m001_first, m004_people
from db.people import annotators, diary_ties
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database

TAB = "tab"


def test_every_lease_is_noted_and_the_note_outlives_it(opened: Database) -> None:
    fill(opened, 3)
    me, you = (annotators.get_or_create_id(opened, name) for name in ("나", "너"))
    (lease,) = queue.claim(opened, annotator_id=me, holder=TAB, limit=1, seconds=60)
    ties = diary_ties.find_ties(opened, me, [lease.diary_id], holder=TAB)[lease.diary_id]
    assert (ties.is_leased, ties.was_handed) == (True, True)
    queue.release_person(opened, me)
    ties = diary_ties.find_ties(opened, me, [lease.diary_id], holder=TAB)[lease.diary_id]
    assert (ties.is_leased, ties.was_handed) == (False, True)
    theirs = diary_ties.find_ties(opened, you, [lease.diary_id, 99], holder=TAB)
    assert theirs == {lease.diary_id: diary_ties.Ties(False, False, False, False, False)}


def test_only_the_newest_token_of_a_repeat_is_kept_and_a_later_lease_does_not_take_it(opened: Database) -> None:
    fill(opened, 1)
    me = annotators.get_or_create_id(opened, "나")
    for is_repeat in (False, True, False):
        queue.release_person(opened, me)
        queue.lease_again(opened, diary_id=1, annotator_id=me, holder=TAB, seconds=60, is_repeat=is_repeat)
        if is_repeat:
            token = queue.list_leases(opened, annotator_id=me, holder=TAB)[0].token
    assert rows(opened, "select repeat_token from handed") == [(token,)]


def test_leases_of_before_are_taken_over_with_a_note_of_each(opened: Database) -> None:
    fill(opened, 6)
    me, app = (annotators.get_or_create_id(opened, name) for name in ("나", "앱"))
    queue.claim(opened, annotator_id=me, holder=TAB, limit=2, seconds=60)
    queue.lease_again(opened, diary_id=5, annotator_id=me, holder=TAB, seconds=60, is_repeat=True)
    with write(opened):
        opened.conn.execute(
            """
            insert into api_tokens (secret_hash, name, annotator_id, scopes, per_minute, batch_id, created_at)
            values (x'00', '앱', ?, 'write', 1, 1, '2026-01-01')
            """,
            [app],
        )
    leases = queue.list_leases(opened, annotator_id=me, holder=TAB)
    handed = "select annotator_id, diary_id, repeat_token from handed where annotator_id = :me order by diary_id"
    before = rows(opened, handed, me=me)
    _go_back(opened)
    with closing(connection.connect(Path(connection.file_of(opened)))) as newer:
        assert queue.list_leases(newer, annotator_id=me, holder=TAB) == leases
        assert rows(newer, handed, me=me) == before
        assert rows(newer, handed, me=app) == [(app, diary_id, None) for diary_id in range(1, 7)], "handed in by it"


def _go_back(db: Database) -> None:
    """Make the tables what they were before diaries were noted as handed out."""
    then = [sql for sql in (*m001_first.STATEMENTS, *m004_people.STATEMENTS) if re.search(r"\bleases\b", sql)]
    db.conn.executescript(f"""
        drop trigger lease_is_handed;
        drop table handed;
        create temp table kept as
            select diary_id, holder, annotator_id, token, slot, claimed_at, expires_at, is_repeat from leases;
        drop table leases;
        {";".join(then)};
        insert into leases select * from temp.kept;
        drop table temp.kept;
        delete from _sqlite_migrations where name in ('m009_access', 'm018_lease_reasons');
    """)
