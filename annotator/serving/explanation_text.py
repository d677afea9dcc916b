"""An explanation in plain words: which words mattered, why not another label, and what changes without them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator.messages import say
from learner.text.characters import is_inside_character, legible
from learner.text.negation import find_groups, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.messages import Language
    from db.models.explanations import Explanation
    from learner.text.characters import Span, Spans

    FloatArray = NDArray[np.float32]

MOST_WORDS = 3
"""Words that a sentence names; a fourth is not read."""

REAL_SHARE = 1 / 3
"""A word is named if it weighs at least this share of the strongest."""

LEAST_WEIGHT = 0.02
"""Below this a word moves a probability by half a point at most: the logit's slope is 1/4. Not a reason."""

UNSURE_BELOW = 0.8
"""Chance that the first word outweighs the second under which their order is said to be unsure."""

WEAK_FIT = 0.3
"""R² under which the local model hardly follows the classifier."""

NO_FALL = 0.05
"""A probability that falls by no more than this without its words was not held up by them."""

CLOSE = 0.1
"""A lead over the second label below this is a guess: about what one word more or less in the text moves."""

_WORD_LENGTH = 14


@dataclass(frozen=True, slots=True)
class Reading:
    """An explanation as people read it.

    Attributes:
        sentence: why the likeliest label is the likeliest.
        contrast: why it isn't the second; None where there is no second label or no unit to tell them apart.
        deletion: what changes without the words; None if that was not tested.
        by_sentence: that most sentences by themselves speak for another label than the text does; None where not.
        groups: characters of each negation with what it negates, ascending; to be shown as one word.
    """

    sentence: str
    contrast: str | None
    deletion: str | None
    by_sentence: str | None
    groups: Spans


def is_guess(proba: Sequence[float], *, has_learned: bool) -> bool:
    """Return whether an answer is no more than a guess, of which no reason is stated as a fact.

    Args:
        proba: (k,), rows of the labels in force.
        has_learned: whether the model has learned from labels of this project, which the first one has not.
    """
    first, second = sorted((*proba, 0.0, 0.0), reverse=True)[:2]
    return not has_learned or first - second < CLOSE


def read(
    text: str,
    explanation: Explanation,
    proba: Sequence[float],
    names: Sequence[str],
    language: Language,
    *,
    has_learned: bool = True,
) -> Reading:
    """Put an explanation into words.

    Args:
        text: of the diary.
        proba: (k,), of the model that is explained.
        names: of the k labels.
        has_learned: see `is_guess`.
    """
    groups = find_groups(text, explanation.spans)
    spans, weights = merge(explanation.spans, explanation.weights, groups)
    order = sorted(range(len(proba)), key=lambda i: -proba[i])
    guess = is_guess(proba, has_learned=has_learned)
    reader = _Reader(text, spans, weights, names, language, "guess" if guess else "fact")
    sentence, named = reader.sentence(order[0], fit=explanation.fit[order[0]], stability=explanation.stability)
    return Reading(
        sentence=sentence,
        contrast=reader.contrast(order[0], order[1]) if len(order) > 1 and len(spans) > 1 else None,
        deletion=reader.deletion(explanation.deletion, named) if explanation.deletion else None,
        by_sentence=reader.by_sentence(order[0], explanation.arc or ()),
        groups=tuple((explanation.spans[group[0]][0], explanation.spans[group[-1]][1]) for group in groups),
    )


def spans_for(text: str, explanation: Explanation, label: int) -> Spans:
    """Return where the words stand that speak most for a label: those that a sentence would name, ascending."""
    spans, weights = merge(explanation.spans, explanation.weights, find_groups(text, explanation.spans))
    return tuple(sorted(spans[unit] for unit in real_words(weights[:, label], most=MOST_WORDS)[0]))


def real_words(weights: FloatArray, *, most: int) -> tuple[list[int], bool]:
    """Return the units that carry real weight, strongest first, and whether there are more than `most`.

    No unit stands out if even the strongest weighs next to nothing, or if most of the text, and more than `most`
    units, weigh nearly as much.

    Args:
        weights: (n,) of one label; above 0 speaks for it.
    """
    order = [int(i) for i in np.argsort(-weights, kind="stable")]
    if not order or weights[order[0]] < LEAST_WEIGHT:
        return [], False
    strongest = weights[order[0]]
    if int((weights >= strongest / 2).sum()) > max(most, len(order) / 2):
        return [], False
    real = [i for i in order if weights[i] >= max(strongest * REAL_SHARE, LEAST_WEIGHT)]
    return real[:most], len(real) > most


