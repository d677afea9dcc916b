"""What ties people and programs to diaries, and their roles: the input of `annotator.accounts.diary_access`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.connection import rows, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Ties:
    """What ties one person, or program, to an existing diary.

    Attributes:
        is_leased: they hold a lease on the diary now, in the tab in question.
        was_handed: it was given to them once, or handed in by them.
        was_decided: they have decided it, whether or not that is still in force.
        is_returned: a reviewer has sent it back to them and waits for an answer.
        is_withheld: it waits for the care of a lead.
    """

    is_leased: bool
    was_handed: bool
    was_decided: bool
    is_returned: bool
    is_withheld: bool


def find_ties(db: Database, annotator_id: int, diary_ids: Iterable[int], *, holder: str) -> dict[int, Ties]:
    """Return somebody's ties to diaries, by diary; ids without a diary are missing.

    Args:
        holder: the browser tab whose leases count.
    """
    sql = """
        select d.id,
            exists (select 1 from leases l
                where l.diary_id = d.id and l.annotator_id = :annotator and l.holder = :holder),
            exists (select 1 from handed h where h.annotator_id = :annotator and h.diary_id = d.id),
            exists (select 1 from decisions e where e.diary_id = d.id and e.annotator_id = :annotator),
            exists (select 1 from settled z join reviews r on r.id = z.review_id
                join standing s on s.diary_id = z.diary_id and s.annotator_id = :annotator
                where z.diary_id = d.id and z.kind = 'return' and s.decision_id = r.returned_decision_id),
            exists (select 1 from care_flags c where c.diary_id = d.id)
        from json_each(:ids) i join diaries d on d.id = i.value
    """
    ids = json.dumps([int(i) for i in diary_ids])
    records = rows(db, sql, annotator=annotator_id, holder=holder, ids=ids)
    return {int(diary_id): Ties(*map(bool, ties)) for diary_id, *ties in records}


@dataclass(frozen=True, slots=True)
class AccountState:
    """Somebody's current role.

    Attributes:
        has_accounts: whether anybody has an account; without accounts, one person works here alone.
        role: of this person's open account; None if they have none.
    """

    has_accounts: bool
    role: str | None


def find_account_state(db: Database, annotator_id: int) -> AccountState:
    """Return somebody's current role."""
    sql = """
        select exists (select 1 from accounts),
            (select role from accounts where annotator_id = :annotator and disabled_at is null)
    """
    has_accounts, role = rows(db, sql, annotator=annotator_id)[0]
    return AccountState(bool(has_accounts), role)


def note_handed_in(db: Database, annotator_id: int, diary_ids: Iterable[int], *, at: str) -> None:
    """Note which diaries a program has handed in: it knows their texts already.

    If a diary was there before and is withheld, the program knows only its text and is told nothing more.
    """
    statement = """
        insert or ignore into handed (annotator_id, diary_id, handed_at)
        select ?1, ?2, ?3 where not exists (select 1 from care_flags where diary_id = ?2)
    """
    with write(db):
        db.conn.executemany(statement, [(annotator_id, int(diary_id), at) for diary_id in diary_ids])
