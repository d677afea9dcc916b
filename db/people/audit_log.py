"""Who did what when. Append-only, and written in the transaction of the change itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db import clock
from db.connection import rows, write

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Entry:
    """One action.

    Attributes:
        at: UTC, ISO 8601.
        name: who did it; None for the command line or somebody who had not signed in.
        action: dotted words, such as ``account.invite``.
        subject: names a row, such as ``diary:17``; empty if there is none.
        details: what else is worth knowing; never a word of a diary.
    """

    id: int
    at: str
    name: str | None
    action: str
    subject: str
    details: dict[str, Any]


def add(db: Database, annotator_id: int | None, action: str, subject: str = "", **details: str | float | None) -> None:
    """Add what somebody has just done, within the open transaction, if any.

    Args:
        annotator_id: who; None for the command line or somebody who has not signed in.
        action: dotted words, such as ``review.return``.
        subject: the affected row, such as ``diary:17``.
        details: plain values; never a word of a diary, a password or a token.
    """
    statement = """
        insert into audit_log (at, annotator_id, action, subject, details)
        values (:at, :annotator_id, :action, :subject, :details)
    """
    details_json = json.dumps(details, ensure_ascii=False, sort_keys=True)
    values = {
        "at": clock.now(),
        "annotator_id": annotator_id,
        "action": action,
        "subject": subject,
        "details": details_json,
    }
    with write(db):
        db.conn.execute(statement, values)


def list_entries(
    db: Database, *, before: int | None = None, limit: int = 50, subject: str | None = None
) -> list[Entry]:
    """Return the newest entries first, or those older than a given one.

    Args:
        before: id of the last entry that was seen.
        subject: only entries about this row.
    """
    sql = """
        select l.id, l.at, a.name, l.action, l.subject, l.details
        from audit_log l left join annotators a on a.id = l.annotator_id
        where (:before is null or l.id < :before) and (:subject is null or l.subject = :subject)
        order by l.id desc limit :limit
    """
    records = rows(db, sql, before=before, limit=limit, subject=subject)
    return [Entry(i, at, name, action, on, json.loads(details)) for i, at, name, action, on, details in records]
