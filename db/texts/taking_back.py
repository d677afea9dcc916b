"""Taking an import back: what it said is undone, and what stood before is in force again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import clock
from db.answers.imported_decisions import BACK
from db.connection import rows, scalar, write

if TYPE_CHECKING:
    from sqlite_utils import Database

_OF_IMPORT = "token >= :first and token < :end"
"""Rows of an import carry its number in their tokens; in byte order a full stop follows the hyphen."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many decisions and marks of an import were in force, or came before others that are."""

    decisions: int
    marks: int


def list_removable(db: Database, batch_id: int) -> list[int]:
    """Return the diaries of an import about which nobody has said anything since, ascending."""
    # Whatever refers to a diary because of a person: their decisions, marks, and reviews of these.
    sql = """
        select y.id from diaries y where y.batch_id = :batch
            and not exists (select 1 from decisions d where d.diary_id = y.id
                and not (d.source = 'import' and d.token >= :first and d.token < :end)
                and not (d.source = 'import' and d.token like :back))
            and not exists (select 1 from rationales r where r.diary_id = y.id
                and not (r.token >= :first and r.token < :end) and not r.token like :back)
            and not exists (select 1 from reviews v where v.diary_id = y.id)
        order by y.id
    """
    return [int(diary_id) for (diary_id,) in rows(db, sql, batch=batch_id, **_tokens(batch_id))]


def undo(db: Database, batch_id: int) -> Undone:
    """Undo the decisions and marks of an import, within one transaction; what was undone before stays so."""
    parameters = {**_tokens(batch_id), "now": clock.now(), "prefix": f"{BACK}{batch_id}-"}
    with write(db):
        decisions = db.conn.execute(_UNDO_DECISIONS, parameters).rowcount
        decisions += db.conn.execute(_DECIDE_AGAIN, parameters).rowcount
        db.conn.execute(_NAME_AGAIN, parameters)
        marks = db.conn.execute(_UNDO_MARKS, parameters).rowcount
    return Undone(int(decisions), int(marks))


def count(db: Database, batch_id: int) -> Undone:
    """Count what `undo` would undo."""
    tokens = _tokens(batch_id)
    decisions = scalar(db, f"select count(*) from decisions d where {_STANDING_DECISIONS}", **tokens)  # noqa: S608
    marks = scalar(db, f"select count(*) from rationales r where {_STANDING_MARKS}", **tokens)  # noqa: S608
    cleared = scalar(db, f"select count(*) {_CLEARED}", **tokens)
    return Undone(int(decisions) + int(cleared), int(marks))


def _tokens(batch_id: int) -> dict[str, Any]:
    return {"first": f"import-{batch_id}-", "end": f"import-{batch_id}.", "back": f"{BACK}{batch_id}-%"}


_STANDING_DECISIONS = f"""
    {_OF_IMPORT} and d.source = 'import' and d.kind <> 'undo'
        and not exists (select 1 from decisions u where u.undoes = d.id)
"""  # noqa: S608 - constants

_CLEARED = f"""
    from decisions d join decisions u on u.undoes = d.id
    where u.{_OF_IMPORT.replace(" and ", " and u.")} and u.source = 'import' and u.kind = 'undo'
        and not exists (select 1 from decisions n where n.diary_id = d.diary_id and n.annotator_id = d.annotator_id
            and n.id > u.id)
"""  # noqa: S608 - constants
"""Decisions that an import took back since their labels were cleared, and whose people have said nothing since."""

_DECIDE_AGAIN = f"""
    insert into decisions (diary_id, annotator_id, kind, label_id, memo, token, source, intensity, decided_at)
    select d.diary_id, d.annotator_id, d.kind, d.label_id, d.memo, :prefix || u.id, 'import', d.intensity, d.decided_at
    {_CLEARED} order by d.id
"""

_NAME_AGAIN = """
    insert into decision_labels (decision_id, label_id)
    select a.id, f.label_id from decisions a join decisions u on a.token = :prefix || u.id
        join decision_labels f on f.decision_id = u.undoes where u.kind = 'undo'
"""

_STANDING_MARKS = f"""
    {_OF_IMPORT} and r.verdict <> 'none' and not exists (
        select 1 from rationales n where n.diary_id = r.diary_id and n.annotator_id = r.annotator_id
            and n.span_start = r.span_start and n.span_end = r.span_end and n.id > r.id)
"""  # noqa: S608 - constants

_UNDO_DECISIONS = f"""
    insert into decisions (diary_id, annotator_id, kind, token, undoes, source, decided_at)
    select d.diary_id, d.annotator_id, 'undo', :prefix || d.id, d.id, 'import', :now from decisions d
    where {_STANDING_DECISIONS} order by d.id
"""  # noqa: S608 - constants

_UNDO_MARKS = f"""
    insert into rationales (diary_id, annotator_id, label_id, span_start, span_end, verdict, token, marked_at)
    select r.diary_id, r.annotator_id, r.label_id, r.span_start, r.span_end, 'none', :prefix || r.id, :now
    from rationales r where {_STANDING_MARKS} order by r.id
"""  # noqa: S608 - constants
