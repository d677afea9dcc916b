"""Words of a text in the form that a dictionary lists them, at exact offsets.

What counts as a word, by the parts of speech of mecab-ko: nouns, verbs and adjectives, adverbs, exclamations, and
what people write instead of them (ㅋㅋ, ㅠㅠ, ^^, emoji). Particles, endings, pronouns, bound nouns, numerals,
auxiliary verbs, conjunctions and punctuation are none. Forms:

- verbs and adjectives as stem + 다: 기뻤어요 is 기쁘다, 행복했던 is 행복하다;
- what somebody wishes as one: 보고 싶었다 is 보고 싶다, not 보다;
- nouns side by side without a space as one: 생일파티에서 is 생일파티;
- what is negated by 안, 못 or -지 않다, -지 못하다, -지 말다 as a form of its own: 기쁘지 않았다 and 안 기뻤다 are
  안 기쁘다, 못 갔다 and 가지 못했다 are 못 가다;
- runs of one jamo as two of them (ㅋㅋㅋㅋ is ㅋㅋ, ㅜㅠㅜ is ㅠㅠ), emoji without their variant.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from learner.text.characters import is_inside_character
from learner.text.negation import find_groups
from learner.text.units import tagged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from learner.text.units import Morpheme

MAX_FORM_CHARACTERS = 40
"""Longer than any word; nouns side by side without end are none."""

_NOUNS = {"NNG", "NNP", "XR", "SL"}
_PREDICATES = {"VV", "VA"}
_MAKES_PREDICATE = {"XSV", "XSA"}
_ALONE = {"MAG", "IC"}
NEGATED = ("안 ", "못 ")
"""How the forms of what is negated begin."""

_SAY_NOTHING = {"안", "못", "다"}
"""안 and 못 belong to what they negate; 다 is mostly an ending that was taken for "all"."""

_EMOJI = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[\u203c\u2049\u2122\u2139\u2190-\u21ff\u231a-\u23ff\u25aa-\u27bf\u2934\u2935"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
    "[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*)"
)
_SIGN = re.compile(
    rf"{_EMOJI}(?:\u200d{_EMOJI})*"
    r"|[ㅠㅜ][_.][ㅠㅜ]|ㅋ+|ㅎ+|[ㅠㅜ]+|[ㄱ-ㅎㅏ-ㅣ]{2,}"
    r"|\^[_.\-]?\^|>[_.]?<|[TtㅡㅜOo-][_.][TtㅡㅜOo-]|[:;=]['’]?-?[()DPp3]+|<3|;{2,}"
)
_VARIANT = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


class Word(NamedTuple):
    """A word where it stands.

    Attributes:
        start, end: half-open characters of the raw text, with the particles and endings that it carries.
        form: as a dictionary lists it, at most `MAX_FORM_CHARACTERS` long.
    """

    start: int
    end: int
    form: str


@dataclass(slots=True)
class _Draft:
    """A word being built from the morphemes `first` to `last`."""

    first: int
    last: int
    stem: str
    kind: Literal["noun", "predicate", "other"]
    negation: str = ""
    start: int = 0
    end: int = 0

    @property
    def form(self) -> str:
        form = f"{self.stem}다" if self.kind == "predicate" else self.stem
        return f"{self.negation} {form}" if self.negation and self.kind == "predicate" else form


# A screen asks for the same few texts again and again; a word takes about 200 bytes.
@lru_cache(maxsize=256)
def find_words(text: str) -> tuple[Word, ...]:
    """Return the words of a text, ascending, not overlapping; none where the analyser fails."""
    composed, places = _compose(text)
    signs = [Word(match.start(), match.end(), _sign_form(match[0])) for match in _SIGN.finditer(composed)]
    candidates = [*_analysed(composed, signs), *signs]
    words: list[Word] = []
    for word in sorted(candidates):
        start, end = _whole(text, places[word.start], places[word.end])
        free = words[-1].end if words else 0
        if free <= start < end and 0 < len(word.form) <= MAX_FORM_CHARACTERS:
            words.append(Word(start, end, word.form))
    return tuple(words)


def _compose(text: str) -> tuple[str, Sequence[int]]:
    """Return the text with composed syllables, as the analyser knows them, and where each character of it stood."""
    if unicodedata.is_normalized("NFC", text):
        return text, range(len(text) + 1)
    parts: list[str] = []
    places: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and is_inside_character(text, end):
            continue
        part = unicodedata.normalize("NFC", text[start:end])
        parts.append(part)
        places += [min(start + i, end - 1) for i in range(len(part))]
        start = end
    return "".join(parts), [*places, len(text)]


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span that tears no character, as people see it, apart."""
    while is_inside_character(text, start):
        start -= 1
    while is_inside_character(text, end):
        end += 1
    return start, end


def _sign_form(sign: str) -> str:
    if re.fullmatch("[ㅠㅜ][_.]?[ㅠㅜ]|[ㅠㅜ]{2,}", sign):
        return "ㅠㅠ"
    return re.sub(r"([ㄱ-ㅎㅏ-ㅣ;()])\1+", r"\1\1", _VARIANT.sub("", sign))


