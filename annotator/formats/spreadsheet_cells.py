"""Spreadsheet cells: text that would run as a formula is written so that it is shown as text."""

from __future__ import annotations

import re
from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫", "−", "﬩")
"""What a formula begins with; a few spreadsheets read the full-width forms as well.

Source: OWASP, CSV Injection.
"""

_RANGES = (
    *((0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD)),
    *((0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x1680, 0x1680), (0x17B4, 0x17B5)),
    *((0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x110BD, 0x110BD)),
    *((0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
INVISIBLE = "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
"""White space, controls, direction marks and other invisible characters: a spreadsheet may skip them.

Source: Unicode, categories Z, Cc and Cf, and the property Default_Ignorable_Code_Point.
"""

WATCHED = frozenset(("'", *INVISIBLE, *FORMULA_STARTS))
"""What a cell may begin with that needs a closer look: one character decides nearly every cell."""

_PASSED_OVER = "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in _RANGES)
_FORMULA = re.compile(rf"['{_PASSED_OVER}]*[{re.escape(''.join(FORMULA_STARTS))}]|'*[\t\r\n]")


def runs_as_formula(text: str) -> bool:
    """Return whether a spreadsheet may run a text file's cell as a formula, leading apostrophes aside.

    A cell that begins with a tab or a line end counts as one, too: what follows may end up first in another cell.
    """
    return text[:1] in WATCHED and _FORMULA.match(text) is not None


def safe_cell(value: Any) -> Any:
    """Return a cell that a spreadsheet shows instead of running it as a formula: with an apostrophe before it.

    Text that has apostrophes there already gets one more, so that `plain_cell` can take just that one away.
    """
    return f"'{value}" if isinstance(value, str) and runs_as_formula(value) else value


def plain_cell(text: str) -> str:
    """Return what a cell was before `safe_cell`."""
    return text[1:] if text.startswith("'") and runs_as_formula(text) else text
