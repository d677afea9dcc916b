"""The part of a text that survives any way of copying it: its letters and digits in one normal form.

Spaces, line ends, punctuation, case, invisible marks and variant forms of the same letter are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FEWEST = 6
"""A shorter sentence is anybody's."""

_SENTENCES = re.compile(r"[.!?…⋯。！？;~\n\r\x85\u2028\u2029]+")
_NO_LETTERS = re.compile(r"[\W_\u115f\u1160]+")
"""Fillers of Hangul are letters to Unicode; all of them become one of these two by NFKC, and none can be seen."""

_VOWELS_AND_TAILS = range(0x1160, 0x1200), range(0xD7B0, 0xD800)
"""Jamo that make one syllable together with what stands before them."""


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in normal form (NFKC, without case)."""
    return _NO_LETTERS.sub("", _plain(text))


def sentences_of(text: str) -> list[str]:
    """Return the letters of each sentence except very short ones; if all are short, those of the whole text."""
    sentences = [_NO_LETTERS.sub("", piece) for piece in _SENTENCES.split(_plain(text))]
    whole = "".join(sentences)
    long = [piece for piece in sentences if len(piece) >= _FEWEST]
    return long or ([whole] if whole else [])


def spans_of(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the letters of a text, and for each letter the half-open characters of the text that it comes from."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    for start, end in _characters(text):
        form = letters_of(text[start:end])
        letters.append(form)
        spans.extend([(start, end)] * len(form))
    return "".join(letters), spans


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each character of a text, including its combining marks."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _joins(text[at]):
            yield start, at
            start = at


def _joins(character: str) -> bool:
    first = unicodedata.normalize("NFKD", character)[0]
    return bool(unicodedata.combining(first)) or any(ord(first) in jamo for jamo in _VOWELS_AND_TAILS)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
