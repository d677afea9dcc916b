"""The removal check: what becomes of the likeliest label's probability without the words that speak for it.

Removing words disturbs a text, whichever they are, so the same number of words is removed at random, too.

Source: DeYoung et al. (2020), ERASER: A Benchmark to Evaluate Rationalized NLP Models (comprehensiveness).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.explanation.local_surrogate import STRONGEST
from learner.text.negation import find_groups, merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.explanation.explanation_run import ExplanationRun
    from learner.text.characters import Span, Spans

    FloatArray = NDArray[np.float32]

_CLEAR = 1 / 3
"""Share of the strongest unit's weight from which on another one is named beside it."""

_NEARLY = 0.8
"""Share of the clear words' weight from which on words that were removed before are removed in their place."""

_RANDOM_DRAWS = 3
"""Random removals whose mean is the baseline: each takes the encoder one text."""

_FEWEST_TIMES = 4
"""Words of a text for each that is removed, from which on random words are mostly others than the clear ones."""


@dataclass(frozen=True, slots=True)
class RemovalCheck:
    """What becomes of the likeliest label's probability without the words that speak for it.

    Attributes:
        label: column of the likeliest label.
        spans: the words, at most three.
        before, after: probability with and without them.
        after_random: mean probability without as many words drawn at random; None where the text has too few words.
    """

    label: int
    spans: Spans
    before: float
    after: float
    after_random: float | None


def removal_check(
    run: ExplanationRun, text: str, spans: Spans, weights: FloatArray, *, seed: int
) -> RemovalCheck | None:
    """Return the check of the clear words for the likeliest label, negations whole; None where no word speaks for it.

    Words that were removed for an earlier head are removed again if they weigh nearly as much: their text is encoded.
    For later heads, the texts without the clear words for the next likeliest labels are encoded as well.
    """
    joined, sums = merge(spans, weights, find_groups(text, spans))
    strongest, *others = (_clear(joined, sums[:, label]) for label in run.likeliest)
    if not strongest:
        return None
    weight_of = dict(zip(joined, sums[:, run.top].tolist(), strict=True))
    least = _NEARLY * sum(weight_of[span] for span in strongest)
    earlier = [spans for spans in run.removed if _weight(spans, weight_of) >= least]
    if not earlier:
        run.announce_without([words for words in others if words])
        for words in others:
            run.announce_texts_without(_draw(joined, len(words), seed))
    removed = max(earlier, key=lambda spans: _weight(spans, weight_of), default=strongest)
    random = _draw(joined, len(removed), seed)
    run.announce_texts_without(random)
    after = run.without(removed)
    return RemovalCheck(run.top, removed, run.before, after, run.mean_without(random) if random else None)


def _draw(spans: Spans, count: int, seed: int) -> list[Spans]:
    """Return random sets of spans, each in the order of the text; [] where most would hold the clear words as well.

    They don't depend on the head, so that the texts without them are encoded once.
    """
    if not count or len(spans) < _FEWEST_TIMES * count:
        return []
    rng = np.random.default_rng((seed, count))
    draws = (sorted(rng.choice(len(spans), count, replace=False)) for _ in range(_RANDOM_DRAWS))
    return list(dict.fromkeys(tuple(spans[i] for i in places) for places in draws))


def _clear(spans: Spans, weights: FloatArray) -> Spans:
    """Return the strongest spans that speak for a label and aren't far behind the first, in the order of the text."""
    order = np.argsort(-weights, kind="stable")[:STRONGEST]
    return tuple(sorted(spans[i] for i in order if weights[i] > 0 and weights[i] >= _CLEAR * weights[order[0]]))


def _weight(spans: Spans, weight_of: dict[Span, float]) -> float:
    """Return what spans weigh together; nothing if one of them doesn't speak for the label."""
    weights = [weight_of.get(span, 0.0) for span in spans]
    return sum(weights) if min(weights) > 0 else 0.0