@dataclass(frozen=True, slots=True)
class _Reader:
    text: str
    spans: Spans
    weights: FloatArray
    names: Sequence[str]
    language: Language
    tone: Literal["fact", "guess"]

    def sentence(self, label: int, *, fit: float, stability: float | None) -> tuple[str, list[int]]:
        """Return a sentence on the units that spoke for a label, and these units."""
        name = self._name(label)
        if not self.spans:
            return say(f"wording.{self.tone}.no_words", self.language), []
        if len(self.spans) == 1:
            return say(f"wording.{self.tone}.one_word", self.language, word=self._units([0]), label=name), [0]
        units, has_more = real_words(self.weights[:, label], most=MOST_WORDS)
        if not units:
            return say(f"wording.{self.tone}.whole_text", self.language, label=name), []
        words = {"words": self._units(units), "label": name}
        parts = [
            say(f"wording.{self.tone}.words_like", self.language, **words)
            if has_more
            else say(f"wording.{self.tone}.words", self.language, **words)
        ]
        if fit < WEAK_FIT:
            parts.append(say("wording.weak", self.language))
        elif len(units) > 1 and stability is not None and stability < UNSURE_BELOW:
            parts.append(say("wording.unsure", self.language, chance=round(100 * stability)))
        return " ".join(parts), units

    def contrast(self, label: int, second: int) -> str:
        """Describe the units that decided between two labels. On centred logits weights differ as the labels do."""
        units, _ = real_words(self.weights[:, label] - self.weights[:, second], most=MOST_WORDS - 1)
        names = {"label": self._name(label), "second": self._name(second)}
        if not units:
            return say("wording.contrast_none", self.language, **names)
        return say(f"wording.{self.tone}.contrast", self.language, words=self._units(units), **names)

    def by_sentence(self, label: int, arc: Sequence[Sequence[float]]) -> str | None:
        """Describe how the sentences by themselves disagree with the text as a whole."""
        answers = Counter(int(np.argmax(proba)) for proba in arc)
        most = max(answers.values(), default=0)
        if len(arc) < 2 or answers[label] == most:
            return None
        others = [self._name(other) for other, count in answers.items() if count == most]
        if len(others) > 1:
            return say(f"wording.{self.tone}.by_sentence_others", self.language, label=self._name(label))
        names = {"other": others[0], "label": self._name(label)}
        return say(f"wording.{self.tone}.by_sentence_other", self.language, **names)

    def deletion(self, tried: dict[str, Any], named: Sequence[int]) -> str | None:
        """Describe how a label's probability changed without some units.

        Args:
            named: units that the sentence above has named; they are not named again.
        """
        label, before, after = tried["label_index"], tried["before"], tried["after"]
        removed_spans = self._removed([(start, end) for start, end in tried["spans"]])
        if not removed_spans or not 0 <= label < len(self.names):
            return None
        fell = before - after
        outcome = "falls" if fell > NO_FALL else "rises" if fell < -NO_FALL else "stays"
        sentence = say(
            f"wording.deletion_{outcome}",
            self.language,
            words=self._these(removed_spans, named),
            label=self._name(label),
            before=round(100 * before),
            after=round(100 * after),
        )
        random = tried.get("after_random")
        if random is None:
            return sentence
        count = len(tried["spans"])
        return say("wording.deletion_random", self.language, sentence=sentence, n=count, random=round(100 * random))

    def _removed(self, spans: Sequence[Span]) -> list[Span]:
        """Return the removed spans: whole units, or the removed part of a unit."""
        removed_spans: list[Span] = []
        for start, end in self.spans:
            parts = [(first, last) for first, last in spans if first < end and last > start]
            size = sum(len("".join(self.text[first:last].split())) for first, last in parts)
            is_whole = size >= len("".join(self.text[start:end].split()))
            removed_spans += [(start, end)] if parts and is_whole else parts
        return removed_spans

    def _these(self, removed_spans: Sequence[Span], named: Sequence[int]) -> str:
        if set(removed_spans) == {self.spans[i] for i in named}:
            return say("wording.these" if len(removed_spans) > 1 else "wording.this", self.language)
        words = self._words(removed_spans[:MOST_WORDS])
        if len(removed_spans) <= MOST_WORDS:
            return words
        return say("wording.and_more", self.language, words=words, n=len(removed_spans))

    def _units(self, units: Sequence[int]) -> str:
        return self._words([self.spans[i] for i in units])

    def _words(self, spans: Sequence[Span]) -> str:
        """List words, each once, with an "and" before the last."""
        words = dict.fromkeys(shown(self.text, span) for span in spans)
        *others, last = [say("board.quoted", self.language, word=word) for word in words]
        if not others:
            return last
        return say("wording.and", self.language, first=", ".join(others), last=last)

    def _name(self, label: int) -> str:
        return self.names[label]


def shown(text: str, span: Span) -> str:
    """Return a unit as a sentence quotes it: on one line, shortened, without punctuation around it."""
    word = " ".join(legible(text[span[0] : span[1]]).split())
    places = [i for i, character in enumerate(word) if not unicodedata.category(character).startswith("P")]
    if places:
        word = word[places[0] : places[-1] + 1]
    if len(word) <= _WORD_LENGTH:
        return word
    length = _WORD_LENGTH
    while length > 1 and is_inside_character(word, length):
        length -= 1
    return f"{word[:length]}…"
