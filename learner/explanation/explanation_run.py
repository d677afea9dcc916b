"""One text explained for one head: its local models, its probabilities, and what is stored for the next head."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from learner.classification.classifier import softmax
from learner.explanation.explanation_cache import ExplanationCache
from learner.explanation.feature_cache import FeatureCache
from learner.explanation.gaussian_process import Gradients
from learner.explanation.local_surrogate import fit_fast, fit_lime
from learner.explanation.perturbations import CHUNK, Neighbourhood
from learner.text.units import without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.classification.classifier import Head
    from learner.classification.unlearned import Unlearned
    from learner.explanation.feature_cache import FeaturesOf
    from learner.explanation.local_surrogate import LocalModel
    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]
    GradientsOf = Callable[[Sequence[Spans], FloatArray], FloatArray | None]

MOST_DIRECTIONS = 4
"""Likeliest labels whose gradients are computed; each takes about as long as the whole text."""

_MOST_LABELS = 3
"""Likeliest labels whose clear words are removed, so that a head that prefers another of them needs no encoder."""

_PARALLEL = 1e-3
"""Share of a direction's length below which it is spanned by the others."""

_MOST_REMOVED = 8
"""Removals that are stored, the latest."""


class ExplanationRun:
    """One text with its encoder and a head."""

    def __init__(
        self,
        text: str,
        features_of: FeaturesOf,
        head: Head,
        seed: int,
        stored: ExplanationCache,
        gradients_of: GradientsOf | None,
        replacement: str,
        unlearned: Unlearned | None,
    ) -> None:
        self._text, self._seed, self._stored = text, seed, stored
        self._gradients_of, self._replacement, self._unlearned = gradients_of, replacement, unlearned
        self._cache = FeatureCache(features_of)
        self._models: list[LocalModel] = []
        self._texts: dict[str, FloatArray] = {}
        self._by_key = dict(stored.texts)
        self.removed = list(stored.removed)
        self._head = head
        # Scores are determined only up to a common shift.
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
        """Return how many different texts the local models took."""
        return sum(model.sample_count for model in self._models)

    def announce(self, texts: Sequence[str]) -> None:
        """Encode texts that will be needed together with others."""
        self._cache.announce([text for text in texts if _key(text) not in self._by_key])

    def fit_fast(self, groups: tuple[Spans, ...], budget: int) -> LocalModel:
        """Return the local model of some groups by few texts, the stored one if it has exactly these groups."""
        return self._find_stored(groups) or self._add(
            fit_fast(self._neighbourhood(groups), budget=budget, gradients_of=self._gradients)
        )

    def fit_lime(self, groups: tuple[Spans, ...]) -> LocalModel:
        """Return the local model of some groups by plain LIME, the stored one if it has exactly these groups."""
        return self._find_stored(groups) or self._add(fit_lime(self._neighbourhood(groups)))

    def _find_stored(self, groups: tuple[Spans, ...]) -> LocalModel | None:
        number = len(self._models)
        if number < len(self._stored.models) and self._stored.models[number].groups == groups:
            return self._add(self._stored.models[number])
        return None

    def _add(self, model: LocalModel) -> LocalModel:
        self._models.append(model)
        return model

    def _neighbourhood(self, groups: tuple[Spans, ...]) -> Neighbourhood:
        return Neighbourhood(self._text, groups, self._cache, self._seed, self._replacement)

    def _gradients(self, groups: Sequence[Spans]) -> Gradients | None:
        if self._gradients_of is None or not len(self._directions):
            return None
        values = self._gradients_of(groups, self._directions)
        return None if values is None else Gradients(self._directions, values)

    def rank(self, groups: Sequence[Spans]) -> list[int]:
        """Order groups by how much they matter for the likeliest label, ties in the order of the text."""
        size = np.abs(self.fit_fast(tuple(groups), CHUNK).weights(self.direction))
        return [int(i) for i in np.argsort(-size, kind="stable")]

    def proba(self, texts: Sequence[str]) -> FloatArray:
        """Return probabilities of texts, (n, k); their features are stored."""
        if not texts:
            return np.zeros((0, self.k), np.float32)
        keys = [_key(text) for text in texts]
        missing = [text for key, text in zip(keys, texts, strict=True) if key not in self._by_key]
        if missing:
            self._by_key.update(zip(map(_key, missing), self._cache.features(missing), strict=True))
        self._texts.update((key, self._by_key[key]) for key in keys)
        features = np.stack([self._by_key[key] for key in keys])
        proba = softmax(np.asarray(features @ self._head[0].T + self._head[1], np.float32))
        return proba if self._unlearned is None else self._unlearned.mix(proba, features)

    def announce_without(self, removed: Sequence[Spans]) -> None:
        """Encode the text without some spans, or without others, together with the next ones; all are stored."""
        self.removed += [spans for spans in dict.fromkeys(removed) if spans not in self.removed]
        self.announce_texts_without(removed)

    def announce_texts_without(self, sets: Sequence[Spans]) -> None:
        """Encode the text without each set of spans together with the next texts."""
        self.announce([self._without(spans) for spans in sets])

    def mean_without(self, sets: Sequence[Spans]) -> float:
        """Return the likeliest label's mean probability without each set of spans."""
        return float(self.proba([self._without(spans) for spans in sets])[:, self.top].mean())

    def without(self, spans: Spans) -> float:
        """Return the likeliest label's probability without some spans."""
        if spans not in self.removed:
            self.removed.append(spans)
        return float(self.proba([self._without(spans)])[0, self.top])

    def _without(self, spans: Spans) -> str:
        return without(self._text, spans, [False] * len(spans))

    def to_cache(self) -> ExplanationCache:
        """Return what the next head needs."""
        removed = tuple(self.removed[-_MOST_REMOVED:])
        for spans in removed:
            self.without(spans)  # so that the features of what is left of the text are stored with it
        return ExplanationCache(tuple(self._models), self._texts, removed)


def against_the_rest(weights: FloatArray, proba: FloatArray, label: int) -> FloatArray:
    """Return what each unit adds to the log-odds of a label, (n,): its score against the others', the likely ones most.

    Args:
        weights: (n, k) of `learner.explanation.explainer.Explained`.
        proba: (k,) of the text.
    """
    others = np.delete(np.asarray(proba, np.float64), label)
    rest = np.delete(weights, label, axis=1) @ (others / max(others.sum(), 1e-12))
    return np.asarray(weights[:, label] - rest, np.float32)


def _right_angled(rows: FloatArray) -> FloatArray:
    """Return directions of length 1 at right angles that span the rows, the first row's first (Gram and Schmidt)."""
    directions: list[FloatArray] = []
    for row in rows:
        rest = row - sum((row @ other * other for other in directions), np.zeros_like(row))
        if np.linalg.norm(rest) > _PARALLEL * max(float(np.linalg.norm(row)), 1e-9):
            directions.append(rest / np.linalg.norm(rest))
    return np.stack(directions) if directions else np.zeros((0, rows.shape[1]), np.float32)


def _key(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
