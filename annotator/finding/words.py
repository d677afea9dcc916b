"""What somebody types into the search: words that must stand in a diary, phrases, and words that must not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from annotator.errors import UserError
from db.search import folding

MOST_CHARACTERS = 200
MOST_WORDS = 10

_QUOTES = str.maketrans("“”„‟＂", '"""""')
_PART = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True, slots=True)
class Words:
    """A search for words, folded as the index has them.

    Attributes:
        required: each stands in the diary, wherever.
        excluded: none stands in the diary.
    """

    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.required or self.excluded)

    def are_in(self, text: str) -> bool:
        """Return whether a text is a hit."""
        folded = folding.fold(text)
        return all(word in folded for word in self.required) and not any(word in folded for word in self.excluded)


def read_words(text: str) -> Words:
    """Return what a search asks for; nothing for blank text.

    Spaces, small and capital letters and the form of Hangul make no difference. ``"in quotes"`` is a phrase, and
    ``-word`` must not occur.

    Raises:
        UserError: ``find_too_long``; ``find_no_word`` if it is all quotes and minus signs.
    """
    if len(text) > MOST_CHARACTERS:
        raise UserError("find_too_long", count=len(text), most=MOST_CHARACTERS)
    required, excluded = dict[str, None](), dict[str, None]()
    for part in _PART.finditer(text.translate(_QUOTES)):
        word = folding.fold(part["phrase"] if part["word"] is None else part["word"])
        if word and word != "-":
            (excluded if part["minus"] else required)[word] = None
    if text.strip() and not required and not excluded:
        raise UserError("find_no_word")
    if len(required) + len(excluded) > MOST_WORDS:
        raise UserError("find_too_many_words", count=len(required) + len(excluded), most=MOST_WORDS)
    return Words(tuple(required), tuple(excluded))
