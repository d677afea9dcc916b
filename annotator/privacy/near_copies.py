"""Texts that are nearly the same as others: most of their sentences are, but for spaces, punctuation and case."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHARE = 0.5
"""Of the letters of a text that stand in shared sentences, from which it is called a near copy."""

_FEWEST_LETTERS = 6
"""A shorter sentence is anybody's."""

_SENTENCES = re.compile(r"[.!?…。！？\n]+")
_NO_LETTERS = re.compile(r"[\W_]+")


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in one form: what is left of it however it was copied.

    Spaces, line ends, punctuation, case, marks that can't be seen and other ways to write the same letter are gone.
    """
    return _NO_LETTERS.sub("", _plain(text))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def sentences_of(text: str) -> list[str]:
    """Return the letters and digits of each sentence, in one form, those of very short ones left out."""
    found = [_NO_LETTERS.sub("", piece) for piece in _SENTENCES.split(_plain(text))]
    whole = "".join(found)
    long = [piece for piece in found if len(piece) >= _FEWEST_LETTERS]
    return long or ([whole] if whole else [])


def count(texts: Iterable[str], others: Iterable[str]) -> int:
    """Count the other texts that are nearly the same as one of the texts."""
    known = {piece for text in texts for piece in sentences_of(text)}
    return sum(_is_near(sentences_of(other), known) for other in others) if known else 0


def _is_near(pieces: list[str], known: set[str]) -> bool:
    letters = sum(map(len, pieces))
    return letters > 0 and sum(len(piece) for piece in pieces if piece in known) >= _SHARE * letters
