"""Cells of spreadsheets: text that one would run as a formula is written so that it is shown."""

from __future__ import annotations

from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a formula begins with; a few spreadsheets read the full-width forms as well.

Source: OWASP, CSV Injection.
"""


WATCHED = frozenset(("'", *FORMULA_STARTS))
"""What a cell may begin with that needs a closer look: one character decides nearly every cell."""


def runs_as_formula(text: str) -> bool:
    """Say whether a spreadsheet would run a cell of a text file, were it not for apostrophes before it."""
    return text[:1] in WATCHED and text.lstrip("'").startswith(FORMULA_STARTS)


def safe_cell(value: Any) -> Any:
    """Return a cell that a spreadsheet shows instead of running it as a formula: with an apostrophe before it.

    Text that has apostrophes there already gets one more, so that `plain_cell` can take just that one away.
    """
    return f"'{value}" if isinstance(value, str) and runs_as_formula(value) else value


def plain_cell(text: str) -> str:
    """Return what a cell was before `safe_cell`."""
    return text[1:] if text.startswith("'") and runs_as_formula(text) else text
