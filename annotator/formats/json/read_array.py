"""JSON files that are one list of objects, read one object at a time."""

from __future__ import annotations

import re
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import ijson

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.source import Source

MAX_OBJECT_CHARACTERS = 10_000_000
"""A longer object is not an annotated diary: it is refused before memory runs out."""

_HALF = re.compile(
    r"((?<!\\)(?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""Half of a surrogate pair, as an escape that is not itself escaped."""

_LONGEST_ESCAPE = 12
"""Characters of a surrogate pair."""

_START = re.compile(r"\s*\[\s*(\{|\]|\Z)")


def is_array(source: Source, encoding: str) -> bool:
    """Return whether a file begins like a list of objects."""
    with source.open() as binary, TextIOWrapper(binary, encoding, "strict", newline="") as text:
        return _START.match(text.read(1_000)) is not None


def objects(
    source: Source, encoding: str, *, limit: int = MAX_OBJECT_CHARACTERS
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the places, from 1, and the objects of a list; numbers as in `read_lines.objects`.

    Raises:
        UserError: where the file breaks off, or an element is no object, with its place.
    """
    number = 0
    with source.open() as binary, TextIOWrapper(binary, encoding, "strict", newline="") as text:
        reader = _Reader(text, limit)
        try:
            for number, item in enumerate(ijson.items(reader, "item"), 1):
                reader.since = 0
                if not isinstance(item, dict):
                    raise UserError("import_item_not_object", name=source.name, row=number)
                yield number, item
        except _TooLongError as error:
            raise UserError("import_item_too_long", name=source.name, row=number + 1, limit=limit) from error
        except UnicodeError as error:  # it was decoded before, so somebody is writing to it
            raise UserError("import_file_changed", name=source.name) from error
        except (ijson.JSONError, ArithmeticError, RecursionError) as error:
            raise UserError("import_item_broken", name=source.name, row=number + 1) from error


class _TooLongError(Exception):
    """One object exceeds the limit."""


class _Reader:
    """Gives a text file to the parser as UTF-8, and counts what it reads for one object.

    The parser would put a question mark for half of a surrogate pair. It gets a NUL, which is refused with its row.
    """

    def __init__(self, text: TextIOWrapper, limit: int) -> None:
        self._text, self._limit = text, limit
        self._held = ""
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        whole = ""
        while not whole:
            chunk = self._text.read(size)
            self.since += len(chunk)
            if self.since > self._limit:
                raise _TooLongError
            whole, self._held = _cut(self._held + chunk) if chunk else (self._held, "")
            if not chunk:
                break
        return _HALF.sub(r"\1\\u0000", whole).encode("utf-8", "surrogatepass")


def _cut(text: str) -> tuple[str, str]:
    """Return a text up to an escape that may go on in what follows, and the rest."""
    at = text.find("\\", max(0, len(text) - _LONGEST_ESCAPE))
    while at > 0 and text[at - 1] == "\\":
        at -= 1
    return (text, "") if at < 0 else (text[:at], text[at:])
