"""Diaries that somebody has selected, as on the map, kept under a number that a link can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.errors import UserError
from db.search import selections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from db import Database

MOST = 50_000


def keep(db: Database, actor: Actor, diary_ids: Sequence[int]) -> int:
    """Keep a selection of diaries that somebody may see, and return its number, for `Query.selection`.

    The same diaries have the same number. What is forgotten goes from it.

    Raises:
        UserError: ``right_missing`` for whoever may not review; ``find_selection_empty``; ``find_selection_large``.
    """
    diary_access.require_right(db, actor, "review")
    if not diary_ids:
        raise UserError("find_selection_empty")
    if len(diary_ids) > MOST:
        raise UserError("find_selection_large", count=len(diary_ids), most=MOST)
    return selections.add_numbered(db, actor.annotator_id, diary_ids)
