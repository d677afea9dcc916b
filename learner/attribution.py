"""What each unit of a text adds to each feature that the head reads: LIME without a head.

LIME's local model is a ridge, and a ridge is linear in what it is fitted to. The head is linear, too. So the weights
of a head's logits are the product of a matrix that knows no head, A·H, and the head: once A·H of a diary is kept,
every new head is explained exactly, without one call of the encoder.

Where not all changed texts can be asked about, those in between are estimated from the ones that were, and LIME's
ridge is fitted to the estimates. A vector is a mean over tokens: a word counts for more the less else there is. A line
through few texts takes that for noise; a Gaussian process with the words' shares of the text among its features does
not, and its mean is linear in what was asked, too.

Source: Ribeiro et al. (2016), "Why Should I Trust You?"; the closed form of ridge regression; Rasmussen and Williams
(2006), Gaussian Processes for Machine Learning, 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist
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

_NEAR = 5
"""Of these, texts of LIME's own neighbourhood; the others are short."""

STRONGEST = 3
"""Units that a sentence can name."""

_SETTLED = 5
"""Units whose place among the strongest, and whose sign, have to be settled before no more is asked."""

_CHANCE = 0.05
"""How often the strongest of all units may seem settled where there is nothing but chance."""

_ESTIMATED = 800
"""Changed texts that are estimated where they can't all be asked about."""

_FOR_WORDS = 2.2
_FOR_SHARES = 1.0
_FOR_CHANCE = 0.055
"""Prior variances of what depends on which groups are there, on their shares of the text, and on neither.

Fitted to six texts of 54 to 76 words by their marginal likelihood. From 94 changed texts, most of them short, 72 % of
the five strongest words are found that 2,500 texts give; a ridge finds as many from about twice as many of LIME's own.
"""

_EDGE = 4
"""Characters that every text has beside its groups, such as an encoder's prefix: no share is without bounds."""

_RANK = 6
"""Directions in which the misfit of the local model is kept; the others hold next to nothing of it."""


@dataclass(frozen=True, slots=True)
class Level:
    """A local model of some groups of spans of a text, for any head.

    Attributes:
        groups: g groups; each was there or removed as a whole.
        matrix: (g, features): what each group adds to each feature.
        errors: (g,) standard error of a group's weight for a surprise of 1; 0 where all texts were asked about.
        misfit, spread: (≤ 6, features): what the local model does not explain, and what there is to explain: the
            squared length of their product with a head's weights is the weighted mean of squares.
        surprise: (≤ 6, features), likewise: how far the texts lie from what the estimates expect, in their own measure.
        sample_count: different texts that were asked about.
        chunks: draws of `CHUNK` texts; 0 where all were asked about, and nothing was left to chance.
    """

    groups: tuple[Spans, ...]
    matrix: FloatArray
    errors: FloatArray
    misfit: FloatArray
    spread: FloatArray
    surprise: FloatArray
    sample_count: int
    chunks: int

    def weights(self, direction: FloatArray) -> FloatArray:
        """Return what each group adds to scores, (g, k), or (g,) for one direction.

        Args:
            direction: (k, features) or (features,) of a linear score.
        """
        return np.asarray(self.matrix @ direction.T, np.float32)

    def fit(self, direction: FloatArray) -> FloatArray:
        """Return the weighted R² of the local model for each score, (k,), at most 1; 1 where nothing changes.

        Where not all texts were asked about, it is that on texts of LIME's neighbourhood which the model that is tried
        has not seen.
        """
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
        noise = self.errors * np.sqrt(np.square(self.surprise @ direction).sum())
        return float((np.abs(weights) > _certain(len(weights)) * noise)[strongest].mean())

    def settled(self) -> tuple[list[int], bool]:
        """Return the groups that move the features most, and whether chance moves them less.

        No head is asked: how many texts are looked at, and so what each head is told, depends on the diary alone.
        """
        lengths = np.linalg.norm(self.matrix, axis=1)
        strongest = np.argsort(-lengths, kind="stable")[:_SETTLED]
        noise = self.errors * np.linalg.norm(self.surprise)
        return sorted(int(i) for i in strongest), bool((lengths > _certain(len(lengths)) * noise)[strongest].all())


