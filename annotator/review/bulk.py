"""Accepting several labels at once: a few of those that are most likely right, each of them seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.review.excerpts import list_excerpts
from db.answers import decisions
from db.connection import write
from db.people import audit_log
from db.review import queue, reviews

if TYPE_CHECKING:
    from collections.abc import Collection

    from db import Database
    from db.review.queue import Agreed as Agreed
    from db.review.queue import Filter

STEPS = (5, 10, 20, 50)
"""How many labels are accepted at once. More than the last nobody looks through."""


@dataclass(frozen=True, slots=True)
class Surest:
    """The open rows whose labels are most likely right, the surest first.

    Attributes:
        rows: at most the last of `STEPS`.
        excerpts: how their diaries begin.
        last_decision_id: the newest decision when they were read.
    """

    rows: tuple[Agreed, ...]
    excerpts: dict[int, str]
    last_decision_id: int

    @property
    def steps(self) -> tuple[int, ...]:
        """How many can be accepted at once: the `STEPS` that there are rows for, and all where those are fewer."""
        return tuple(dict.fromkeys(min(step, len(self.rows)) for step in STEPS if self.rows))


def list_surest(db: Database, criteria: Filter, *, reviewer_id: int) -> Surest:
    """Return the surest rows of a filter, of which one label has the most votes."""
    up_to = decisions.last_decision_id(db)
    rows = queue.list_agreed(db, replace(criteria, state="open"), up_to=up_to, limit=STEPS[-1])
    excerpts = list_excerpts(db, [row.diary_id for row in rows], reviewer_id=reviewer_id)
    return Surest(tuple(row for row in rows if row.diary_id in excerpts), excerpts, up_to)


def accept(db: Database, diary_ids: Collection[int], *, reviewer_id: int, seen_decision_id: int) -> int:
    """Accept the labels in force of diaries that a reviewer has seen, in one transaction; return how many.

    Diaries on which two labels have equally many votes, or that were decided since the reviewer looked, stay open.

    Args:
        seen_decision_id: the newest decision when the reviewer looked; with the diaries it names the action, so that
            a second press is the same.

    Raises:
        UserError: ``right_missing`` for whoever may not review.
    """
    with write(db):
        diary_access.require_right(db, diary_access.person(reviewer_id), "review")
        rows = queue.list_agreed(db, queue.Filter(), up_to=seen_decision_id, limit=STEPS[-1], diary_ids=diary_ids)
        if not rows:
            return 0
        bulk = f"bulk:{reviewer_id}:{seen_decision_id}:{reviews.last_review_id(db)}"
        pairs = [(row.diary_id, row.decision_id) for row in rows]
        count = reviews.accept_all(db, pairs, reviewer_id=reviewer_id, bulk=bulk)
        audit_log.add(db, reviewer_id, "review.accept_all", bulk, count=count)
    return count
