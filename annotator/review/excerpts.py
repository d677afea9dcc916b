"""A line of a diary's text, for lists that a reviewer scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.privacy import masking
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database

LENGTH = 140
"""Characters of a text that a list shows at most."""


def excerpt(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else line[:LENGTH].rstrip() + "…"


def list_excerpts(db: Database, diary_ids: Sequence[int], *, reviewer_id: int) -> dict[int, str]:
    """Return how some diaries begin, masked as everywhere, of those that somebody may review."""
    visible = diary_access.allowed(db, diary_access.person(reviewer_id), "review", diary_ids)
    settings = project_settings.load(db)
    shown = diaries.list_diaries(db, visible)
    return {diary.id: excerpt(masking.mask(diary.text, settings)) for diary in shown}
