"""Why the classifier answered as it did: LIME over units of a diary, with few and well-chosen changed texts.

A local linear model of the head's scores on which units a text keeps (`learner.explanation.local_surrogate`). What
differs from lime's text explainer: units at exact offsets, two equal words being two features; removed words really
removed; each mask at most once; long diaries in levels, sentences first; scores instead of probabilities, so that a
new head is explained without the encoder.

Source: Ribeiro et al. (2016), "Why Should I Trust You?".
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.classification.classifier import softmax
from learner.errors import LearnerError
from learner.explanation.local_surrogate import CHUNK, FEW, STRONGEST, Asked, Level, Slopes, attribute
from learner.text.negation import find_groups, merge
from learner.text.units import UNITS, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Head
    from learner.explanation.local_surrogate import FeaturesOf
    from learner.text.characters import Span, Spans

    FloatArray = NDArray[np.float32]
    SlopesOf = Callable[[Sequence[Spans], FloatArray], FloatArray | None]

VERSION = 5
"""Of the way in which texts are changed and weighed: what another one kept is not used."""

SENTENCE = "sentence"
"""The unit that is given with the text instead of found in it."""

LEAST_BUDGET = CHUNK

CHARACTERS = 28_800
"""Of a level's changed texts, if nothing were removed from them: 96 of a diary of 300, about 4 s on two cores."""

_LEAST_WITHOUT_SLOPES = 96

CHARACTERS_WITH_SLOPES = 4_800
"""The same where slopes are known: 12 of a diary of 300, with the slopes about 1.5 s."""

CHARACTERS_OF_FEW = 9_000
"""The same for few groups and an encoder that can say slopes, which few groups do without."""

MOST_DIRECTIONS = 4
"""Likeliest labels whose slopes are asked for; each takes about as long as the whole text."""

MOST_BUDGET = 384

MOST_UNITS = 80

_REST = 4
"""Groups of what is not examined unit by unit."""

_PARALLEL = 1e-3
"""Share of a direction's length below which it is spanned by the others."""

_CLEAR = 1 / 3
"""Share of the strongest unit's weight from which on another one is named beside it."""

_MOST_REMOVED = 8
"""Removals that are kept, the latest."""

_MOST_LABELS = 3
"""Likeliest labels whose clear words are removed, so that a head that prefers another of them needs no encoder."""

_NEARLY = 0.8
"""Share of the clear words' weight from which on words that were removed before are removed in their place."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What becomes of the likeliest label's probability without the words that speak for it.

    Attributes:
        label: column of the likeliest label.
        spans: the words, at most three.
        before, after: probability with and without them.
    """

    label: int
    spans: Spans
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Explained:
    """What each unit adds to the score of each label, around this text.

    Attributes:
        spans: the n units that were examined, ascending: all of the text, or in a long text those of the
            sentences that matter most for its likeliest label.
        weights: (n, k) float32 on scores whose mean over the labels is 0: positive speaks for a label, and the
            difference of two columns says why one label rather than the other.
        fit: (k,) float32, weighted R² of the local model for each label, at most 1. 1 where the label's
            score doesn't change or there is one unit; 0 where there is none.
        stability: share of the strongest units whose sign is beyond chance, in [0, 1].
        deletion: None where no unit speaks for the likeliest label.
        arc: (sentences, k) probabilities of each sentence by itself.
        sample_count: different texts that the encoder was asked about for the local models.
    """

    spans: Spans
    weights: FloatArray
    fit: FloatArray
    stability: float
    deletion: Deletion | None
    arc: FloatArray
    sample_count: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What an explanation knows that no new head changes: with it the next head is explained without the encoder.

    Attributes:
        levels: local models, in the order in which they were looked at.
        texts: features of the whole text, its sentences, and the text without its strongest words, by hash.
        removed: what was taken out of the latter, without repeats.
    """

    levels: tuple[Level, ...] = ()
    texts: dict[str, FloatArray] = field(default_factory=dict)
    removed: tuple[Spans, ...] = ()

    def to_bytes(self) -> bytes:
        """Return safetensors bytes: about 60 KB for a diary of 24 words; 16 bits a number but for the texts."""
        from safetensors.numpy import save

        tensors: dict[str, NDArray[Any]] = {f"text/{key}": row for key, row in self.texts.items()}
        facts = []
        for number, level in enumerate(self.levels):
            for name in _HALVED:
                tensors[f"{number}/{name}"], tensors[f"{number}/{name}/steps"] = _halved(getattr(level, name))
            tensors[f"{number}/errors"] = level.errors
            facts.append([level.groups, level.sample_count, level.chunks])
        return bytes(save(tensors, metadata={"kept": json.dumps([facts, self.removed])}))


_HALVED = ("matrix", "misfit", "spread", "surprise")


def _halved(rows: FloatArray) -> tuple[NDArray[np.int16], FloatArray]:
    """Return numbers in even steps of each row's own size: finer than float16 where it matters for sums."""
    steps = np.abs(rows).max(axis=1, keepdims=True, initial=0) / np.iinfo(np.int16).max
    return np.rint(rows / np.maximum(steps, np.finfo(np.float32).tiny)).astype(np.int16), np.asarray(steps, np.float32)


