"""The history of the label set, and the decisions that a change leaves to be looked at again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from db import clock
from db.connection import rows, scalar, write
from db.errors import NotFoundError

if TYPE_CHECKING:
    from sqlite_utils import Database

Action = Literal["add", "rename", "recolour", "define", "order", "merge", "split", "retire", "undo"]

Fields = dict[int, dict[str, Any]]
"""Values of labels by label id and field; see `db.label_sets.labels.FIELDS`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the label set.

    Attributes:
        label_id: the changed label; None for a change of the order.
        before, after: the values that it changed. For a new label, `before` retires it.
        last_decision_id: the newest decision at that time.
        undoes: the change that it takes back; None unless the action is ``undo``.
        undone_by: the change that took it back, if any.
    """

    id: int
    action: Action
    label_id: int | None
    before: Fields
    after: Fields
    note: str
    last_decision_id: int
    annotator_id: int
    annotator_name: str
    undoes: int | None
    undone_by: int | None
    changed_at: str


def add_change(
    db: Database,
    action: Action,
    label_id: int | None,
    before: Fields,
    after: Fields,
    *,
    annotator_id: int,
    note: str = "",
    undoes: int | None = None,
) -> int:
    """Store a change and return its id."""
    statement = """
        insert into label_history (action, label_id, before, after, note, last_decision_id, annotator_id, undoes,
            changed_at)
        values (:action, :label_id, :before, :after, :note, (select coalesce(max(id), 0) from decisions),
            :annotator_id, :undoes, :now)
    """
    values = {
        "action": action,
        "label_id": label_id,
        "before": json.dumps(before, ensure_ascii=False),
        "after": json.dumps(after, ensure_ascii=False),
        "note": note,
        "annotator_id": annotator_id,
        "undoes": undoes,
        "now": clock.now(),
    }
    with write(db):
        return int(db.conn.execute(statement, values).lastrowid or 0)


def list_changes(db: Database) -> list[Change]:
    """Return every change, newest first."""
    sql = """
        select h.id, h.action, h.label_id, h.before, h.after, h.note, h.last_decision_id, h.annotator_id, a.name,
            h.undoes, u.id, h.changed_at
        from label_history h join annotators a on a.id = h.annotator_id
            left join label_history u on u.undoes = h.id
        order by h.id desc
    """
    return [_change(*row) for row in rows(db, sql)]


def _change(change_id: int, action: Action, label_id: int | None, before: str, after: str, *others: Any) -> Change:
    return Change(change_id, action, label_id, _fields(before), _fields(after), *others)


def _fields(raw: str) -> Fields:
    return {int(label_id): fields for label_id, fields in json.loads(raw).items()}


def get_change(db: Database, change_id: int) -> Change:
    """Return one change.

    Raises:
        NotFoundError: if there is none of that id.
    """
    for change in list_changes(db):
        if change.id == change_id:
            return change
    raise NotFoundError("label_change_missing", id=change_id)


@dataclass(frozen=True, slots=True)
class Recheck:
    """A decision in force that should be looked at again after a change of the label set.

    Attributes:
        label_id: the label that it counts for now.
        change_id: the split that asks for it; None if its label was retired.
    """

    decision_id: int
    diary_id: int
    annotator_id: int
    label_id: int
    change_id: int | None


# A split asks for the decisions that are older than itself, a retired label for all that still name it. A newer label
# of the diary, by anybody, or a review counts as a second look.
_OPEN = """
    select s.decision_id, s.diary_id, s.annotator_id, s.label_id, max(h.id) as change_id
    from standing s join labels l on l.id = s.label_id
        left join label_history h on h.label_id = s.label_id and h.action = 'split'
            and h.last_decision_id >= s.decision_id
            and not exists (select 1 from label_history u where u.undoes = h.id)
    where s.kind = 'label' and (h.id is not null or l.retired_at is not null)
        and not exists (
            select 1 from standing n join labels m on m.id = n.label_id
            where n.diary_id = s.diary_id and n.kind = 'label' and n.decision_id > s.decision_id
                and m.retired_at is null and n.decision_id > coalesce(h.last_decision_id, 0))
        and not exists (
            select 1 from settled e join reviews r on r.id = e.review_id
            where e.diary_id = s.diary_id and r.reviewed_at >= coalesce(h.changed_at, l.retired_at))
    group by s.diary_id, s.annotator_id
"""


def list_rechecks(db: Database, *, limit: int) -> list[Recheck]:
    """Return decisions to look at again, oldest first."""
    sql = f"select * from ({_OPEN}) order by decision_id limit :limit"  # noqa: S608 - constants
    return [Recheck(*row) for row in rows(db, sql, limit=limit)]


def count_rechecks(db: Database) -> int:
    """Count the decisions to look at again."""
    return int(scalar(db, f"select count(*) from ({_OPEN})"))  # noqa: S608 - constants


def count_reach(db: Database, label_id: int) -> tuple[int, int, int]:
    """Count the decisions in force, the diaries and the people that a change of one label affects."""
    sql = """
        select count(*), count(distinct diary_id), count(distinct annotator_id)
        from standing where kind = 'label' and label_id = :label
    """
    decisions, diaries, people = rows(db, sql, label=label_id)[0]
    return int(decisions), int(diaries), int(people)
