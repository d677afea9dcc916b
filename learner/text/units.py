"""The units that an explanation speaks about, at exact offsets: 어절 (runs between white space) or morphemes."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from learner.text.characters import Span, Spans, cut, find_starts, legible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_local = threading.local()


class Morpheme(NamedTuple):
    """A surface piece at its first character.

    Attributes:
        tag: part of speech (Sejong tags); of a piece that holds several, all of them with a plus between.
        parts: of a piece whose morphemes share syllables, what they are: ``가/VV/*+았/EP/*`` for 갔; otherwise empty.
    """

    start: int
    surface: str
    tag: str
    parts: str = ""

    @property
    def end(self) -> int:
        """The position after its last character; white space inside a piece is not counted."""
        return self.start + len(self.surface)


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
    starts = _morpheme_starts(text)
    if starts is None:
        return words
    return cut(text, [*starts, *(edge for word in words for edge in word)])


UNITS: dict[str, Callable[[str], Spans]] = {"eojeol": eojeol, "morpheme": morphemes}
"""Every kind of unit by its stored name."""


def without(text: str, spans: Sequence[Span], keep: Sequence[bool], replacement: str = "") -> str:
    """Return the text with some of its spans really removed and the spaces between their neighbours repaired.

    Where words vanish, one of the white spaces around them stays: the first with a line break, else the shortest.
    White space at the start and the end of the text stays as it was, and so does everything else. Where nothing
    but white space would be left, the result is empty.

    Args:
        spans: ascending, not overlapping.
        keep: for each span, whether it stays.
        replacement: takes the place of each removed span, such as a tokenizer's mask token; nothing is repaired then.
    """
    if replacement:
        return _replaced(text, spans, keep, replacement)
    parts: list[str] = []
    place = 0
    for start, end in _removed_spans(text, spans, keep):
        left = len(text[:start].rstrip())
        right = len(text) - len(text[end:].lstrip())
        parts += [text[place:left], _separator(text, left, start, end, right)]
        place = right
    result = "".join([*parts, text[place:]])
    return result if result.strip() else ""


def _replaced(text: str, spans: Sequence[Span], keep: Sequence[bool], replacement: str) -> str:
    parts: list[str] = []
    place = 0
    for (start, end), stays in zip(spans, keep, strict=True):
        if not stays:
            parts += [text[place:start], replacement]
            place = end
    return "".join([*parts, text[place:]])


def _removed_spans(text: str, spans: Sequence[Span], keep: Sequence[bool]) -> list[Span]:
    """Return the spans that vanish, joined where only white space stands between them."""
    removed: list[Span] = []
    for (start, end), stays in zip(spans, keep, strict=True):
        if stays:
            continue
        if removed and not text[removed[-1][1] : start].strip():
            removed[-1] = (removed[-1][0], end)
        else:
            removed.append((start, end))
    return removed


def _separator(text: str, left: int, start: int, end: int, right: int) -> str:
    if left == 0:
        return text[:start]
    if right == len(text):
        return text[end:]
    spaces = re.findall(r"\s+", text[left:right])
    return next((space for space in spaces if "\n" in space), min(spaces, key=len, default=""))


# The searches for words and for negations ask for the same text one after the other.
@lru_cache(maxsize=8)
def tagged(text: str) -> tuple[Morpheme, ...] | None:
    """Return the morphemes of a text (mecab-ko) with their parts of speech; None where the analyser fails."""
    from mecab import MeCab, MeCabError

    seen = legible(text)
    if not seen.strip():
        return ()
    # One for each thread: a tagger isn't promised to be safe to share, and another costs 0.4 ms.
    if not hasattr(_local, "mecab"):
        _local.mecab = MeCab()
    try:
        pieces = [piece for piece in _local.mecab.parse(seen) if piece.surface.strip()]
    except MeCabError:
        return None
    starts = find_starts(seen, [piece.surface for piece in pieces])
    if starts is None:
        return None
    return tuple(
        Morpheme(start, piece.surface, piece.pos, piece.feature.expression or "")
        for start, piece in zip(starts, pieces, strict=True)
    )


def _morpheme_starts(text: str) -> list[int] | None:
    morphemes = tagged(text)
    return None if morphemes is None else [morpheme.start for morpheme in morphemes]
