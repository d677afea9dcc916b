"""What a text of a file is: blank, a total, JSON source, not to be stored; and the digest that it is known by."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from annotator.formats.label_text import plain_label

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH_BYTES = 16

_INVISIBLE = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
_HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"

_TOTALS = frozenset(
    (
        *("합계", "총계", "소계", "총합", "합", "계", "평균", "총합계", "누계"),
        *("total", "totals", "grand total", "subtotal", "sum", "average", "mean"),
    )
)
"""What stands instead of a diary in a row that sums up others."""

LONGEST_TOTAL = 20
_COUNTED = re.compile(r"(총|전체|all)?\s*(\D*?)\s*[:：=(]?\s*\d[\d,.]*\s*(?:건|개|명|편|행|줄|rows?|items?)?\s*\)?")
"""A total with its figure: ``합계: 1,000``, ``총 20건``."""


def text_hash(text: str) -> bytes:
    """Return the digest by which equal texts are known: of the NFC form without surrounding white space.

    Raises:
        UnicodeEncodeError: for a lone surrogate.
    """
    return blake2b(unicodedata.normalize("NFC", text).strip().encode(), digest_size=HASH_BYTES).digest()


def is_total(text: str) -> bool:
    """Return whether a text stands for the sum of other rows."""
    if len(text) >= LONGEST_TOTAL:
        return False
    plain = plain_label(text).casefold().rstrip(":")
    counted = _COUNTED.fullmatch(plain)
    is_counted = counted is not None and (counted[2] in _TOTALS or bool(counted[1] and not counted[2]))
    return plain in _TOTALS or is_counted


def unstorable(values: Mapping[str, str | None]) -> str | None:
    """Return the column with a NUL or a lone surrogate, if there is one."""
    if _is_storable("".join([*values, *filter(None, values.values())])):
        return None
    return next(column for column, value in values.items() if not _is_storable(column + (value or "")))


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def is_json(text: str) -> bool:
    """Return whether a text is the source of a list or an object, which nobody writes into a diary."""
    try:
        return isinstance(orjson.loads(text), list | dict)
    except ValueError:
        return False


def is_blank(text: str) -> bool:
    """Return whether nothing is visible: only white space, zero-width characters, Hangul fillers."""
    # Nearly always the first character decides, and leaving a loop is faster than making a generator.
    for character in text:
        if unicodedata.category(character) not in _INVISIBLE and character not in _HANGUL_FILLERS:
            return False
    return True
