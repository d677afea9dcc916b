"""The word-emotion dictionary as arithmetic: evidence of words, tags of a text, and what both say of a prediction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from learner.classification.classifier import softmax

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from learner.text.characters import Span
    from learner.text.lemmas import Word

    FloatArray = NDArray[np.float32]

CAUTION = 3.0
"""Occurrences without any weight that a word counts as having beforehand, so that no word seen once comes first."""

MOST_EXAMPLES = 5
LONGEST_PHRASE = 4
"""Words of the longest entry that is looked for in a text."""

MAX_STRENGTH = 8.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the local models of some diaries say of the words in them.

    Attributes:
        forms: (w,) the words, the one with the strongest evidence for any label first.
        means: (w, k) mean weight of a word's occurrences; positive = speaks for that label.
        counts: (w,) occurrences.
        diary_counts: (w,) diaries with the word.
        examples: (w,) up to `MOST_EXAMPLES` diary ids each, those where it speaks most for its label first.
        diary_total: diaries that were looked at.
    """

    forms: tuple[str, ...]
    means: FloatArray
    counts: NDArray[np.int64]
    diary_counts: NDArray[np.int64]
    examples: tuple[tuple[int, ...], ...]
    diary_total: int

    @property
    def strengths(self) -> FloatArray:
        """Return the means, (w, k), drawn towards 0 the more the fewer occurrences there are; see `CAUTION`."""
        return np.asarray(self.means * (self.counts / (self.counts + CAUTION))[:, None], np.float32)


@dataclass(slots=True)
class _Seen:
    """What has been seen about a word: a sum of weights, and its weights in each diary."""

    total: FloatArray
    count: int = 0
    by_diary: dict[int, FloatArray] = field(default_factory=dict)


def share_weights(words: Sequence[Word], spans: Sequence[Span], weights: FloatArray) -> FloatArray:
    """Return what each word adds, (words, k): the weights of the units that it has characters in.

    A unit that several words have a part in is shared among them by characters, and a word of several units has the
    sum of its shares: in a linear model of which units are there, weights add up. Units without a word are left out.

    Args:
        words, spans: ascending, not overlapping.
        weights: (spans, k).
    """
    shared = np.zeros((len(words), weights.shape[1]), np.float32)
    pairs = _overlaps(words, spans)
    if not pairs:
        return shared
    word, span, size = np.array(pairs, np.int64).T
    whole = np.bincount(span, weights=size, minlength=len(spans))
    np.add.at(shared, word, weights[span] * (size / whole[span])[:, None].astype(np.float32))
    return shared


def _overlaps(words: Sequence[Word], spans: Sequence[Span]) -> list[tuple[int, int, int]]:
    """Return word, span and characters in common, for all that have some."""
    overlaps: list[tuple[int, int, int]] = []
    i = j = 0
    while i < len(words) and j < len(spans):
        size = min(words[i].end, spans[j][1]) - max(words[i].start, spans[j][0])
        if size > 0:
            overlaps.append((i, j, size))
        if words[i].end <= spans[j][1]:
            i += 1
        else:
            j += 1
    return overlaps


def aggregate(explained: Iterable[tuple[int, Sequence[Word], FloatArray]], *, k: int) -> Evidence:
    """Combine what words add in many diaries.

    Args:
        explained: diary id, its words, and what each adds, (words, k), as `share_weights` returns it.
    """
    seen: dict[str, _Seen] = {}
    diary_total = 0
    for diary_id, words, weights in explained:
        diary_total += 1
        for word, weight in zip(words, weights, strict=True):
            entry = seen.setdefault(word.form, _Seen(np.zeros(k, np.float32)))
            entry.total = entry.total + weight
            entry.count += 1
            entry.by_diary[diary_id] = entry.by_diary.get(diary_id, 0) + weight
    return _sorted(seen, k, diary_total)


def _sorted(seen: dict[str, _Seen], k: int, diary_total: int) -> Evidence:
    counts = np.array([entry.count for entry in seen.values()], np.int64)
    totals = np.array([entry.total for entry in seen.values()], np.float32).reshape(-1, k)
    strongest = (totals / (counts + CAUTION)[:, None]).max(axis=1, initial=-np.inf)
    order = np.argsort(-strongest, kind="stable")
    forms = list(seen)
    entries = [seen[forms[i]] for i in order]
    return Evidence(
        forms=tuple(forms[i] for i in order),
        means=np.asarray(totals[order] / np.maximum(counts[order], 1)[:, None], np.float32),
        counts=counts[order],
        diary_counts=np.array([len(entry.by_diary) for entry in entries], np.int64),
        examples=tuple(_examples(entry) for entry in entries),
        diary_total=diary_total,
    )


