"""A whole number of a file of another tool, as JSON may write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

_MOST_DIGITS = 4_300
"""Of a whole number, as for Python itself when it reads one."""


def whole(number: Any) -> int:
    """Return a number without its fraction.

    Raises:
        ValueError: for one like 1e999999999, whose digits would take all the time that the file may take.
    """
    if isinstance(number, Decimal) and number.adjusted() >= _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    return int(number)
