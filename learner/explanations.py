"""Why the classifier answered as it did: LIME over units of a diary, with few and well-chosen changed texts.

A local linear model of the probabilities on which units a text keeps, fitted by lime's own `LimeBase`. What differs
from lime's text explainer: units at exact offsets, two equal words being two features; removed words really removed;
each mask at most once (`learner.masks`); long diaries in levels, sentences first.

Source: Ribeiro et al. (2016), "Why Should I Trust You?".
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from learner import masks
from learner.errors import LearnerError
from learner.units import UNITS, without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.characters import Span, Spans

    FloatArray = NDArray[np.float32]
    ProbaOf = Callable[[list[str]], FloatArray]

LEAST_BUDGET = 8

_COARSE_SHARE = 3
"""One in so many of the texts that are left goes into a level that only finds out where to look."""

_NO_CHANGE = 1e-6
"""Probabilities are float32; smaller differences are rounding, not an effect."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What each unit adds to the probability of each label, around this text.

    Attributes:
        spans: the n units that were examined, ascending: all of the text, or in a long text those of the
            sentences that matter most for its likeliest label.
        weights: (n, k) float32; about the change of probability when the unit is there.
        fit: (k,) float32, weighted R² of the local model for each label, at most 1. 1 where the label's
            probability doesn't change or there is one unit; 0 where there is none.
        sample_count: different texts that the classifier was asked about.
    """

    spans: Spans
    weights: FloatArray
    fit: FloatArray
    sample_count: int


def explain(
    text: str,
    *,
    unit: str,
    sentences: Sequence[Span],
    proba_of: ProbaOf,
    seed: int,
    budget: int = 160,
    most_units: int = 24,
) -> Explained:
    """Explain a classifier's answer for one text. The same arguments give the same result.

    Args:
        unit: key of `learner.units.UNITS`.
        sentences: ascending spans; only used where there are more than `most_units` units.
        proba_of: given texts, none twice in a call or between calls, "" possible, returns their probabilities
            (m, k); called at most a few times with many texts each.
        seed: of `seed_of`.
        budget: most texts to ask about, at least 8. Where 2**units fits, the seed has no influence.
        most_units: most units to examine, at least 2.

    Raises:
        LearnerError: for an unknown unit, too small a budget, or probabilities that aren't finite numbers.
    """
    if unit not in UNITS:
        raise LearnerError("unit_unknown", name=unit, known=", ".join(UNITS))
    if budget < LEAST_BUDGET:
        raise LearnerError("explanation_budget", budget=budget, least=LEAST_BUDGET)
    units = UNITS[unit](text)
    lens = _Lens(text, proba_of, budget, np.random.default_rng(seed))
    examined = _examined(_by_sentence(units, sentences), lens, max(most_units, 2))
    weights, fit = lens.weigh([(span,) for span in examined], budget=lens.left)
    return Explained(examined, weights, fit, lens.sample_count)


def seed_of(model_hash: str, diary_hash: str | bytes | int, unit: str) -> int:
    """Return the seed of an explanation, in [0, 2**63), so that everybody is shown the same one.

    Args:
        model_hash: of the model that answers.
        diary_hash: of the diary's text; the same hash as text, bytes or number gives different seeds.
        unit: key of `learner.units.UNITS`.
    """
    digest = blake2b(repr((model_hash, diary_hash, unit)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class _Lens:
    """One text seen through its classifier: asks about changed texts, and never twice about the same."""

    def __init__(self, text: str, proba_of: ProbaOf, budget: int, rng: np.random.Generator) -> None:
        self._text = text
        self._proba_of = proba_of
        self._budget = budget
        self._rng = rng
        self._known: dict[str, FloatArray] = {}

    @property
    def sample_count(self) -> int:
        """Different texts asked about so far."""
        return len(self._known)

    @property
    def left(self) -> int:
        """Most masks that the next look may use; the whole text, already known, is one of them."""
        return max(self._budget - max(self.sample_count - 1, 0), masks.LEAST_BUDGET)

    def weigh(self, groups: Sequence[Spans], *, budget: int) -> tuple[FloatArray, FloatArray]:
        """Return the weights of groups of spans, (n, k), and the fit, (k,). A group stays or goes as a whole."""
        n = len(groups)
        if n == 0:
            proba = self._proba([self._text])
            return np.zeros((0, proba.shape[1]), np.float32), np.zeros(proba.shape[1], np.float32)
        chosen = masks.choose(n, budget=budget, rng=self._rng)
        spans = [span for group in groups for span in group]
        keep = np.repeat(chosen.keep, [len(group) for group in groups], axis=1)
        proba = self._proba([without(self._text, spans, row) for row in keep.tolist()])
        if n == 1:
            # Two texts, one difference: a ridge would only shrink it.
            return np.asarray(proba[:1] - proba[1:], np.float32), np.ones(proba.shape[1], np.float32)
        return _fit(chosen, proba)

    def top_label(self) -> int:
        """Return the column of the likeliest label of the whole text."""
        return int(self._proba([self._text])[0].argmax())

    def _proba(self, texts: list[str]) -> NDArray[np.float64]:
        unknown = list(dict.fromkeys(text for text in texts if text not in self._known))
        if unknown:
            proba = np.asarray(self._proba_of(unknown))
            if not np.isfinite(proba).all():
                raise LearnerError("proba_not_finite", count=int((~np.isfinite(proba).all(axis=1)).sum()))
            self._known.update(zip(unknown, proba, strict=True))
        return np.stack([self._known[text] for text in texts]).astype(np.float64)


def _fit(chosen: masks.Masks, proba: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    from lime.lime_base import LimeBase

    # The weights are ready and stand where LimeBase expects distances.
    base = LimeBase(kernel_fn=lambda weights: weights, random_state=0)
    keep = chosen.keep.astype(np.float64)
    n, k = keep.shape[1], proba.shape[1]
    weights, fit = np.zeros((n, k), np.float32), np.ones(k, np.float32)
    for label in range(k):
        if np.ptp(proba[:, label]) < _NO_CHANGE:
            continue
        _, pairs, fit[label], _ = base.explain_instance_with_data(
            keep, proba, chosen.weights, label, n, feature_selection="none"
        )
        for place, weight in pairs:
            weights[place, label] = weight
    return weights, fit


def _by_sentence(units: Spans, sentences: Sequence[Span]) -> list[Spans]:
    """Group units by the sentence that they begin in."""
    starts = [start for start, _ in sentences]
    groups: dict[int, list[Span]] = {}
    for span in units:
        groups.setdefault(max(bisect_right(starts, span[0]) - 1, 0), []).append(span)
    return [tuple(group) for group in groups.values()]


def _examined(parts: list[Spans], lens: _Lens, most_units: int) -> Spans:
    """Narrow parts of a text, each a run of units, down to at most so many units in the parts that matter.

    A round weighs at most `most_units` blocks of neighbouring parts and takes the weightiest that fit. Where that
    fills less than half, the weightiest that was too large is looked into as well, in the next round.
    """
    while _size(parts) > most_units:
        if len(parts) == 1:
            parts = _finer(parts, most_units)
        blocks = [[parts[i] for i in run] for run in _runs(len(parts), most_units)]
        fits, too_large = _take([blocks[i] for i in _rank(blocks, lens)], most_units)
        parts = sorted(fits)
        if 2 * _size(fits) < most_units:
            opened = too_large if len(too_large) > 1 else _finer(too_large, most_units)
            parts = sorted(fits + opened)
    return tuple(span for part in parts for span in part)


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


def _rank(blocks: list[list[Spans]], lens: _Lens) -> list[int]:
    """Order blocks by how much they matter for the likeliest label, ties in the order of the text."""
    groups = [tuple(span for part in block for span in part) for block in blocks]
    weights, _ = lens.weigh(groups, budget=max(lens.left // _COARSE_SHARE, masks.LEAST_BUDGET))
    size = np.abs(weights[:, lens.top_label()])
    return [int(i) for i in np.argsort(-size, kind="stable")]
