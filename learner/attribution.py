"""What each unit of a text adds to each feature that the head reads: LIME without a head.

LIME's local model is a ridge, and a ridge is linear in what it is fitted to. The head is linear, too. So the weights
of a head's logits are the product of a matrix that knows no head, A·H, and the head: once A·H of a diary is kept,
every new head is explained exactly, without one call of the encoder.

Source: Ribeiro et al. (2016), "Why Should I Trust You?"; the closed form of ridge regression.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from learner import masks
from learner.errors import LearnerError
from learner.units import without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.characters import Spans

    FloatArray = NDArray[np.float32]
    FeaturesOf = Callable[[list[str]], FloatArray]

CHUNK = 32
"""Changed texts that are asked about before it is looked whether the strongest units are settled."""

STRONGEST = 3
"""Units whose place and sign have to be settled: about as many as a sentence can name."""

_CERTAIN = 2.0
"""Standard errors that a weight lies from zero before its sign counts as settled."""

_RANK = 6
"""Directions in which the misfit of the local model is kept; the others hold next to nothing of it."""


@dataclass(frozen=True, slots=True)
class Level:
    """A local model of some groups of spans of a text, for any head.

    Attributes:
        groups: g groups; each was there or removed as a whole.
        matrix: (g, features): what each group adds to each feature.
        errors: (g,) standard error of a group's weight for a misfit of 1.
        misfit, spread: (≤ 6, features): what the local model does not explain, and what there is to explain: the
            squared length of their product with a head's weights is the weighted sum of squares.
        sample_count: different texts that were asked about.
        chunks: draws of `CHUNK` texts; 0 where all were asked about, and nothing was left to chance.
    """

    groups: tuple[Spans, ...]
    matrix: FloatArray
    errors: FloatArray
    misfit: FloatArray
    spread: FloatArray
    sample_count: int
    chunks: int

    def weights(self, direction: FloatArray) -> FloatArray:
        """Return what each group adds to scores, (g, k), or (g,) for one direction.

        Args:
            direction: (k, features) or (features,) of a linear score.
        """
        return np.asarray(self.matrix @ direction.T, np.float32)

    def fit(self, direction: FloatArray) -> FloatArray:
        """Return the weighted R² of the local model for each score, (k,), at most 1; 1 where nothing changes."""
        wrong = np.square(self.misfit @ direction.T).sum(axis=0)
        there = np.square(self.spread @ direction.T).sum(axis=0)
        return np.asarray(np.where(there > _NO_CHANGE, 1 - wrong / np.maximum(there, _NO_CHANGE), 1), np.float32)

    def stability(self, direction: FloatArray) -> float:
        """Return the share of the strongest groups whose sign is settled, in [0, 1]; 1 where all texts were asked.

        Args:
            direction: (features,) of one score.
        """
        if not self.chunks:
            return 1.0
        weights = self.weights(direction)
        strongest = np.argsort(-np.abs(weights), kind="stable")[:STRONGEST]
        noise = self.errors * np.sqrt(np.square(self.misfit @ direction).sum())
        return float((np.abs(weights) > _CERTAIN * noise)[strongest].mean())

    def settled(self) -> tuple[list[int], bool]:
        """Return the groups that move the features most, and whether chance moves them less.

        No head is asked: how many texts are looked at, and so what each head is told, depends on the diary alone.
        """
        lengths = np.linalg.norm(self.matrix, axis=1)
        strongest = np.argsort(-lengths, kind="stable")[:STRONGEST]
        noise = self.errors * np.linalg.norm(self.misfit)
        return [int(i) for i in strongest], bool((lengths > _CERTAIN * noise)[strongest].all())


_NO_CHANGE = 1e-9
"""Weighted squares of float32 features; smaller ones are rounding, not an effect."""


class Asked:
    """Features of the changed texts of one diary: none is computed twice."""

    def __init__(self, features_of: FeaturesOf) -> None:
        self._features_of = features_of
        self._known: dict[str, FloatArray] = {}

    def features(self, texts: Sequence[str]) -> FloatArray:
        """Return features, (n, features).

        Raises:
            LearnerError: ``vectors_not_finite`` for features that are no finite numbers.
        """
        unknown = list(dict.fromkeys(text for text in texts if text not in self._known))
        if unknown:
            found = np.asarray(self._features_of(unknown), np.float32)
            if not np.isfinite(found).all():
                raise LearnerError("vectors_not_finite", count=int((~np.isfinite(found).all(axis=1)).sum()))
            self._known.update(zip(unknown, found, strict=True))
        return np.stack([self._known[text] for text in texts])


def attribute(
    text: str,
    groups: Sequence[Spans],
    asked: Asked,
    *,
    budget: int,
    seed: int,
) -> Level:
    """Fit the local model of some groups of spans.

    All changed texts are asked about where they fit the budget. Else chunks of them, until the strongest groups stay
    the same and are beyond chance, or the budget is used up.

    Args:
        groups: at least one; of ascending spans each.
        budget: most changed texts, at least 2.
        seed: of the diary; the same groups and seed draw the same texts.
    """
    if 2 ** len(groups) <= budget:
        return measure(text, groups, asked, budget=budget, seed=seed, chunks=0)
    before: list[int] | None = None
    for chunks in range(1, budget // CHUNK + 1):
        level = measure(text, groups, asked, budget=budget, seed=seed, chunks=chunks)
        strongest, is_certain = level.settled()
        if strongest == before and is_certain:
            break
        before = strongest
    return level


def measure(text: str, groups: Sequence[Spans], asked: Asked, *, budget: int, seed: int, chunks: int) -> Level:
    """Fit the local model on so many chunks of changed texts, or on all of them.

    Args:
        chunks: 0 for all.
    """
    keep, weights = draw(groups, budget=budget, seed=seed, chunks=chunks)
    spans = [span for group in groups for span in group]
    order = np.argsort([start for start, _ in spans], kind="stable")
    rows = np.repeat(keep > 0, [len(group) for group in groups], axis=1)[:, order].tolist()
    features = asked.features([without(text, [spans[i] for i in order], row) for row in rows])
    shared = linear_map(keep, weights)
    matrix = shared @ features
    root = np.sqrt(weights)[:, None]
    spread = root * (features - np.average(features, axis=0, weights=weights))
    centred = keep - np.average(keep, axis=0, weights=weights)
    return Level(
        groups=tuple(groups),
        matrix=np.asarray(matrix, np.float32),
        errors=_errors(shared, weights),
        misfit=_condense(spread - root * (centred @ matrix)),
        spread=_condense(spread),
        sample_count=len(keep),
        chunks=chunks,
    )


def draw(
    groups: Sequence[Spans], *, budget: int, seed: int, chunks: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return masks over the groups, (m, g) of 0 and 1, none twice, the whole text first, and their weights, (m,)."""
    if not chunks:
        chosen = masks.choose(len(groups), budget=budget, rng=np.random.default_rng(0))
        return chosen.keep.astype(np.float64), chosen.weights
    drawn = [
        masks.choose(len(groups), budget=CHUNK, rng=np.random.default_rng([seed, _identity(groups), number]))
        for number in range(chunks)
    ]
    keep, place = np.unique(np.vstack([d.keep for d in drawn]), axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), np.concatenate([d.weights for d in drawn])) / chunks
    # np.unique sorts ascending, and the whole text is the largest.
    return keep[::-1].astype(np.float64), weights[::-1]


