"""Masking: names and contact details are covered before a diary is shown or exported, never before training.

Covered characters are replaced one for one, so that sentences, explanations and marks, which count characters of the
stored text, stay where they are. The stored text is never changed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.privacy import person_names
from db.connection import write
from db.people import audit_log
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.accounts.permissions import Person
    from annotator.settings import Settings
    from db import Database

COVER = "●"


def mask(text: str, settings: Settings) -> str:
    """Return a diary as people may see it: of the same length, and unchanged by a second call.

    Args:
        settings: `mask` covers numbers and addresses, `mask_names` names too; without `mask` nothing is covered.
    """
    if not settings.mask or not (settings.mask_names or _TELLING.search(text)):
        return text
    return _covered(text, settings.mask_names)


_TELLING = re.compile(r"[@＠]|(?:\d[^\d가-힣]*+){8}")
"""Every rule below asks for an at sign or at least eight digits, of whichever script and with no syllable of Hangul
between them; most diaries have neither."""


# A tab asks for the same few diaries with every key.
@lru_cache(maxsize=256)
def _covered(text: str, with_names: bool) -> str:
    # A covered part may have hidden another one next to it from the patterns.
    while (covered := _cover(text, with_names=with_names)) != text:
        text = covered
    return text


def is_covered(text: str, covered: str) -> bool:
    """Return whether a text, with its names or without them, is covered like that."""
    return covered in (_covered(text, False), _covered(text, True))


def cover_name(name: str) -> str:
    """Return a name of which nothing but the first character is left: a name alone is not recognised as one."""
    return name[: len(name) > 1] + COVER * max(1, len(name) - 1)


def reveal(db: Database, diary_id: int, *, person: Person) -> str:
    """Return the original text of a diary to an administrator, and record that it was viewed.

    Raises:
        UserError: for anybody else.
        NotFoundError: for a diary that does not exist.
    """
    actor = diary_access.actor_of(person)
    with write(db):
        if not diary_access.has_right(db, actor, "administrate"):
            raise UserError("reveal_forbidden", id=diary_id)
        diary_access.require(db, actor, "reveal", diary_id)
        text = diaries.get_diary(db, diary_id).text
        audit_log.add(db, person.annotator_id, "mask.reveal", f"diary:{diary_id}")
    return text


def _cover(text: str, *, with_names: bool) -> str:
    plain, places = _plain(text)
    spans = list(_private_spans(plain))
    if with_names:
        spans += person_names.find_names(plain)
    characters = list(text)
    for start, end in spans:
        for place in range(places[start], places[end - 1] + 1):
            if unicodedata.category(characters[place])[0] in "LN" or characters[place] in "_+%":
                characters[place] = COVER
    return "".join(characters)


_SIMPLE = {
    **dict.fromkeys("‐‑‒–—―−－", "-"),
    "＠": "@",
    "．": ".",
    "。": ".",
    "＋": "+",
    "（": "(",
    "）": ")",
    "＿": "_",
}


def _plain(text: str) -> tuple[str, list[int]]:
    """Return a text in plain digits, letters, dashes and spaces, without invisible ones, and where each stood."""
    plain, places = [], []
    for place, character in enumerate(text):
        if not character.isascii():
            category = unicodedata.category(character)
            if category in ("Cf", "Mn", "Me"):
                continue
            if category == "Nd":
                character = str(unicodedata.decimal(character))
            elif category == "Zs":
                character = " "
            elif "Ａ" <= character <= "ｚ":
                character = chr(ord(character) - 0xFEE0)
            else:
                character = _SIMPLE.get(character, character)
        plain.append(" " if character == "\t" else character)
        places.append(place)
    return "".join(plain), places


def _private_spans(plain: str) -> Iterator[tuple[int, int]]:
    for pattern, is_private in _RULES:
        for match in pattern.finditer(plain):
            if is_private(match):
                yield match.span()


def _digits(least: int, most: int | None = None) -> str:
    """Return a pattern of digits, which may stand apart by a space."""
    return rf"\d(?: ?\d){{{least - 1},{(most or least) - 1}}}"


def _spread(number: str) -> str:
    return " ?".join(number)


def _any(_: re.Match[str]) -> bool:
    return True


_BEFORE = r"(?<!\d)(?<!\d[.,])"
_AFTER = r"(?!\d)(?![.,]\d)"
_GAP = r" ?[-./)]? ?"
_AREA = "|".join(
    _spread(code)
    for code in (
        *["02", "031", "032", "033", "041", "042", "043", "044", "051", "052", "053", "054", "055"],
        *["061", "062", "063", "064", "070", "080", "060"],
    )
)
_COMPANY = "|".join(
    _spread(code)
    for code in (
        *["1522", "1533", "1544", "1566", "1577", "1588", "1599", "1600", "1644", "1660", "1661", "1666", "1668"],
        *["1670", "1688", "1800", "1811", "1833", "1855", "1877", "1899"],
    )
)

_RESIDENT = re.compile(rf"{_BEFORE}({_digits(6)})( ?- ?| )?([1-8](?: ?\d){{6}})(?!\d)")
_CARD = re.compile(rf"{_BEFORE}[3-69](?:[ -]{{0,3}}\d){{12,18}}{_AFTER}")
_MOBILE = re.compile(
    rf"{_BEFORE}(?:\+? ?8 ?2{_GAP}\(?0?\)? ?|\(?0 ?)1 ?[016789]{_GAP}{_digits(3, 4)}{_GAP}{_digits(4)}(?!\d)"
)
_LANDLINE = re.compile(
    rf"{_BEFORE}(?:\(?(?:{_AREA}|0 ?5 ?0 ?\d)|\+ ?8 ?2{_GAP}\(?0?\)? ?(?:2|[3-6] ?[1-5]|70))"
    rf"{_GAP}{_digits(3, 4)}{_GAP}{_digits(4)}(?!\d)"
)
# Only with something between its halves, and no span of years: 1592-1598 is a war.
_COMPANY_LINE = re.compile(rf"{_BEFORE}(?:{_COMPANY})(?: ?- ?| ){_digits(4)}(?! ?\d)(?! ?(?:년|원|명|개|세기))")
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64} ?@ ?(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}", re.ASCII
)


_WITHOUT_CHECK_SINCE = 2020


def _is_resident(match: re.Match[str]) -> bool:
    """Return whether 13 digits are a resident or foreigner number: date of birth, century, and the check digit.

    Since October 2020 numbers are given out without a check digit, so one that is written in two parts needs none.
    Source: enforcement rules of the Resident Registration Act, article 2; weights 2…9, 2…5, modulo 11.
    """
    born, gap, rest = match[1].replace(" ", ""), match[2], match[3].replace(" ", "")
    century = 1900 if rest[0] in "1256" else 2000
    try:
        birthday = date(century + int(born[:2]), int(born[2:4]), int(born[4:]))
    except ValueError:
        return False
    if birthday > datetime.now(UTC).date():
        return False
    if gap or birthday.year >= _WITHOUT_CHECK_SINCE:
        return True
    digits = [int(digit) for digit in born + rest]
    checked = sum(digit * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False))
    expected = (11 - checked % 11) % 10
    # The check digit of foreigners is two higher.
    return digits[12] == (expected + 2 * (rest[0] in "5678")) % 10


def _is_card(match: re.Match[str]) -> bool:
    """Return whether digits pass Luhn's check, as those of every payment card do (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in match[0] if character.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bool]], ...] = (
    (_RESIDENT, _is_resident),
    (_CARD, _is_card),
    (_MOBILE, _any),
    (_LANDLINE, _any),
    (_COMPANY_LINE, _any),
    (_EMAIL, _any),
)
