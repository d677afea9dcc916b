"""Members of groups that are held out: asked about singly and blind, so that the errors of a press can be counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import clock
from db.answers.groups import CHECK
from db.connection import rows, scalar

if TYPE_CHECKING:
    from sqlite_utils import Database

_CHECKED_AFTER_SECONDS = 300
"""How long a member that is held out waits at least, so that nobody is asked what they have just looked at."""


def list_held_ids(db: Database) -> list[int]:
    """Return the members that are held out and wait for somebody to be asked about them."""
    sql = f"""
        select q.diary_id from queue q where q.strategy = '{CHECK}'
            and not exists (select 1 from standing s where s.diary_id = q.diary_id)
    """  # noqa: S608 - constants
    return [int(diary_id) for (diary_id,) in rows(db, sql)]


def find_due(db: Database, annotator_id: int, *, sees_flagged: bool) -> int | None:
    """Return a random member that is held out, to be asked about now; None if none is due.

    It waits some minutes, unless nothing else is left to ask, and comes to whoever is asked next.
    """
    sql = f"""
        select q.diary_id from queue q
        where q.strategy = '{CHECK}'
            and not exists (select 1 from standing s where s.diary_id = q.diary_id)
            and not exists (select 1 from leases l where l.diary_id = q.diary_id)
            and (:sees_flagged or not exists (select 1 from care_flags c where c.diary_id = q.diary_id))
            and (not exists (select 1 from group_members m join group_acts a on a.id = m.act_id
                    where m.diary_id = q.diary_id and a.decided_at > :since)
                or not exists (select 1 from queue o where o.strategy <> '{CHECK}'
                    and not exists (select 1 from standing s where s.diary_id = o.diary_id)
                    and not exists (select 1 from leases l where l.diary_id = o.diary_id)))
        order by random() limit 1
    """  # noqa: S608 - constants
    since = clock.now(plus_seconds=-_CHECKED_AFTER_SECONDS)
    diary_id = scalar(db, sql, since=since, sees_flagged=sees_flagged)
    return None if diary_id is None else int(diary_id)


@dataclass(frozen=True, slots=True)
class Checked:
    """What somebody said of a member that was held out, singly and blind.

    Attributes:
        act_id: the press that it was held out of.
        worth: how many of what was ticked it stands for.
        is_label: whether it got a label; it was skipped or flagged otherwise.
        is_same: whether that is the label of the press.
        is_own: whether the person answered who had pressed.
    """

    act_id: int
    worth: float
    is_label: bool
    is_same: bool
    is_own: bool


_HELD = f"""
    select m.act_id, m.diary_id, a.annotator_id, coalesce(g.merged_into, g.id) as given_id, (
            select min(d.id) from decisions d where d.diary_id = m.diary_id and d.asked_by = '{CHECK}'
                and d.kind <> 'undo' and d.source = 'person'
                and not exists (select 1 from decisions u where u.undoes = d.id)) as decision_id
    from group_members m join group_acts a on a.id = m.act_id and a.undone_at is null join labels g on g.id = a.label_id
    where m.decision_id is null
"""  # noqa: S608 - constants


def list_checked(db: Database) -> list[Checked]:
    """Return what the members that were held out were called, of all presses that are in force.

    Only decisions count that were asked for as such, and blind; the first one of each member that stands.
    """
    sql = f"""
        select h.act_id, (select 1.0 * count(*) / sum(m.decision_id is null) from group_members m
                where m.act_id = h.act_id),
            d.kind = 'label', coalesce(coalesce(l.merged_into, l.id) = h.given_id, 0), d.annotator_id = h.annotator_id
        from ({_HELD}) h join decisions d on d.id = h.decision_id left join labels l on l.id = d.label_id
        order by d.id
    """  # noqa: S608 - constants
    return [Checked(int(act), float(worth), *map(bool, flags)) for act, worth, *flags in rows(db, sql)]


def count_waiting(db: Database) -> int:
    """Count the members that were held out and that nobody has been asked about yet."""
    return int(scalar(db, f"select count(*) from ({_HELD}) where decision_id is null"))  # noqa: S608 - constants
