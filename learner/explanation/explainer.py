"""Why the classifier answered as it did: LIME over the units of a diary, plain or with few and well-chosen texts.

The stages, one a module: which units (`unit_selection`), perturbed texts (`perturbations`), the local model
(`local_surrogate`) by LIME's ridge (`ridge`) or, for the fast method, by a Gaussian process (`gaussian_process`) with
the encoder's gradients (`input_gradients`) and each unit by itself (`unit_sufficiency`), and a check (`removal_check`).

Both methods differ from lime's text explainer in this: units at exact offsets, two equal words being two features;
removed words really removed; in a long diary only the sentences that matter word by word; scores instead of
probabilities, so that a new head is explained without the encoder.

Source: Ribeiro et al. (2016), "Why Should I Trust You?".
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError
from learner.explanation.explanation_cache import ExplanationCache
from learner.explanation.explanation_run import ExplanationRun
from learner.explanation.perturbations import CHUNK, FEW
from learner.explanation.removal_check import removal_check
from learner.explanation.unit_selection import by_sentence, select_units
from learner.text.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Head
    from learner.classification.unlearned import Unlearned
    from learner.explanation.explanation_run import GradientsOf
    from learner.explanation.feature_cache import FeaturesOf
    from learner.explanation.local_surrogate import Method
    from learner.explanation.removal_check import RemovalCheck
    from learner.text.characters import Span, Spans

    FloatArray = NDArray[np.float32]

VERSION = 7
"""Version of how texts are perturbed and weighted: what another version stored is not used."""

SENTENCE = "sentence"
"""The unit that comes with the text instead of being found in it."""

LEAST_BUDGET = CHUNK

CHARACTERS = 28_800
"""Of a level's perturbed texts, if nothing were removed from them: 96 of a diary of 300, about 4 s on two cores."""

_LEAST_WITHOUT_GRADIENTS = 96

CHARACTERS_WITH_GRADIENTS = 4_800
"""The same where gradients are known: 12 of a diary of 300, with the gradients about 1.5 s."""

CHARACTERS_OF_FEW = 9_000
"""The same for few groups and an encoder that has gradients, which few groups do without."""

MOST_BUDGET = 384

MOST_UNITS = 80


@dataclass(frozen=True, slots=True)
class Explained:
    """What each unit adds to the score of each label, around this text.

    Attributes:
        spans: the n units that were examined, ascending: all of the text, or in a long text those of the
            sentences that matter most for its likeliest label.
        weights: (n, k) float32 on scores whose mean over the labels is 0: positive speaks for a label, and the
            difference of two columns says why one label rather than the other.
        r_squared: (k,) float32, weighted R² of the local model for each label, at most 1. 1 where the label's
            score doesn't change or there is one unit; 0 where there is none.
        stability: chance that the unit which speaks most for the answer outweighs the next, in [0.5, 1].
        removal_check: None where no unit speaks for the likeliest label.
        sentence_probabilities: (sentences, k) probabilities of each sentence by itself.
        sample_count: different texts that were encoded for the local models.
    """

    spans: Spans
    weights: FloatArray
    r_squared: FloatArray
    stability: float
    removal_check: RemovalCheck | None
    sentence_probabilities: FloatArray
    sample_count: int


def explain(
    text: str,
    *,
    unit: str,
    sentences: Sequence[Span],
    features_of: FeaturesOf,
    head: Head,
    seed: int,
    method: Method = "fast",
    budget: int | None = None,
    most_units: int = MOST_UNITS,
    cache: ExplanationCache | None = None,
    gradients_of: GradientsOf | None = None,
    replacement: str = "",
    unlearned: Unlearned | None = None,
) -> tuple[Explained, ExplanationCache]:
    """Explain a head's answer for one text. The same arguments give the same result.

    Args:
        unit: key of `learner.text.units.UNITS`, or `SENTENCE`.
        sentences: ascending spans; long texts are narrowed by them where there are more than `most_units` units.
        features_of: given texts, none twice in a call or between calls, "" possible, returns what the head reads of
            them, (m, features); called several times with many texts each.
        head: weight (k, features) and bias (k,) of scores whose softmax are the probabilities.
        seed: of `seed_of`.
        method: ``lime`` takes about a hundred times as long, and uses neither budget nor gradients for the units that
            it weighs.
        budget: most perturbed texts of a local model, at least 12; `budget_of` by default. Where 2**units fits, the
            seed has no influence.
        most_units: most units to examine, at least 2.
        cache: of an earlier explanation of this text with the same other arguments but for the head.
        gradients_of: given groups of spans and directions in the features, (r, features), returns how fast the scores
            rise with each group, (g, r), or None; see `learner.explanation.input_gradients`.
        replacement: takes the place of what is removed from perturbed texts, such as a mask token; by default nothing
            does. The removal check always removes.
        unlearned: labels without examples, whose share probabilities have beside those of the head.

    Raises:
        LearnerError: for an unknown unit, too small a budget, or features that aren't finite numbers.
    """
    _check(unit, budget)
    stored = cache or ExplanationCache()
    run = ExplanationRun(text, features_of, head, seed, stored, gradients_of, replacement, unlearned)
    run.announce([text[start:end] for start, end in sentences])
    parts = by_sentence(_units(text, unit, sentences), sentences)
    groups, examined = select_units(parts, run.rank, max(most_units, 2))
    model = None
    if groups and method == "lime":
        model = run.fit_lime(groups)
    elif groups:
        most = budget_of(text, len(groups), has_gradients=gradients_of is not None) if budget is None else budget
        model = run.fit_fast(groups, most)
    spans = tuple(group[0] for group in groups[:examined])
    weights = np.zeros((0, run.k), np.float32) if model is None else model.weights(run.weight)[:examined]
    explained = Explained(
        spans=spans,
        weights=weights,
        r_squared=np.zeros(run.k, np.float32) if model is None else model.r_squared(run.weight),
        stability=1.0 if model is None else model.stability(run.direction),
        removal_check=removal_check(run, text, spans, weights, seed=seed),
        sentence_probabilities=run.proba([text[start:end] for start, end in sentences]),
        sample_count=run.sample_count,
    )
    return explained, run.to_cache()


def _check(unit: str, budget: int | None) -> None:
    if unit not in (SENTENCE, *UNITS):
        raise LearnerError("unit_unknown", name=unit, known=", ".join((SENTENCE, *UNITS)))
    if budget is not None and budget < LEAST_BUDGET:
        raise LearnerError("explanation_budget", budget=budget, least=LEAST_BUDGET)


def _units(text: str, unit: str, sentences: Sequence[Span]) -> Spans:
    if unit == SENTENCE:
        return tuple(span for span in sentences if text[slice(*span)].strip())
    return UNITS[unit](text)


def budget_of(text: str, groups: int, *, has_gradients: bool) -> int:
    """Return how many perturbed texts may be encoded: more of a short diary, so that most take about as long."""
    of_few = CHARACTERS_OF_FEW if groups <= FEW else CHARACTERS_WITH_GRADIENTS
    characters, least = (of_few, LEAST_BUDGET) if has_gradients else (CHARACTERS, _LEAST_WITHOUT_GRADIENTS)
    return min(MOST_BUDGET, max(least, characters // max(len(text), 1)))


def seed_of(diary_hash: str | bytes | int, unit: str) -> int:
    """Return the seed of an explanation, in [0, 2**63): everybody is shown the same, and every head asks the same.

    Args:
        diary_hash: of the diary's text; the same hash as text, bytes or number gives different seeds.
        unit: key of `learner.text.units.UNITS`.
    """
    digest = blake2b(repr((diary_hash, unit)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
