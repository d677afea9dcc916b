"""Near-copies of texts: most of their sentences are the same, apart from spaces, punctuation and case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.forgetting.letters import sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHARE = 0.5
"""Of the letters of a text that stand in shared sentences, from which it is called a near copy."""


def count(texts: Iterable[str], others: Iterable[str]) -> int:
    """Count the other texts that are nearly the same as one of the texts."""
    known_pieces = {piece for text in texts for piece in sentences_of(text)}
    return sum(_is_near(sentences_of(other), known_pieces) for other in others) if known_pieces else 0


def _is_near(pieces: list[str], known_pieces: set[str]) -> bool:
    letters = sum(map(len, pieces))
    return letters > 0 and sum(len(piece) for piece in pieces if piece in known_pieces) >= _SHARE * letters
