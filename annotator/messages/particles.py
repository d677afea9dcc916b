"""Korean particles that agree with the last sound of what stands before them.

A message asks for one in the field itself: ``{label:이(가)}`` is the label with its particle, ``{count:,|을(를)}`` the
same behind another format, and ``“{name}”{name:~은(는)}`` the particle alone, for where a mark stands between.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Any

PARTICLES = {
    "이(가)": ("이", "가"),
    "은(는)": ("은", "는"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(으)로는": ("으로는", "로는"),
    "이에요(예요)": ("이에요", "예요"),
    "이라(라)": ("이라", "라"),
    "이라는(라는)": ("이라는", "라는"),
}
"""How a message asks for a particle, and its forms behind a consonant and a vowel."""

_RIEUL = 8
"""Place of ㄹ among the 28 final consonants of Unicode, 0 being none; behind it stands 로, not 으로."""

_OTHER_FINAL = 4

_FINALS = {
    "0": _OTHER_FINAL,
    "1": _RIEUL,
    "3": _OTHER_FINAL,
    "6": _OTHER_FINAL,
    "7": _RIEUL,
    "8": _RIEUL,
    "l": _RIEUL,
    "m": _OTHER_FINAL,
    "n": _OTHER_FINAL,
}
"""Final consonants of digits (영, 일, 삼 …) and of words that end in a Latin letter, as Koreans read them."""

_CLOSED = re.compile(r"(?:ng|ck|(?:^|[^aeiou])[aeiou][kpt]|ook)$")
"""Ends of Latin words that are read with a final consonant: 킹, 슬랙, 앱, 북; but 노트, 테스트, 위크."""

_BRACKETS = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）)\W*$")


class Formatter(string.Formatter):
    """Fills in messages, particles included."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value in the format that is asked for, with its particle if it asks for one."""
        how, _, asked = format_spec.rpartition("|")
        forms = PARTICLES.get(asked.removeprefix("~"))
        if forms is None:
            return _format(value, format_spec)
        word = _format(value, how)
        final = final_of(word)
        is_closed = final not in (0, _RIEUL) if forms[1].startswith("로") else final != 0
        return ("" if asked.startswith("~") else word) + forms[0 if is_closed else 1]


def _format(value: Any, spec: str) -> str:
    """Return a value in a format; a figure that rounds to nothing never shows a minus before its zeros."""
    asks_for_float = isinstance(value, float) and spec[-1:] in ("e", "f", "g", "%")
    sign = spec[:1] if spec[:1] in ("+", "-", " ") else ""
    return format(value, f"{sign}z{spec[len(sign) :]}" if asks_for_float and "z" not in spec else spec)


def final_of(word: str) -> int:
    """Return the final consonant of the last sound by its place in Unicode (0 to 27); 0 is none.

    What stands in brackets at the end, signs and emoji are passed over, but % is read 퍼센트. A word of nothing else,
    or in a script that isn't known, has none.
    """
    plain = unicodedata.normalize("NFC", word)
    while (shorter := _BRACKETS.sub("", plain)) != plain and shorter:
        plain = shorter
    read = [c for c in plain if c == "%" or unicodedata.category(c)[0] in "LN"]
    if not read:
        return 0
    last = read[-1].lower()
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28
    if last.isascii() and last.isalpha() and _CLOSED.search(re.split("[^a-z]", "".join(read).lower())[-1]):
        return _OTHER_FINAL
    return _FINALS.get(last, 0)
