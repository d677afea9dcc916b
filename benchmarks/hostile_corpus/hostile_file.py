"""One hostile file: how it is made, which entry of the product reads it, and what may come of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Entry = Literal["import", "labels", "crosswalk", "phrases", "recipe", "database"]
"""What reads the file: the import of diaries, a label set, a crosswalk, a care list, a recipe, the project itself."""

Expectation = Literal["refused", "either", "rows"]

SECRET = "zq-the-secret-of-this-computer"
"""Stands in a file beside the hostile ones, which some of them try to read: it must not appear anywhere."""

SECRET_FILE = "secret.txt"


@dataclass(frozen=True, slots=True)
class HostileFile:
    """A file of the corpus.

    Attributes:
        kind: the family that results are counted by, such as ``xlsx``.
        name: of the file; may be one that is hostile by itself.
        write: makes the file at a path; the generator is seeded by the corpus' seed and the name.
        expected: ``refused``, ``rows`` (read, and nothing else happens), or ``either`` of the two.
    """

    kind: str
    name: str
    write: Callable[[Path, Random], None]
    expected: Expectation = "either"
    entry: Entry = "import"

    def make(self, folder: Path, seed: int) -> Path:
        """Write the file into a folder and return its path."""
        path = folder / self.name
        self.write(path, Random(zlib.crc32(self.name.encode("utf-8", "surrogateescape")) ^ seed))
        return path


def of_bytes(content: Callable[[Random], bytes]) -> Callable[[Path, Random], None]:
    """Return a function that writes the bytes that another function makes."""

    def write(path: Path, random: Random) -> None:
        path.write_bytes(content(random))

    return write


def of_text(*parts: str | tuple[str, int]) -> Callable[[Path, Random], None]:
    """Return a function that writes texts one after the other; one with a number is repeated that many times.

    Large files are described, not held in memory: tests import the corpus without making them.
    """

    def write(path: Path, _: Random) -> None:
        with path.open("wb") as out:
            for part in parts:
                text, times = (part, 1) if isinstance(part, str) else part
                out.write(text.encode() * times)

    return write
