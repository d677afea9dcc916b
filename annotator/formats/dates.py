"""Reading the dates that people write in tables."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

_DATE = re.compile(
    r"""
    (?P<year>\d{4})
    (?:
        (?P<separator>[-./])\s?(?P<month>\d{1,2})(?P=separator)\s?(?P<day>\d{1,2})\.?
        | (?P<month8>\d{2})(?P<day8>\d{2})
        | 년\s?(?P<month_ko>\d{1,2})월\s?(?P<day_ko>\d{1,2})일
    )
    (?:\s?\(?[월화수목금토일](?:요일)?\)?)?
    (?:
        (?:T|\s+) (?:(?:오전|오후)\s?)?
        \d{1,2}:\d{2} (?::\d{2}(?:[.,]\d{1,9})?)?
        \s?(?:Z|[+-]\d{2}(?::?\d{2})?)?
    )?
    """,
    re.VERBOSE | re.ASCII,
)
_EXCEL_DAY = re.compile(r"[2-7]\d{4}(?:\.\d+)?", re.ASCII)
_EXCEL_ORIGIN = date(1899, 12, 30)


@lru_cache(maxsize=4096)
def read_date(written: str, *, excel: bool = False) -> str | None:
    """Return a date as ISO 8601 (``2024-03-01``), or None if it can't be read as one.

    Accepts 2024-03-01, 2024.3.1, 2024. 3. 1., 2024/03/01, 20240301, 2024년 3월 1일 and ISO times; the day is taken as
    written, whatever the time zone. Years of two digits are not guessed.

    Args:
        excel: also read Excel's day numbers, 20000 (1954) to 79999 (2119): a date cell that lost its format.
    """
    text = written.strip()
    if excel and _EXCEL_DAY.fullmatch(text):
        return (_EXCEL_ORIGIN + timedelta(days=int(float(text)))).isoformat()
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    month = part["month"] or part["month8"] or part["month_ko"]
    day = part["day"] or part["day8"] or part["day_ko"]
    try:
        return date(int(part["year"]), int(month), int(day)).isoformat()
    except ValueError:  # the 30th of February
        return None
