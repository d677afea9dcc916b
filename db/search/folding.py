"""Texts as the search compares them: composed, in small letters and without spaces, one unit of 16 bits a letter."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Units = NDArray[np.uint16]

_SPACE = 0xFFFF
"""Marks what is left out: spaces, and signs that nobody sees."""

_PRIVATE, _PRIVATE_COUNT = 0xE000, 0x1900
"""Where letters beyond 16 bits go, such as emoji. Several share a unit, so what is found by them has to be compared."""

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff"
_LEFT_OUT = re.compile(rf"[\s\0{_INVISIBLE}]+")


@cache
def _table() -> Units:
    """Return the unit of each code point below 65,536."""
    table = np.arange(0x10000, dtype=np.uint16)
    for code in range(1, 0x10000):
        letter = chr(code)
        small = letter.lower()
        if letter.isspace() or letter in _INVISIBLE:
            table[code] = _SPACE
        elif len(small) == 1:
            table[code] = ord(small)
    return table


def fold_texts(texts: Sequence[str]) -> tuple[Units, NDArray[np.int32]]:
    """Return the units of several texts, each followed by a zero, and how many letters each text has."""
    joined = "\0".join([*texts, ""])
    if joined.count("\0") > len(texts):
        joined = "\0".join([*(text.replace("\0", " ") for text in texts), ""])
    lengths = np.fromiter(map(len, texts), np.int32, len(texts))
    units = _units(compose(joined))
    return units[units != _SPACE], lengths


def compose(text: str) -> str:
    """Return a text in NFC."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _units(text: str) -> Units:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    wide = codes >= 0x10000
    if wide.any():
        codes = np.where(wide, _PRIVATE + codes % _PRIVATE_COUNT, codes)
    return _table()[codes]


def fold(text: str) -> str:
    """Return a text as it is compared: two texts that differ only in spaces, case or composition are equal."""
    return _LEFT_OUT.sub("", compose(text).lower())


def units_of(folded: str) -> Units:
    """Return the units of a folded text."""
    return fold_texts([folded])[0][:-1]


def find_spans(text: str, folded_words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where words stand in a composed text, as half-open spans, ordered and without overlaps."""
    letters = [(place, fold(letter)[:1]) for place, letter in enumerate(text)]
    places = [place for place, letter in letters if letter]
    folded = "".join(letter for _, letter in letters)
    spans = [(places[at], places[at + len(word) - 1] + 1) for word in folded_words for at in _starts(folded, word)]
    return _merged(sorted(spans))


def _starts(folded: str, word: str) -> list[int]:
    starts, at = [], folded.find(word)
    while at >= 0 and word:
        starts.append(at)
        at = folded.find(word, at + len(word))
    return starts


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