def _examples(entry: _Seen) -> tuple[int, ...]:
    label = int(entry.total.argmax())
    order = sorted(entry.by_diary, key=lambda diary_id: (-float(entry.by_diary[diary_id][label]), diary_id))
    return tuple(order[:MOST_EXAMPLES])


class Tag(NamedTuple):
    """A word, or a phrase of the dictionary, with what the dictionary says of it.

    Attributes:
        start, end: half-open characters of the raw text.
        label: None for no emotion; also for words that the dictionary does not have.
        is_known: whether the dictionary has it.
    """

    start: int
    end: int
    form: str
    label: int | None
    is_known: bool


def tag(words: Sequence[Word], entries: Mapping[str, int | None]) -> tuple[Tag, ...]:
    """Look up every word of a text; of entries that begin at the same word the longest counts.

    What is negated is another form: where the dictionary has 기쁘다, 안 기쁘다 is still a word that it does not have.

    Args:
        entries: label by form, None for words that are known to have no emotion.

    Returns:
        Ascending, not overlapping; every word lies in exactly one.
    """
    tags: list[Tag] = []
    at = 0
    while at < len(words):
        size, form = _longest(words, at, entries)
        tags.append(Tag(words[at].start, words[at + size - 1].end, form, entries.get(form), form in entries))
        at += size
    return tuple(tags)


def _longest(words: Sequence[Word], at: int, entries: Mapping[str, int | None]) -> tuple[int, str]:
    for size in range(min(LONGEST_PHRASE, len(words) - at), 1, -1):
        form = " ".join(word.form for word in words[at : at + size])
        if form in entries:
            return size, form
    return 1, words[at].form


def votes(tags: Iterable[Tag], label_ids: Sequence[int]) -> FloatArray:
    """Return how much the words of a text speak for each label, (k,) in [0, 1), sum below 1.

    Votes for a label over one more than all votes: more words say more, and no number of words says everything.

    Args:
        label_ids: labels in the order of the columns; words of other labels have no vote.
    """
    column_of = {label_id: column for column, label_id in enumerate(label_ids)}
    columns = [column_of[t.label] for t in tags if t.label is not None and t.label in column_of]
    return np.asarray(np.bincount(columns, minlength=len(label_ids)) / (len(columns) + 1), np.float32)


def adjust(proba: FloatArray, voted: FloatArray, *, strength: float) -> FloatArray:
    """Return probabilities, (n, k), moved towards the labels that a text's words speak for.

    log p + strength * votes, normalised: where no word votes, nothing changes.

    Args:
        proba: (n, k), rows sum to 1.
        voted: (n, k) of `votes`.
        strength: 0 or more.

    Source: Jurafsky and Martin (2025), Speech and Language Processing, ch. 4: lexicon features in a log-linear model.
    """
    return softmax(np.asarray(np.log(np.maximum(proba, 1e-9)) + strength * voted, np.float32))


def fit_strength(proba: FloatArray, voted: FloatArray, targets: FloatArray) -> float:
    """Return how much the dictionary should count: the strength with the smallest loss, held near 0.

    Half its square is added to the loss, so that few diaries move it little. The sum is convex: there is one smallest.

    Args:
        proba: (n, k) of classifiers that had not seen the diary.
        voted: (n, k) of `votes`.
        targets: (n, k), rows sum to 1.

    Returns:
        In [0, MAX_STRENGTH], with four decimals; 0 where no word votes or the dictionary does not help.
    """
    from scipy.optimize import minimize_scalar

    if not voted.any():
        return 0.0

    def loss(strength: float) -> float:
        refined = np.maximum(adjust(proba, voted, strength=strength), 1e-9)
        return float(-(targets * np.log(refined)).sum()) + strength**2 / 2

    best = float(minimize_scalar(loss, bounds=(0.0, MAX_STRENGTH), method="bounded").x)
    return round(best, 4) if loss(best) < loss(0.0) else 0.0