def _identity(groups: Sequence[Spans]) -> int:
    return int.from_bytes(blake2b(repr(groups).encode(), digest_size=7).digest(), "big")


class _LinearMap:
    """A ridge that is fitted to many columns at once where LimeBase thinks of one."""

    intercept_ = 0.0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:  # noqa: N803 - sklearn's names
        from sklearn.linear_model import Ridge

        self.map = Ridge(alpha=1).fit(X, y, sample_weight=sample_weight).coef_.reshape(-1, X.shape[1]).T
        self.coef_ = np.zeros(X.shape[1])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        return 0.0  # measured by `Level.fit`, for any head

    def predict(self, X: Any) -> float:  # noqa: N803
        return 0.0


def linear_map(keep: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return A, (g, m): LIME's local weights are A times what the model says of the m texts."""
    from lime.lime_base import LimeBase

    if keep.shape == (2, 1):
        # Two texts, one difference: a ridge would only shrink it.
        return np.array([[1.0, -1.0]])

    regressor = _LinearMap()
    # The weights are ready and stand where LimeBase expects distances; the answers to single texts give A's columns.
    LimeBase(kernel_fn=lambda ready: ready, random_state=0).explain_instance_with_data(
        keep,
        np.eye(len(keep)),
        weights,
        slice(None),
        keep.shape[1],
        feature_selection="none",
        model_regressor=regressor,
    )
    return np.asarray(regressor.map, np.float64)


def _errors(shared: NDArray[np.float64], weights: NDArray[np.float64]) -> FloatArray:
    """Return standard errors for a weighted sum of squared misfits of 1."""
    groups, m = shared.shape
    free = max(m - groups - 1, 1) / m
    return np.asarray(np.sqrt(np.square(shared).sum(axis=1) / (weights.sum() * free)), np.float32)


def _condense(rows: NDArray[np.float64]) -> FloatArray:
    """Return few rows with nearly the same length in every direction: the largest parts of a singular decomposition."""
    values, directions = np.linalg.eigh(rows @ rows.T)
    largest = np.argsort(-values)[:_RANK]
    return np.asarray(directions[:, largest].T @ rows, np.float32)
