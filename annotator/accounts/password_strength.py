"""How soon a password would be guessed by somebody who knows whose it is and tries common choices first."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import TYPE_CHECKING, Any

from annotator.accounts.dubeolsik import to_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_GUESSES = 10**9
"""zxcvbn calls ten times fewer "safely unguessable", but counts any three words of its lists as 10^8.

Source: Wheeler (2016), zxcvbn: Low-Budget Password Strength Estimation, USENIX Security.
"""

_MOST_READINGS = 24
"""So many ways to read signs as letters are tried, such as 1 as i or l."""

_MOST_KEYS = 64
"""The estimate takes time that grows with the length; what follows so many keys only makes a password better."""

_OF_PRODUCT = ("마음결", "maeumgyeol", "감정", "라벨링", "annotator", "annotation", "diary", "emotion")

_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허남심노하"

_RUNS = (
    "가나다라마바사아자차카타파하",
    "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "ㅏㅑㅓㅕㅗㅛㅜㅠㅡㅣ",
    "abcdefghijklmnopqrstuvwxyz",
)

_NUMBER_OF_PERSON = re.compile(
    r"01[016-9][-. ]?\d{3,4}[-. ]?\d{4}|\d{6}[-. ]?[1-8]\d{6}|\d{2,4}년 ?\d{1,2}월( ?\d{1,2}일)?생?"
)
"""A mobile phone's number, a resident registration number, a date as it is written in Korean."""

_PLACEHOLDER = "0"
"""Stands for what an attacker knows: as easy to guess as one character."""

_CODES = {"spatial": "password_easy", "sequence": "password_easy", "repeat": "password_easy"}
_CODES |= {"dictionary": "password_common", "date": "password_date", "regex": "password_date"}


def find_weakness(password: str, about: Iterable[str]) -> str | None:
    """Return the message code that explains why a password is too weak; None if it is strong enough.

    Hangul counts as the keys that type it, so that 안녕하세요 and ``dkssudgktpdy`` are the same word.

    Args:
        password: NFKC.
        about: what an attacker knows of the person: name, e-mail.
    """
    words = _words_about(about)
    without_numbers = _NUMBER_OF_PERSON.sub(_PLACEHOLDER, password)
    without_words = _without_words(to_keys(without_numbers), words)
    guesses, matches = _estimate(_without_repeats(without_words[:_MOST_KEYS]), words)
    if guesses >= LEAST_GUESSES:
        return None
    if without_words != to_keys(without_numbers):
        return "password_personal"
    return "password_date" if without_numbers != password else _code(matches)


def _without_words(keys: str, words: Iterable[str]) -> str:
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.sub("|".join(longest_first), _PLACEHOLDER, keys, flags=re.IGNORECASE)


def _without_repeats(text: str) -> str:
    # Three times the same word would count as three words.
    return re.sub(r"(.{3,}?)\1+", r"\1\1", text)


def _code(matches: list[dict[str, Any]]) -> str:
    coded_matches = [match for match in matches if match["pattern"] in _CODES]
    if any(match.get("dictionary_name") == "about" for match in coded_matches):
        return "password_personal"
    longest = max(coded_matches, key=lambda match: len(match["token"]), default=None)
    if longest is None or longest.get("dictionary_name") == "runs":
        return "password_easy"
    return _CODES[longest["pattern"]]


def _estimate(text: str, about: dict[str, int]) -> tuple[float, list[dict[str, Any]]]:
    """Return how many guesses it takes, and the parts by which it would be guessed."""
    from zxcvbn import matching, scoring  # type: ignore[import-untyped]

    matchers = [
        *(matching.dictionary_match, matching.reverse_dictionary_match, matching.spatial_match),
        *(matching.repeat_match, matching.sequence_match, matching.regex_match, matching.date_match),
    ]
    # Every reading of the signs is tried: a password of nothing but signs is no word, and would take seconds.
    readings = matching.relevant_l33t_subtable(text, matching.L33T_TABLE).values()
    if math.prod(map(len, readings)) <= _MOST_READINGS:
        matchers.append(matching.l33t_match)
    # The package's own entry point would keep the words about a person in a global.
    dictionaries = {**_dictionaries(), "about": about}
    matches = [match for matcher in matchers for match in matcher(text, _ranked_dictionaries=dictionaries)]
    result = scoring.most_guessable_match_sequence(text, sorted(matches, key=lambda match: (match["i"], match["j"])))
    return float(result["guesses"]), result["sequence"]


@cache
def _dictionaries() -> dict[str, dict[str, int]]:
    from zxcvbn import matching

    lines = files(__package__).joinpath("common_words_ko.txt").read_text("utf-8").splitlines()
    words, given_names = _sections(lines)
    names = [surname + name for name in given_names for surname in _SURNAMES]
    runs = [run[start:end] for run in _RUNS for start, end in combinations(range(len(run) + 1), 2) if end - start > 2]
    own = {"korean": [*words, *given_names], "names": names, "runs": [*runs, *(run[::-1] for run in runs)]}
    return {**matching.RANKED_DICTIONARIES, **{name: _ranked(entries) for name, entries in own.items()}}


def _sections(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of the list, and the given names that stand in its second section."""
    sections: list[list[str]] = []
    for line in lines:
        if line.startswith("#"):
            sections.append([])
        else:
            sections[-1] += line.split()
    phrases, given_names, words = sections
    return [*phrases, *words], given_names


def _ranked(entries: Iterable[str]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for rank, entry in enumerate(entries, 1):
        ranks.setdefault(to_keys(entry).lower(), rank)
    return ranks


def _words_about(about: Iterable[str]) -> dict[str, int]:
    texts = [*about, *_OF_PRODUCT]
    parts = [part for words in texts for part in re.split(r"[\W_]+", words)]
    names = [name[1:] for name in parts if re.fullmatch("[가-힣]{3,4}", name)]
    whole = [spelling for words in texts for spelling in ("".join(words.split()), words.partition("@")[0])]
    return {word: rank for word, rank in _ranked([*parts, *whole, *names]).items() if len(word) > 2}
