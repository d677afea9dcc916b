"""The columns by which a table that was exported from here is known; every file that comes in is asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PERSON, LABEL = "decided_by:", "label:"
"""Beginnings of the columns for each person and for each label."""

_NEEDED = frozenset(("text", "decisions", "rationales", "metadata"))


def is_ours(columns: Sequence[str]) -> bool:
    """Return whether a table was written here, in any of its forms."""
    return is_wide(columns) or set(columns) >= _NEEDED


def is_wide(columns: Sequence[str]) -> bool:
    """Return whether a table was written here, with a column for each person or label."""
    return {"id", "text"} <= set(columns) and any(column.startswith((PERSON, LABEL)) for column in columns)
