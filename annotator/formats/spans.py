"""Where marked words are in a text: tools count characters differently, and where they say the words, these decide."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Unit = Literal["points", "utf16"]
"""What a tool counts: code points, as Python does, or UTF-16 units, as browsers do, where an emoji is two."""


def place(text: str, start: int, end: int, *, unit: Unit = "points", words: str = "") -> tuple[int, int] | None:
    """Return start and end of marked words in code points; None if they are nowhere, or it is not clear where.

    Args:
        words: the marked words, where the tool says them: then the reading of the figures that gives them counts,
            and if none does, the nearest place where they are.
    """
    if text.isascii() and not words:
        return _checked(text, start, end)
    readings = [reading for reading in _readings(text, start, end, unit) if reading is not None]
    if not words:
        return _checked(text, *readings[0]) if readings and _is_first(readings[0], text, start, end, unit) else None
    plain = _plain(words)
    for reading in readings:
        if _plain(text[slice(*reading)]) == plain:
            return _trimmed(text, *reading, words)
    return _nearest(text, words, readings[0][0] if readings else start)


def to_utf16(text: str, start: int, end: int) -> tuple[int, int]:
    """Return start and end in UTF-16 units."""
    if text.isascii():
        return start, end
    before, inside = text[:start], text[start:end]
    first = len(before) + _astral(before)
    return first, first + len(inside) + _astral(inside)


def _astral(text: str) -> int:
    return sum(character > "\uffff" for character in text)


def _readings(text: str, start: int, end: int, unit: Unit) -> Iterator[tuple[int, int] | None]:
    """Yield what the figures may mean, first what the tool counts; some count a line end of two characters as one."""
    points, utf16 = (start, end), _from_utf16(text, start, end)
    first, second = (utf16, points) if unit == "utf16" else (points, utf16)
    yield first
    yield second
    if "\r\n" in text:
        short = text.replace("\r\n", "\n")
        for each in (points, _from_utf16(short, start, end)):
            yield None if each is None else (_with_returns(text, each[0]), _with_returns(text, each[1]))


def _is_first(reading: tuple[int, int], text: str, start: int, end: int, unit: Unit) -> bool:
    """Return whether a reading is that of the tool's own unit, not one to fall back on."""
    return unit == "points" or _from_utf16(text, start, end) == reading


def _from_utf16(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return start and end in code points; None if one of them is within a character."""
    places = {}
    unit = 0
    for point, character in enumerate(text):
        places[unit] = point
        unit += 2 if character > "\uffff" else 1
    places[unit] = len(text)
    first, last = places.get(start), places.get(end)
    return None if first is None or last is None else (first, last)


def _with_returns(text: str, place: int) -> int:
    """Return the place in a text of one in the same text whose line ends are one character."""
    seen = 0
    for point, character in enumerate(text):
        if seen >= place:
            return point
        seen += not (character == "\r" and text[point + 1 : point + 2] == "\n")
    return len(text)


def _plain(words: str) -> str:
    return " ".join(unicodedata.normalize("NFC", words.replace("\\n", "\n")).split())


def _trimmed(text: str, start: int, end: int, words: str) -> tuple[int, int] | None:
    """Return a place without the white space around it, if the tool's words have none."""
    if words == words.strip():
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
    return _checked(text, start, end)


def _nearest(text: str, words: str, start: int) -> tuple[int, int] | None:
    places = []
    at = text.find(words) if words.strip() else -1
    while at >= 0:
        places.append(at)
        at = text.find(words, at + 1)
    nearest = min(places, key=lambda place: abs(place - start), default=None)
    return None if nearest is None else (nearest, nearest + len(words))


def _checked(text: str, start: int, end: int) -> tuple[int, int] | None:
    return (start, end) if 0 <= start < end <= len(text) and text[start:end].strip() else None
