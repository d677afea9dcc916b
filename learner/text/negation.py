"""Which units a negation joins: 안 or 못 with the word behind it, -지 않다, 못하다 or 말다 with the word before it.

By itself the 않았다 of 울지 않았다 says nothing, and 울지 says the contrary of what stands there. People are shown the
two as one. Found by parts of speech (mecab-ko), since 안 is also "inside" and begins 안녕 and 안경.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from learner.text.units import tagged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.text.characters import Span, Spans
    from learner.text.units import Morpheme

Groups = tuple[tuple[int, ...], ...]

_BEFORE = {"안", "못"}
_AFTER = re.compile("[않못말마]")
_AFTER_STEM = re.compile("[지치질진]$|^지")
"""The ending that 않다, 못하다 and 말다 negate; with another one 말다 says something else (먹고 말았다)."""

_LONG = 3000
"""Characters from which on only what lies around the units is analysed; 1,000 take about 10 ms."""

_CONTEXT = 40
"""Characters beside a unit that the analyser sees too: some words, so that a negation is whole."""

_NOT_NEGATED = re.compile("그래도|마땅")
"""안 그래도 (as it is) and 못마땅하다 (be displeased): what follows isn't negated."""


def find_groups(text: str, spans: Sequence[Span]) -> Groups:
    """Return the units that belong together because one negates the other.

    Args:
        spans: units of the text, ascending, not overlapping; need not cover it.

    Returns:
        For each negation that more than one unit has a part in, the indices of those, ascending. No index occurs
        twice. Empty where the analyser fails.
    """
    groups: list[tuple[int, ...]] = []
    negations = [
        (first + a, first + b) for first, last in _parts(text, spans) for a, b in _find_negations(text[first:last])
    ]
    for start, end in negations:
        members = tuple(i for i, span in enumerate(spans) if span[0] < end and span[1] > start)
        # Two negations can meet in one unit although their characters don't.
        if groups and members and members[0] <= groups[-1][-1]:
            members = tuple(sorted({*groups.pop(), *members}))
        if members:
            groups.append(members)
    return tuple(group for group in groups if len(group) > 1)


def merge(spans: Sequence[Span], weights: NDArray[np.float32], groups: Groups) -> tuple[Spans, NDArray[np.float32]]:
    """Return the units with each group as one, its weight being the sum of its members' weights.

    In a linear model of which units are there, the sum is what the group adds as a whole.

    Args:
        weights: (n, k), a row for each span.
        groups: of `find_groups`, for the same spans.

    Returns:
        Ascending spans, and (m, k) weights, m <= n.
    """
    first_of = {member: group[0] for group in groups for member in group}
    merged: dict[int, tuple[Span, NDArray[np.float32]]] = {}
    for i, span in enumerate(spans):
        first = first_of.get(i, i)
        if first in merged:
            (start, _), weight = merged[first]
            merged[first] = (start, span[1]), weight + weights[i]
        else:
            merged[first] = span, weights[i]
    k = weights.shape[1]
    rows = [weight for _, weight in merged.values()]
    return tuple(span for span, _ in merged.values()), np.stack(rows) if rows else np.zeros((0, k), np.float32)


def _parts(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return the parts of a text that are analysed: all of it, or in a very long one what lies around the units."""
    if len(text) <= _LONG:
        return [(0, len(text))]
    parts: list[Span] = []
    for start, end in spans:
        first = text.rfind(" ", 0, max(start - _CONTEXT, 0)) + 1
        behind = text.find(" ", end + _CONTEXT)
        last = behind if behind >= 0 else len(text)
        if parts and first <= parts[-1][1]:
            parts[-1] = parts[-1][0], max(last, parts[-1][1])
        else:
            parts.append((first, last))
    return parts


# A screen asks for the same few diaries again and again; the analysis takes about 1 ms per 100 characters.
@lru_cache(maxsize=64)
def _find_negations(text: str) -> tuple[Span, ...]:
    """Return the characters of each negation with what it negates; ascending, not overlapping."""
    morphemes = tagged(text) or ()
    spans = [_with_next(morphemes, i) or _with_previous(morphemes, i) for i in range(len(morphemes))]
    return _joined(sorted(span for span in spans if span))


def _with_next(morphemes: Sequence[Morpheme], at: int) -> Span | None:
    """안 and 못 before a verb or an adjective."""
    this = morphemes[at]
    if this.tag != "MAG" or this.surface not in _BEFORE or _negated_before(morphemes, at) is not None:
        return None
    negated = at + 1
    if negated < len(morphemes) and morphemes[negated].tag == "MAG":
        negated += 1
    if not _is_predicate(morphemes, negated) or _NOT_NEGATED.match(morphemes[negated].surface):
        return None
    return this.start, morphemes[_last_of_word(morphemes, negated)].end


def _with_previous(morphemes: Sequence[Morpheme], at: int) -> Span | None:
    """않다, 못하다 and 말다 behind a stem with -지."""
    this = morphemes[at]
    is_negation = this.tag.startswith("VX") and _AFTER.match(this.surface)
    if not is_negation and not (this.tag == "MAG" and this.surface == "못"):
        return None
    ending = _negated_before(morphemes, at)
    if ending is None:
        return None
    first = _first_of_word(morphemes, ending)
    return morphemes[first].start, morphemes[_last_of_word(morphemes, at)].end


def _negated_before(morphemes: Sequence[Morpheme], at: int) -> int | None:
    """Return where the ending -지 stands before a negation; particles (-지는, -지를) may follow it."""
    place = at - 1
    while place >= 0 and morphemes[place].tag.startswith("J"):
        place -= 1
    if place < 0 or "EC" not in morphemes[place].tag or not _AFTER_STEM.search(morphemes[place].surface):
        return None
    return place


def _is_predicate(morphemes: Sequence[Morpheme], at: int) -> bool:
    if at >= len(morphemes):
        return False
    if morphemes[at].tag.startswith(("VV", "VA", "VX")):
        return True
    is_root = morphemes[at].tag in ("NNG", "NNP", "XR")
    return is_root and at + 1 < len(morphemes) and morphemes[at + 1].tag.startswith(("XSV", "XSA"))


def _first_of_word(morphemes: Sequence[Morpheme], at: int) -> int:
    """Return where the word that a morpheme ends began: behind a space, a sign or another word's particle."""
    while at > 0 and morphemes[at - 1].end == morphemes[at].start and _is_of_word(morphemes[at - 1].tag):
        at -= 1
    return at


def _last_of_word(morphemes: Sequence[Morpheme], at: int) -> int:
    while at + 1 < len(morphemes) and morphemes[at].end == morphemes[at + 1].start:
        if not _is_of_word(morphemes[at + 1].tag) and not morphemes[at + 1].tag.startswith("J"):
            break
        at += 1
    return at


def _is_of_word(tag: str) -> bool:
    return not tag.startswith(("J", "S", "UN"))


def _joined(spans: Sequence[Span]) -> Spans:
    joined: list[Span] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)
