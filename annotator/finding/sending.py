"""Sending what was found to the head of the queue. See docs/finding.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.finding import finder
from db.answers import searched
from db.connection import write
from db.people import audit_log

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.query import Query
    from db import Database
    from db.answers.searched import Sent as Sent

MOST_SENT = 500
"""Diaries of one search: more would fill the queue for days with what one person looked for."""


def send(
    db: Database,
    path: Path,
    actor: Actor,
    query: Query,
    *,
    limit: int = MOST_SENT,
    vector: NDArray[np.float32] | None = None,
) -> Sent:
    """Have the first hits of a query handed out next, with what was looked for as the reason.

    Args:
        limit: how many hits are sent, at most `MOST_SENT`.

    Raises:
        UserError: ``right_missing`` for whoever may not review, or as `annotator.finding.finder.find` does.
    """
    diary_access.require_right(db, actor, "review")
    ids = finder.list_ids(db, path, actor, query, limit=min(limit, MOST_SENT), vector=vector)
    return send_ids(db, actor, ids, query=query.address())


def require(db: Database, actor: Actor) -> None:
    """Raise ``right_missing`` unless somebody may send diaries to the queue."""
    diary_access.require_right(db, actor, "review")


def send_ids(db: Database, actor: Actor, diary_ids: list[int], *, query: dict[str, str]) -> Sent:
    """Have some diaries handed out next. Raises as `send` does."""
    diary_access.require_right(db, actor, "review")
    with write(db):
        sent = searched.put_first(db, diary_ids, query=query, sent_by=actor.annotator_id)
        audit_log.add(db, actor.annotator_id, "find.send", count=len(sent.sent_ids))
    return sent