def _analysed(text: str, signs: Sequence[Word]) -> list[Word]:
    """Return the words that are made of morphemes."""
    morphemes = tagged(text) or ()
    is_sign = [any(s.start < m.end and m.start < s.end for s in signs) for m in morphemes] if signs else None
    drafts = _drafts(morphemes, is_sign or [False] * len(morphemes))
    for draft in drafts:
        if draft.first and draft.stem.startswith("마땅") and _touch(morphemes, draft.first - 1, "못"):
            draft.first, draft.stem = draft.first - 1, f"못{draft.stem}"
        draft.start, draft.end = morphemes[draft.first].start, morphemes[draft.last].end
    _negate(text, morphemes, drafts)
    return [Word(draft.start, draft.end, _plain(draft.form)) for draft in drafts]


def _touch(morphemes: Sequence[Morpheme], at: int, surface: str) -> bool:
    return morphemes[at].surface == surface and morphemes[at].end == morphemes[at + 1].start


def _plain(form: str) -> str:
    return unicodedata.normalize("NFC", form).casefold()


def _drafts(morphemes: Sequence[Morpheme], is_sign: Sequence[bool]) -> list[_Draft]:
    drafts: list[_Draft] = []
    current: _Draft | None = None
    for i, morpheme in enumerate(morphemes):
        touches = current is not None and morphemes[current.last].end == morpheme.start
        if is_sign[i] or _is_mark(morpheme.tag):
            current = None
            continue
        stem, tag = _head(morpheme)
        if tag == "VX" and stem == "싶" and drafts and _is_wish(morphemes, drafts[-1], i):
            current = drafts[-1]
            current.stem, current.last = f"{current.stem}고 싶", i
            continue
        if current is not None and touches and _continues(current, stem, tag, open_noun=_is_open(morphemes, current)):
            current.last = i
            continue
        current = _begin(i, stem, tag)
        if current is not None:
            drafts.append(current)
    return drafts


def _is_wish(morphemes: Sequence[Morpheme], draft: _Draft, at: int) -> bool:
    """Return whether 싶다 follows a verb with -고, with or without a space."""
    before = morphemes[at - 1]
    return draft.kind == "predicate" and draft.last == at - 1 and before.tag == "EC" and before.surface == "고"


def _is_mark(tag: str) -> bool:
    return tag.startswith("S") and tag != "SL"


def _head(morpheme: Morpheme) -> tuple[str, str]:
    """Return the first of the morphemes that a piece holds, 가/VV of 갔, with its part of speech."""
    first = morpheme.tag.split("+")[0]
    if "+" not in morpheme.tag or "/" not in morpheme.parts:
        return morpheme.surface, first
    return morpheme.parts.split("/")[0], first


def _is_open(morphemes: Sequence[Morpheme], draft: _Draft) -> bool:
    """Return whether another noun or a suffix can still join: no particle or ending has come yet."""
    return draft.kind == "noun" and morphemes[draft.last].tag in _NOUNS | {"XSN", "XPN"}


def _continues(draft: _Draft, stem: str, tag: str, *, open_noun: bool) -> bool:
    """Let a morpheme that touches a word join it, if it belongs to it."""
    if tag in _MAKES_PREDICATE and open_noun:
        draft.stem, draft.kind = draft.stem + stem, "predicate"
        return True
    if tag in _NOUNS | {"XSN"} and open_noun:
        draft.stem += stem
        return True
    return tag in ("VX", "VCP") or (tag[:1] in ("J", "E", "X") and tag not in ("XPN", "XR"))


def _begin(at: int, stem: str, tag: str) -> _Draft | None:
    if tag in _NOUNS or tag == "XPN":
        return _Draft(at, at, stem, "noun")
    if tag in _PREDICATES:
        return _Draft(at, at, stem, "predicate")
    if tag in _ALONE and stem not in _SAY_NOTHING:
        return _Draft(at, at, stem, "other")
    return None


def _negate(text: str, morphemes: Sequence[Morpheme], drafts: list[_Draft]) -> None:
    """Give what a negation negates a form of its own, and the negation's characters where they lie beside it."""
    predicates = [i for i, draft in enumerate(drafts) if draft.kind == "predicate"]
    for group in find_groups(text, [(morpheme.start, morpheme.end) for morpheme in morphemes]):
        # An auxiliary can stand between: 가고 싶지 않다.
        inside = [i for i in predicates if drafts[i].first <= group[-1] and drafts[i].last + 1 >= group[0]]
        if not inside:
            continue
        at = inside[-1]
        negated = drafts[at]
        negated.negation = "못" if any(_is_unable(morphemes[i]) for i in group) else "안"
        if at == 0 or drafts[at - 1].last < group[0]:
            negated.start = min(negated.start, morphemes[group[0]].start)
        if at + 1 == len(drafts) or drafts[at + 1].first > group[-1]:
            negated.end = max(negated.end, morphemes[group[-1]].end)


def _is_unable(morpheme: Morpheme) -> bool:
    return morpheme.surface.startswith("못") and morpheme.tag.startswith(("MAG", "VX"))


def form_of(written: str) -> str:
    """Return the lookup form of a word or a short phrase as a person wrote it.

    The forms of its words with a space between: 눈물이 나다 is 눈물 나다. Empty where there is no word in it.
    """
    return " ".join(word.form for word in find_words(written))
