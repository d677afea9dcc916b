"""Searching all diaries for the phrases of the care list, once for each list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.privacy import care as care_cases
from db.texts import care_flags, diaries

if TYPE_CHECKING:
    from db import Database

BATCH = 2_000


def scan(db: Database) -> tuple[int, int] | None:
    """Search some more diaries; return how many are done, and of how many, or None if all were done.

    Its progress is stored with the flags, so that it continues from there after a worker was killed.
    """
    phrases = care_cases.load_list(db)
    after = care_flags.scanned_up_to(db, phrases.hash)
    if after >= diaries.last_diary_id(db):
        return None
    texts, last = care_flags.list_texts_after(db, after, limit=BATCH), diaries.last_diary_id(db)
    flagged = [diary_id for diary_id, text in texts if phrases.is_in(text)]
    up_to = texts[-1][0] if texts else last  # the last ones may have been forgotten
    care_flags.flag(db, flagged, list_hash=phrases.hash, up_to=up_to)
    return up_to, last