def kept_from_bytes(data: bytes) -> Kept:
    """Return what `Kept.to_bytes` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    facts, removed = json.loads(header["__metadata__"]["kept"])
    levels = []
    for number, (groups, sample_count, chunks) in enumerate(facts):
        arrays = {name: tensors[f"{number}/{name}"] * tensors[f"{number}/{name}/steps"] for name in _HALVED}
        arrays["errors"] = tensors[f"{number}/errors"]
        levels.append(Level(groups=_spans(groups), sample_count=sample_count, chunks=chunks, **arrays))
    texts = {name.removeprefix("text/"): row for name, row in tensors.items() if name.startswith("text/")}
    return Kept(tuple(levels), texts, _spans(removed))


def _spans(groups: list[list[list[int]]]) -> tuple[Spans, ...]:
    return tuple(tuple((start, end) for start, end in group) for group in groups)


def explain(
    text: str,
    *,
    unit: str,
    sentences: Sequence[Span],
    features_of: FeaturesOf,
    head: Head,
    seed: int,
    budget: int | None = None,
    most_units: int = MOST_UNITS,
    kept: Kept | None = None,
    slopes_of: SlopesOf | None = None,
    filler: str = "",
) -> tuple[Explained, Kept]:
    """Explain a head's answer for one text. The same arguments give the same result.

    Args:
        unit: key of `learner.text.units.UNITS`, or `SENTENCE`.
        sentences: ascending spans; levels go by them where there are more than `most_units` units.
        features_of: given texts, none twice in a call or between calls, "" possible, returns what the head reads of
            them, (m, features); called several times with many texts each.
        head: weight (k, features) and bias (k,) of scores whose softmax are the probabilities.
        seed: of `seed_of`.
        budget: most changed texts of a level, at least 12; `budget_of` by default. Where 2**units fits, the seed has no
            influence.
        most_units: most units to examine, at least 2.
        kept: of an earlier explanation of this text with the same other arguments but for the head.
        slopes_of: given groups of spans and directions in the features, (r, features), returns how fast the scores rise
            with each group, (g, r), or None; see `learner.explanation.input_gradients`.
        filler: takes the place of what is removed from changed texts, such as a mask token; by default nothing does.
            The deletion check always removes.

    Raises:
        LearnerError: for an unknown unit, too small a budget, or features that aren't finite numbers.
    """
    if unit not in (SENTENCE, *UNITS):
        raise LearnerError("unit_unknown", name=unit, known=", ".join((SENTENCE, *UNITS)))
    if budget is not None and budget < LEAST_BUDGET:
        raise LearnerError("explanation_budget", budget=budget, least=LEAST_BUDGET)
    lens = _Lens(text, features_of, head, seed, kept or Kept(), slopes_of, filler)
    found = tuple(span for span in sentences if text[slice(*span)].strip()) if unit == SENTENCE else UNITS[unit](text)
    lens.expect([text[start:end] for start, end in sentences])
    groups, examined = _groups(_by_sentence(found, sentences), lens, max(most_units, 2))
    most = budget_of(text, len(groups), has_slopes=slopes_of is not None) if budget is None else budget
    level = lens.look(groups, most) if groups else None
    spans = tuple(group[0] for group in groups[:examined])
    weights = np.zeros((0, lens.k), np.float32) if level is None else level.weights(lens.weight)[:examined]
    explained = Explained(
        spans=spans,
        weights=weights,
        fit=np.zeros(lens.k, np.float32) if level is None else level.fit(lens.weight),
        stability=1.0 if level is None else level.stability(lens.direction),
        deletion=_deletion(lens, text, spans, weights),
        arc=lens.proba([text[start:end] for start, end in sentences]),
        sample_count=lens.sample_count,
    )
    return explained, lens.kept()


def budget_of(text: str, groups: int, *, has_slopes: bool) -> int:
    """Return how many changed texts may be asked about: more of a short diary, so that most take about as long."""
    of_few = CHARACTERS_OF_FEW if groups <= FEW else CHARACTERS_WITH_SLOPES
    characters, least = (of_few, LEAST_BUDGET) if has_slopes else (CHARACTERS, _LEAST_WITHOUT_SLOPES)
    return min(MOST_BUDGET, max(least, characters // max(len(text), 1)))


def seed_of(diary_hash: str | bytes | int, unit: str) -> int:
    """Return the seed of an explanation, in [0, 2**63): everybody is shown the same, and every head asks the same.

    Args:
        diary_hash: of the diary's text; the same hash as text, bytes or number gives different seeds.
        unit: key of `learner.text.units.UNITS`.
    """
    digest = blake2b(repr((diary_hash, unit)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def against_the_rest(weights: FloatArray, proba: FloatArray, label: int) -> FloatArray:
    """Return what each unit adds to the log-odds of a label, (n,): its score against the others', the likely ones most.

    Args:
        weights: (n, k) of `Explained`.
        proba: (k,) of the text.
    """
    others = np.delete(np.asarray(proba, np.float64), label)
    rest = np.delete(weights, label, axis=1) @ (others / max(others.sum(), 1e-12))
    return np.asarray(weights[:, label] - rest, np.float32)


class _Lens:
    """One text seen through its encoder and a head."""

    def __init__(
        self,
        text: str,
        features_of: FeaturesOf,
        head: Head,
        seed: int,
        kept: Kept,
        slopes_of: SlopesOf | None,
        filler: str,
    ) -> None:
        self._text, self._seed, self._kept = text, seed, kept
        self._slopes_of, self._filler = slopes_of, filler
        self._asked = Asked(features_of)
        self._levels: list[Level] = []
        self._texts: dict[str, FloatArray] = {}
        self._known = dict(kept.texts)
        self.removed = list(kept.removed)
        self._head = head
        # Scores are free up to a common shift.
        self.weight = np.asarray(head[0] - head[0].mean(axis=0), np.float32)
        self.k = len(head[1])
        whole = self.proba([text])[0]
        ranked = np.argsort(-whole, kind="stable").tolist()
        self.likeliest = ranked[:_MOST_LABELS]
        self.top = ranked[0]
        self.before = float(whole[self.top])
        self.direction = against_the_rest(self.weight.T, whole, self.top)
        spanning = np.vstack([self.direction, self.weight[ranked[:MOST_DIRECTIONS]]])
        self._directions = _right_angled(spanning)[:MOST_DIRECTIONS]

    @property
    def sample_count(self) -> int:
        return sum(level.sample_count for level in self._levels)

    def expect(self, texts: Sequence[str]) -> None:
        """Have texts that will be wanted asked about together with others."""
        self._asked.expect([text for text in texts if _key(text) not in self._known])

    def look(self, groups: Sequence[Spans], budget: int) -> Level:
        """Return the local model of some groups, the kept one if it is of just these."""
        number = len(self._levels)
        known = self._kept.levels[number] if number < len(self._kept.levels) else None
        if known is None or known.groups != tuple(groups):
            known = attribute(
                self._text,
                groups,
                self._asked,
                budget=budget,
                seed=self._seed,
                slopes_of=self._slopes,
                filler=self._filler,
            )
        self._levels.append(known)
        return known

    def _slopes(self, groups: Sequence[Spans]) -> Slopes | None:
        if self._slopes_of is None or not len(self._directions):
            return None
        values = self._slopes_of(groups, self._directions)
        return None if values is None else Slopes(self._directions, values)

    def rank(self, groups: Sequence[Spans]) -> list[int]:
        """Order groups by how much they matter for the likeliest label, ties in the order of the text."""
        size = np.abs(self.look(groups, CHUNK).weights(self.direction))
        return [int(i) for i in np.argsort(-size, kind="stable")]

    def proba(self, texts: Sequence[str]) -> FloatArray:
        """Return probabilities of texts, (n, k), and keep their features."""
        if not texts:
            return np.zeros((0, self.k), np.float32)
        keys = [_key(text) for text in texts]
        missing = [text for key, text in zip(keys, texts, strict=True) if key not in self._known]
        if missing:
            self._known.update(zip(map(_key, missing), self._asked.features(missing), strict=True))
        self._texts.update((key, self._known[key]) for key in keys)
        features = np.stack([self._known[key] for key in keys])
        return softmax(np.asarray(features @ self._head[0].T + self._head[1], np.float32))

    def expect_without(self, removed: Sequence[Spans]) -> None:
        """Have the text without some spans, or without others, asked about together with the next ones, and kept."""
        self.removed += [spans for spans in dict.fromkeys(removed) if spans not in self.removed]
        self.expect([self._without(spans) for spans in removed])

    def without(self, spans: Spans) -> float:
        """Return the likeliest label's probability without some spans."""
        if spans not in self.removed:
            self.removed.append(spans)
        return float(self.proba([self._without(spans)])[0, self.top])

    def _without(self, spans: Spans) -> str:
        return without(self._text, spans, [False] * len(spans))

    def kept(self) -> Kept:
        removed = tuple(self.removed[-_MOST_REMOVED:])
        for spans in removed:
            self.without(spans)  # so that what is left of the text is kept with it
        return Kept(tuple(self._levels), self._texts, removed)


