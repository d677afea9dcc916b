"""Text that people read in a sentence or as a name: what can't be seen, or would turn the text around, as an escape."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"
"""Make one character of several in emoji and some scripts, and do nothing else."""


def visible(text: str) -> str:
    """Return text on one line whose characters can all be seen; the others as escapes, such as ``\\u202e``.

    A file name with a line end or a mark of direction would else write a second line to a terminal, or show another
    ending than it has.
    """
    if text.isprintable():
        return text
    return "".join(c if _is_seen(c) else c.encode("unicode_escape").decode() for c in text)


def _is_seen(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _UNSEEN
