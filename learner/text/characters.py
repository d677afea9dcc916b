"""Characters as people see them: which must stay together, and which text analysers stumble on.

Offsets are half-open, in characters of the stored text.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Span = tuple[int, int]
Spans = tuple[Span, ...]

# White space, controls (mecab ends a text at NUL), marks without a width (zero-width space, soft hyphen, direction
# marks, the Hangul filler) and lone surrogates, which can't be encoded. The joiner U+200D stays: it holds emoji
# together.
_UNSEEN = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\xad\u115f\u1160\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff]"
)
_JOINER = "\u200d"
_JAMO_AFTER_FIRST = re.compile(r"[\u1160-\u11ff\ud7b0-\ud7ff]")
_JAMO = re.compile(r"[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")
_EMOJI_ENDING = re.compile("[\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def legible(text: str) -> str:
    """Return the text, of the same length, with a plain space for everything that can't be seen."""
    return _UNSEEN.sub(" ", text)


def find_starts(text: str, pieces: Sequence[str]) -> list[int] | None:
    """Find where an analyser's pieces begin by counting visible characters.

    Offsets that analysers give can't be relied on: python-mecab-ko counts from the first character that isn't
    a space, and kss gives none.

    Args:
        text: `legible` text that the pieces came from.
        pieces: in order; their spaces may differ from those of the text.

    Returns:
        Ascending offsets, one for each piece that isn't blank; None if the pieces don't hold exactly the visible
        characters of the text, in order.
    """
    if "".join(pieces).replace(" ", "") != text.replace(" ", ""):
        return None
    visible = [place for place, character in enumerate(text) if character != " "]
    starts: list[int] = []
    count = 0
    for piece in pieces:
        size = len(piece) - piece.count(" ")
        if size:
            starts.append(visible[count])
        count += size
    return starts


def cut(text: str, places: Iterable[int]) -> Spans:
    """Cut a text at places and strip white space from each part.

    Every character that isn't white space lies in exactly one span, whatever the places are. Places outside of
    the text or inside a character, as people see it, are passed over.

    Returns:
        Ascending spans, none empty.
    """
    inner = {place for place in places if 0 < place < len(text) and not is_inside_character(text, place)}
    edges = [0, *sorted(inner), len(text)]
    return tuple(span for start, end in pairwise(edges) if (span := _strip(text, start, end)))


def _strip(text: str, start: int, end: int) -> Span | None:
    part = text[start:end]
    stripped = part.strip()
    if not stripped:
        return None
    first = start + len(part) - len(part.lstrip())
    return first, first + len(stripped)


def is_inside_character(text: str, place: int) -> bool:
    """Return whether a cut before ``text[place]`` would tear apart what people see as one character.

    That is a letter and its combining marks, a Hangul syllable in single jamo, or an emoji of several parts.
    """
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before.isspace():
        return False
    if _JOINER in (before, after) or _EMOJI_ENDING.match(after):
        return True
    if _JAMO_AFTER_FIRST.match(after) and _JAMO.match(before):
        return True
    if _FLAG_LETTER.match(before) and _FLAG_LETTER.match(after):
        return True
    return unicodedata.category(after).startswith("M")
