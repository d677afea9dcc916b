"""The units that an explanation speaks about, at exact offsets: 어절 (runs between white space) or morphemes."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from learner.characters import Span, Spans, cut, find_starts, legible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_local = threading.local()


def eojeol(text: str) -> Spans:
    """Return the runs between white space; punctuation belongs to the run that it touches.

    Every character that isn't white space lies in exactly one span. Blank text has none.
    """
    return tuple(match.span() for match in re.finditer(r"\S+", text))


def morphemes(text: str) -> Spans:
    """Return the surface pieces of morphemes (mecab-ko); none reaches over white space.

    Morphemes that share a syllable (갔 = 가 + 았) are one piece. Every character that isn't white space lies in
    exactly one span. Where the analyser fails, the pieces are those of `eojeol`.
    """
    words = eojeol(text)
    starts = _morpheme_starts(legible(text))
    if starts is None:
        return words
    return cut(text, [*starts, *(edge for word in words for edge in word)])


UNITS: dict[str, Callable[[str], Spans]] = {"eojeol": eojeol, "morpheme": morphemes}
"""Every kind of unit by its stored name."""


def without(text: str, spans: Sequence[Span], keep: Sequence[bool]) -> str:
    """Return the text with some of its spans really removed and the spaces between their neighbours repaired.

    Where words vanish, one of the white spaces around them stays: the first with a line break, else the shortest.
    White space at the start and the end of the text stays as it was, and so does everything else. Where nothing
    but white space would be left, the result is empty.

    Args:
        spans: ascending, not overlapping.
        keep: for each span, whether it stays.
    """
    kept: list[str] = []
    place = 0
    for start, end in _gone(text, spans, keep):
        left = len(text[:start].rstrip())
        right = len(text) - len(text[end:].lstrip())
        kept += [text[place:left], _separator(text, left, start, end, right)]
        place = right
    result = "".join([*kept, text[place:]])
    return result if result.strip() else ""


def _gone(text: str, spans: Sequence[Span], keep: Sequence[bool]) -> list[Span]:
    """Return what vanishes, joined where only white space stands between."""
    gone: list[Span] = []
    for (start, end), stays in zip(spans, keep, strict=True):
        if stays:
            continue
        if gone and not text[gone[-1][1] : start].strip():
            gone[-1] = (gone[-1][0], end)
        else:
            gone.append((start, end))
    return gone


def _separator(text: str, left: int, start: int, end: int, right: int) -> str:
    if left == 0:
        return text[:start]
    if right == len(text):
        return text[end:]
    spaces = re.findall(r"\s+", text[left:right])
    return next((space for space in spaces if "\n" in space), min(spaces, key=len, default=""))


def _morpheme_starts(text: str) -> list[int] | None:
    if not text.strip():
        return []
    from mecab import MeCab, MeCabError

    # One for each thread: a tagger isn't promised to be safe to share, and another costs 0.4 ms.
    if not hasattr(_local, "mecab"):
        _local.mecab = MeCab()
    try:
        return find_starts(text, _local.mecab.morphs(text))
    except MeCabError:
        return None
