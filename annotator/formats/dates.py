"""Reading the dates that people write in tables."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HALF = r"(?:오전|오후|[AaPp]\.?[Mm]\.?)"
_DATE = re.compile(
    rf"""
    (?P<year>\d{{4}})
    (?:
        \s?(?P<separator>[-./])\s?(?P<month>\d{{1,2}})\s?(?P=separator)\s?(?P<day>\d{{1,2}})\.?
        | (?P<month8>\d{{2}})(?P<day8>\d{{2}})
        | 년\s?(?P<month_ko>\d{{1,2}})월\s?(?P<day_ko>\d{{1,2}})일
    )
    (?:\s?\(?[월화수목금토일](?:요일)?\)?)?
    (?:
        (?:T|,?\s+) (?:{_HALF}\s?)?
        (?:
            \d{{1,2}}:\d{{2}} (?::\d{{2}}(?:[.,]\d{{1,9}})?)?
            | \d{{1,2}}시 (?:\s?\d{{1,2}}분 (?:\s?\d{{1,2}}초)?)?
        )
        (?:\s?{_HALF})?
        \s?(?:Z|UTC|[+-]\d{{2}}(?::?\d{{2}})?)?
    )?
    """,
    re.VERBOSE | re.ASCII,
)
_ENGLISH = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y")
_EXCEL_DAY = re.compile(r"[2-7]\d{4}(?:\.\d+)?", re.ASCII)
_EXCEL_ORIGIN = date(1899, 12, 30)


@lru_cache(maxsize=4096)
def read_date(written: str, *, excel: bool = False) -> str | None:
    """Return a date as ISO 8601 (``2024-03-01``), or None if it can't be read as one.

    Accepts 2024-03-01, 2024.3.1, 2024. 3. 1., 2024/03/01, 20240301, 2024년 3월 1일 and Mar 1, 2024, with a time of day
    behind it (15:12, 15시 12분, 오후 3:12, 3:12 PM); the day is taken as written, whatever the time zone. Years of two
    digits, and days and months of which nobody knows which is which, are not guessed.

    Args:
        excel: also read Excel's day numbers, 20000 (1954) to 79999 (2119): a date cell that lost its format.
    """
    text = written.strip()
    if excel and _EXCEL_DAY.fullmatch(text):
        return (_EXCEL_ORIGIN + timedelta(days=int(float(text)))).isoformat()
    match = _DATE.fullmatch(text)
    if match is None:
        return _read_english(text)
    part = match.groupdict()
    month = part["month"] or part["month8"] or part["month_ko"]
    day = part["day"] or part["day8"] or part["day_ko"]
    try:
        return date(int(part["year"]), int(month), int(day)).isoformat()
    except ValueError:  # the 30th of February
        return None


def _read_english(text: str) -> str | None:
    """Return a date with the name of its month, which has one meaning only."""
    if not text.isascii() or not re.search("[A-Za-z]{3}", text):
        return None
    try:
        return _read_mail_date(text) or next(_by_formats(text), None)
    except ValueError:
        return None


def _read_mail_date(text: str) -> str | None:
    """Return a date as the headings of mails have it, with a time of day; None for any other form."""
    if "," not in text or ":" not in text:
        return None
    # Here, since it loads the sockets, and a reader of files starts for each file.
    from email.utils import parsedate

    parts = parsedate(text)
    return None if parts is None else date(*parts[:3]).isoformat()


def _by_formats(text: str) -> Iterator[str]:
    for form in _ENGLISH:
        with contextlib.suppress(ValueError):
            yield datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day without a time


def read_time(written: str) -> str:
    """Return a time of another program in the form of the database; empty for one that can't be read or is to come."""
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        return ""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if moment > datetime.now(UTC):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