def _right_angled(rows: FloatArray) -> FloatArray:
    """Return directions of length 1 at right angles that span the rows, the first row's first (Gram and Schmidt)."""
    found: list[FloatArray] = []
    for row in rows:
        left = row - sum((row @ other * other for other in found), np.zeros_like(row))
        if np.linalg.norm(left) > _PARALLEL * max(float(np.linalg.norm(row)), 1e-9):
            found.append(left / np.linalg.norm(left))
    return np.stack(found) if found else np.zeros((0, rows.shape[1]), np.float32)


def _key(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _deletion(lens: _Lens, text: str, spans: Spans, weights: FloatArray) -> Deletion | None:
    """Remove the clear words for the likeliest label, negations whole, and look what is left of it.

    Words that were removed for an earlier head are removed again if they weigh nearly as much: their text is known. So
    that it is known for a head to come, the clear words for the next likeliest labels are removed as well.
    """
    joined, sums = merge(spans, weights, find_groups(text, spans))
    strongest, *others = (_clear(joined, sums[:, label]) for label in lens.likeliest)
    if not strongest:
        return None
    weight_of = dict(zip(joined, sums[:, lens.top].tolist(), strict=True))
    least = _NEARLY * sum(weight_of[span] for span in strongest)
    known = [spans for spans in lens.removed if _weight(spans, weight_of) >= least]
    if not known:
        lens.expect_without([words for words in others if words])
    removed = max(known, key=lambda spans: _weight(spans, weight_of), default=strongest)
    return Deletion(lens.top, removed, lens.before, lens.without(removed))


def _clear(spans: Spans, weights: FloatArray) -> Spans:
    """Return the strongest spans that speak for a label and aren't far behind the first, in the order of the text."""
    order = np.argsort(-weights, kind="stable")[:STRONGEST]
    return tuple(sorted(spans[i] for i in order if weights[i] > 0 and weights[i] >= _CLEAR * weights[order[0]]))


def _weight(spans: Spans, weight_of: dict[Span, float]) -> float:
    """Return what spans weigh together; nothing if one of them doesn't speak for the label."""
    weights = [weight_of.get(span, 0.0) for span in spans]
    return sum(weights) if min(weights) > 0 else 0.0


def _by_sentence(units: Spans, sentences: Sequence[Span]) -> list[Spans]:
    """Group units by the sentence that they begin in."""
    starts = [start for start, _ in sentences]
    groups: dict[int, list[Span]] = {}
    for span in units:
        groups.setdefault(max(bisect_right(starts, span[0]) - 1, 0), []).append(span)
    return [tuple(group) for group in groups.values()]


def _groups(parts: list[Spans], lens: _Lens, most_units: int) -> tuple[list[Spans], int]:
    """Narrow parts of a text, each a run of units, down to at most so many units in the parts that matter.

    A round weighs at most `most_units` blocks of neighbouring parts and takes the weightiest that fit. Where that
    fills less than half, the weightiest that was too large is looked into as well, in the next round.

    Returns:
        The units that are examined, each by itself, and behind them all others in few larger groups; how many
        the former are.
    """
    everything = [span for part in parts for span in part]
    while _size(parts) > most_units:
        if len(parts) == 1:
            parts = _finer(parts, most_units)
        blocks = [[parts[i] for i in run] for run in _runs(len(parts), most_units)]
        groups = [tuple(span for part in block for span in part) for block in blocks]
        fits, too_large = _take([blocks[i] for i in lens.rank(groups)], most_units)
        parts = sorted(fits)
        if 2 * _size(fits) < most_units:
            opened = too_large if len(too_large) > 1 else _finer(too_large, most_units)
            parts = sorted(fits + opened)
    examined = {span for part in parts for span in part}
    units = [(span,) for span in everything if span in examined]
    return [*units, *_rest(everything, examined)], len(units)


def _rest(units: list[Span], examined: set[Span]) -> list[Spans]:
    """Return the other units in at most `_REST` groups of neighbours.

    They come and go, too, as in LIME: what a word does is seen in the whole neighbourhood of the text, and
    shorter texts are read sooner.
    """
    others = [span for span in units if span not in examined]
    runs = _runs(len(others), _REST) if others else []
    return [tuple(others[i] for i in run) for run in runs]


def _size(parts: list[Spans]) -> int:
    return sum(map(len, parts))


def _runs(count: int, most: int) -> list[list[int]]:
    """Deal 0 … count - 1 into at most so many runs of about equal length."""
    return [run.tolist() for run in np.array_split(np.arange(count), min(count, most))]


def _finer(parts: list[Spans], most: int) -> list[Spans]:
    """Break the only part into at most so many runs of units."""
    (part,) = parts
    return [tuple(part[i] for i in run) for run in _runs(len(part), most)]


def _take(ranked: list[list[Spans]], most_units: int) -> tuple[list[Spans], list[Spans]]:
    """Return the parts of the blocks that fit together, best first, and those of the best block that doesn't."""
    fits: list[Spans] = []
    too_large: list[Spans] = []
    for block in ranked:
        if _size(fits) + _size(block) <= most_units:
            fits += block
        elif not too_large:
            too_large = block
    return fits, too_large
