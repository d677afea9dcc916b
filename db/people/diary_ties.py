"""What ties people and programs to diaries, and their roles: what `annotator.accounts.diary_access` decides from."""

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
    """What ties one person, or program, to a diary that exists.

    Attributes:
        is_leased: the diary is before this person now, in the tab that was asked about.
        was_handed: it was handed to them once, or handed in by them.
        was_decided: they have decided it, whether that is still in force or not.
        is_returned: a reviewer has sent it back to them and waits for an answer.
        is_withheld: it waits for the care of a lead.
    """

    is_leased: bool
    was_handed: bool
    was_decided: bool
    is_returned: bool
    is_withheld: bool


def find_ties(db: Database, annotator_id: int, diary_ids: Iterable[int], *, holder: str) -> dict[int, Ties]:
    """Return what ties somebody to diaries, by diary; ids without a diary are missing.

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
    found = rows(db, sql, annotator=annotator_id, holder=holder, ids=ids)
    return {int(diary_id): Ties(*map(bool, ties)) for diary_id, *ties in found}


@dataclass(frozen=True, slots=True)
class AccountState:
    """The role of somebody at this moment.

    Attributes:
        has_accounts: whether anybody has an account; without one, one person works here alone.
        role: of this person's open account; None without one.
    """

    has_accounts: bool
    role: str | None


def find_account_state(db: Database, annotator_id: int) -> AccountState:
    """Return the role of somebody at this moment."""
    sql = """
        select exists (select 1 from accounts),
            (select role from accounts where annotator_id = :annotator and disabled_at is null)
    """
    has_accounts, role = rows(db, sql, annotator=annotator_id)[0]
    return AccountState(bool(has_accounts), role)


def note_handed_in(db: Database, annotator_id: int, diary_ids: Iterable[int], *, at: str) -> None:
    """Note which diaries a program has handed in: their texts are no news to it.

    Of one that was there before and is withheld it knows the text alone, and is told no more.
    """
    statement = """
        insert or ignore into handed (annotator_id, diary_id, handed_at)
        select ?1, ?2, ?3 where not exists (select 1 from care_flags where diary_id = ?2)
    """
    with write(db):
        db.conn.executemany(statement, [(annotator_id, int(diary_id), at) for diary_id in diary_ids])