def _certain(count: int) -> float:
    """Return how many standard errors the strongest of so many weights must lie from zero (Bonferroni)."""
    return NormalDist().inv_cdf(1 - _CHANCE / (2 * max(count, 1)))


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
    if chunks:
        lengths = np.array([sum(end - start for start, end in group) for group in groups], np.float64)
        shared, errors, measure_of = estimating_map(keep, lengths)
        # How well it fits shows on texts that it was not fitted to: few texts and many words always fit.
        fitted = weights == 0
        fitted[0] = True
        tried = estimating_map(keep[fitted], lengths)[0] @ features[fitted]
    else:
        shared, errors, measure_of = linear_map(keep, weights), np.zeros(len(groups)), np.zeros((1, len(keep)))
        tried = shared @ features
    matrix = shared @ features
    root = np.sqrt(weights / weights.sum())[:, None]
    spread = root * (features - np.average(features, axis=0, weights=weights))
    centred = keep - np.average(keep, axis=0, weights=weights)
    return Level(
        groups=tuple(groups),
        matrix=np.asarray(matrix, np.float32),
        errors=np.asarray(errors, np.float32),
        misfit=_condense(spread - root * (centred @ tried)),
        spread=_condense(spread),
        surprise=_condense(measure_of @ features),
        sample_count=len(keep),
        chunks=chunks,
    )


def draw(
    groups: Sequence[Spans], *, budget: int, seed: int, chunks: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return masks over the groups, (m, g) of 0 and 1, none twice, the whole text first, and their weights, (m,).

    Without weight are the short texts among them, which lie outside of LIME's neighbourhood: they tell what words do,
    not how well a local model fits.
    """
    if not chunks:
        chosen = masks.choose(len(groups), budget=budget, rng=np.random.default_rng(0))
        return chosen.keep.astype(np.float64), chosen.weights
    near = []
    short = []
    for number in range(chunks):
        rng = np.random.default_rng([seed, _identity(groups), number])
        near.append(masks.choose(len(groups), budget=_NEAR, rng=rng))
        short.append(masks.choose_short(len(groups), CHUNK - _NEAR, rng))
    rows = np.vstack([*(drawn.keep for drawn in near), *short])
    counts = np.concatenate([*(drawn.weights for drawn in near), np.zeros(chunks * (CHUNK - _NEAR))])
    keep, place = np.unique(rows, axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), counts) / chunks
    # np.unique sorts ascending, and the whole text is the largest.
    return keep[::-1].astype(np.float64), weights[::-1]


def _identity(groups: Sequence[Spans]) -> int:
    return int.from_bytes(blake2b(repr(tuple(groups)).encode(), digest_size=7).digest(), "big")


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


def estimating_map(
    keep: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return LIME's map by way of estimates for the texts between those that were asked about.

    Args:
        keep: (m, g) masks that were asked about.
        lengths: (g,) characters of each group.

    Returns:
        A, (g, m); standard errors of its weights for a surprise of 1, (g,); and (m, m), whose product with what the
        texts answer is as long as they are surprising: 1 for answers as the prior expects them, more for mere chance.
    """
    between, fitted = _neighbourhood(keep.shape[1])
    there = _covariance(between, keep, lengths)
    root = np.linalg.cholesky(_covariance(keep, keep, lengths) + _FOR_CHANCE * np.eye(len(keep)))
    whitened = np.linalg.solve(root, np.eye(len(keep)))
    # Of what differs from the mean of the texts: a ridge with an intercept is blind to the mean itself.
    whitened_differences = whitened - whitened.mean(axis=1, keepdims=True)
    known = fitted @ there @ whitened.T
    left = fitted @ _covariance(between, between, lengths) @ fitted.T - known @ known.T
    errors = np.sqrt(np.maximum(np.diag(left), 0))
    return known @ whitened_differences, errors, whitened_differences / np.sqrt(len(keep))


def _covariance(
    one: NDArray[np.float64], other: NDArray[np.float64], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    groups = len(lengths)
    shares = [rows * lengths / (rows @ lengths + _EDGE)[:, None] for rows in (one, other)]
    return np.asarray(_FOR_WORDS / groups * one @ other.T + _FOR_SHARES * groups * shares[0] @ shares[1].T)


@lru_cache(maxsize=128)
def _neighbourhood(groups: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the masks whose texts are estimated, and LIME's map from them: the same for all of as many groups."""
    chosen = masks.choose(groups, budget=_ESTIMATED, rng=np.random.default_rng(groups))
    keep = chosen.keep.astype(np.float64)
    return keep, linear_map(keep, chosen.weights)


def _condense(rows: NDArray[np.float64]) -> FloatArray:
    """Return few rows with nearly the same length in every direction: the largest parts of a singular decomposition."""
    values, directions = np.linalg.eigh(rows @ rows.T)
    largest = np.argsort(-values)[:_RANK]
    return np.asarray(directions[:, largest].T @ rows, np.float32)
