"""What each unit of a text adds to each feature that the head reads: LIME without a head.

LIME's local model is a ridge, and a ridge is linear in what it is fitted to. The head is linear, too. So the weights
of a head's logits are the product of a matrix that knows no head, A·H, and the head: once A·H of a diary is kept,
every new head is explained exactly, without one call of the encoder.

Where not all changed texts can be asked about, those in between are estimated from the ones that were, and LIME's
ridge is fitted to the estimates. A vector is a mean over tokens: a word counts for more the less else there is. A line
through few texts takes that for noise; a Gaussian process with the words' shares of the text among its features does
not, and its mean is linear in what was asked, too.

Where the encoder can say how fast scores rise with each word (`learner.explanation.input_gradients`), that is what is
expected of a changed text, and the texts that were asked about correct it. Slopes are known in the few directions that
the head of the first explanation reads; what lies across them is estimated from texts alone, so that the product is
exact for any head.

Source: Ribeiro et al. (2016), "Why Should I Trust You?"; the closed form of ridge regression; Rasmussen and Williams
(2006), Gaussian Processes for Machine Learning, 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from learner.errors import LearnerError
from learner.explanation import perturbations, unit_sufficiency
from learner.text.units import without

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]
    FeaturesOf = Callable[[list[str]], FloatArray]

CHUNK = 12
"""Changed texts that are asked about before it is first looked whether the strongest units are settled."""

FEW = 12
"""Groups for which so many changed texts fit into two seconds that slopes add nothing to them."""

_NEAR = 4
"""Of these, texts of LIME's own neighbourhood; the others are short. Of few groups all are of that neighbourhood: so
98 % of the five strongest of 9 to 12 words are found from 184 texts."""

STRONGEST = 3
"""Units that a sentence can name."""

_SETTLED = 5
"""Units whose place among the strongest, and whose sign, have to be settled before no more is asked."""

_CHANCE = 0.05
"""How often the strongest of all units may seem settled where there is nothing but chance."""

_ESTIMATED = 800
"""Changed texts that are estimated where they can't all be asked about."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of changed texts: variances of what depends on which groups are there, on their shares of the
    text, on the shares of two at a time, and on none of these. Only their ratios matter."""

    words: float
    shares: float
    pairs: float
    chance: float


_UNKNOWN = Prior(2.2, 1.0, 100.0, 0.055)
"""Fitted to six texts of 54 to 76 words by their marginal likelihood, the pairs to twelve of 9 to 12 words: with pairs
98 % of the five strongest words that all changed texts give are found from 256, without them 96 %. The smaller the
words' shares, the less pairs matter."""

_BEYOND_SLOPES = Prior(0.066, 0.0, 32.0, 0.055)
"""What slopes leave to be found: 85 % of the five strongest of 54 to 76 words from 12 changed texts, 86 % from 33; of
15 to 24 words 92 % from 65, where 79 % are found without pairs."""

_SHARPER = 0.5
"""Power of the share that is gone by which a slope counts for more in a shorter text."""

_EDGE = 4
"""Characters that every text has beside its groups, such as an encoder's prefix: no share is without bounds."""

_RANK = 6
"""Directions in which the misfit of the local model is kept; the others hold next to nothing of it."""


@dataclass(frozen=True, slots=True)
class Slopes:
    """How fast scores rise with each group of a text.

    Attributes:
        directions: (r, features) of length 1, at right angles to each other.
        values: (g, r) slopes, known up to a common factor.
    """

    directions: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Level:
    """A local model of some groups of spans of a text, for any head.

    Attributes:
        groups: g groups; each was there or removed as a whole.
        matrix: (g, features): what each group adds to each feature.
        errors: (g,) standard error of a group's weight for a surprise of 1; 0 where all texts were asked about.
        misfit, spread: (≤ 6, features): what the model of the texts does not explain, and what there is to explain: the
            squared length of their product with a head's weights is the weighted mean of squares.
        surprise: (≤ 6, features), likewise: how far the texts lie from what the estimates expect, in their own measure.
        sample_count: different texts that were asked about, changed ones and units by themselves.
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

        Where not all texts were asked about, each is compared with what the others let expect of it: few texts and many
        words always fit.
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

    def settled(self, directions: FloatArray | None) -> tuple[list[int], bool]:
        """Return the groups that move the features most, and whether chance moves them less.

        Args:
            directions: those in which slopes are known; None looks at all features.
        """
        matrix, surprise = (
            part if directions is None else part @ directions.T for part in (self.matrix, self.surprise)
        )
        lengths = np.linalg.norm(matrix, axis=1)
        strongest = np.argsort(-lengths, kind="stable")[:_SETTLED]
        noise = self.errors * np.linalg.norm(surprise)
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
        self._expected: list[str] = []

    def expect(self, texts: Sequence[str]) -> None:
        """Have texts asked about together with the next ones: a few by themselves take an encoder twice as long."""
        self._expected += texts

    def features(self, texts: Sequence[str]) -> FloatArray:
        """Return features, (n, features).

        Raises:
            LearnerError: ``vectors_not_finite`` for features that are no finite numbers.
        """
        unknown = list(dict.fromkeys(text for text in [*texts, *self._expected] if text not in self._known))
        self._expected = []
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
    slopes_of: Callable[[Sequence[Spans]], Slopes | None] = lambda groups: None,
    filler: str = "",
) -> Level:
    """Fit the local model of some groups of spans.

    All changed texts are asked about where they fit the budget. Else chunks of them, each time twice as many, until the
    strongest groups stay the same and are beyond chance, or the budget is used up.

    Args:
        groups: at least one; of ascending spans each.
        budget: most changed texts, at least 2.
        seed: of the diary; the same groups and seed draw the same texts.
        slopes_of: returns the slopes of groups, or None; not called for few groups.
        filler: takes the place of what is removed.
    """
    if 2 ** len(groups) <= budget:
        return measure(text, groups, asked, budget=budget, seed=seed, chunks=0, filler=filler)
    slopes = slopes_of(groups) if len(groups) > FEW else None
    before: list[int] | None = None
    # Threads of numpy's small products wait for the next one at full speed, and the encoder waits for them.
    with threadpool_limits(1, user_api="blas"):
        for chunks in accumulate(_portions(len(groups), budget // CHUNK)):
            level = measure(text, groups, asked, budget=budget, seed=seed, chunks=chunks, slopes=slopes, filler=filler)
            strongest, is_certain = level.settled(None if slopes is None else slopes.directions)
            if strongest == before and is_certain:
                break
            before = strongest
    return level


def _portions(groups: int, chunks: int) -> list[int]:
    """Return the chunks that are drawn together, one after the other: 1, 1, 2, 4 …, of few groups all at once."""
    portions = [chunks] if groups <= FEW else []
    while sum(portions) < chunks:
        portions.append(min(max(sum(portions), 1), chunks - sum(portions)))
    return portions


def measure(
    text: str,
    groups: Sequence[Spans],
    asked: Asked,
    *,
    budget: int,
    seed: int,
    chunks: int,
    slopes: Slopes | None = None,
    filler: str = "",
) -> Level:
    """Fit the local model on so many chunks of changed texts, or on all of them.

    Args:
        chunks: 0 for all.
    """
    keep, weights = draw(groups, budget=budget, seed=seed, chunks=chunks)
    spans = [span for group in groups for span in group]
    order = np.argsort([start for start, _ in spans], kind="stable")
    rows = np.repeat(keep > 0, [len(group) for group in groups], axis=1)[:, order].tolist()
    phrases = unit_sufficiency.find_phrases(text, groups) if chunks and len(groups) > FEW else {}
    by_themselves = unit_sufficiency.texts(text, phrases) if phrases else []
    asked.expect(by_themselves)
    features = asked.features([without(text, [spans[i] for i in order], row, filler) for row in rows])
    root = np.sqrt(weights / weights.sum())[:, None]
    spread = root * (features - np.average(features, axis=0, weights=weights))
    if chunks:
        lengths = np.array([sum(end - start for start, end in group) for group in groups], np.float64)
        found = _from_texts_and_slopes(keep, features, lengths, slopes)
    else:
        matrix = linear_map(keep, weights) @ features
        left = spread / root - (keep - np.average(keep, axis=0, weights=weights)) @ matrix
        found = _Estimate(matrix, np.zeros(len(groups)), np.zeros_like(features[:1]), left)
    matrix = found.matrix
    if by_themselves:
        matrix = unit_sufficiency.join(matrix, phrases, asked.features(by_themselves))
    return Level(
        groups=tuple(groups),
        matrix=np.asarray(matrix, np.float32),
        errors=np.asarray(found.errors, np.float32),
        misfit=_condense(root * found.left),
        spread=_condense(spread),
        surprise=_condense(found.surprise),
        sample_count=len(keep) + len(set(by_themselves)),
        chunks=chunks,
    )


def draw(
    groups: Sequence[Spans], *, budget: int, seed: int, chunks: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return masks over the groups, (m, g) of 0 and 1, none twice, the whole text first, and their weights, (m,).

    What is not all masks counts by LIME's kernel alone: the near texts more than the short ones.
    """
    if not chunks:
        chosen = perturbations.sample_masks(len(groups), budget=budget, rng=np.random.default_rng(0))
        return chosen.keep.astype(np.float64), chosen.weights
    near = CHUNK if len(groups) <= FEW else _NEAR
    drawn = []
    for number, portion in enumerate(_portions(len(groups), chunks)):
        rng = np.random.default_rng([seed, _identity(groups), number])
        drawn += [perturbations.sample_masks(len(groups), budget=portion * near, rng=rng).keep]
        drawn += [perturbations.sample_sparse_masks(len(groups), portion * (CHUNK - near), rng)]
    # np.unique sorts ascending, and the whole text is the largest.
    keep = np.unique(np.vstack(drawn), axis=0)[::-1].astype(np.float64)
    return keep, perturbations.kernel(keep.mean(axis=1))


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


@dataclass(frozen=True, slots=True)
class _Estimate:
    """Local weights from the m texts that were asked about.

    Attributes:
        matrix: (g, features).
        errors: (g,) standard errors for a surprise of 1.
        surprise: (m, features) whose squares sum to 1 for answers as the prior expects them, to more for mere chance.
        left: (m, features): each text's features less what the others let expect.
    """

    matrix: NDArray[np.float64]
    errors: NDArray[np.float64]
    surprise: NDArray[np.float64]
    left: NDArray[np.float64]


def _from_texts_and_slopes(
    keep: NDArray[np.float64], features: FloatArray, lengths: NDArray[np.float64], slopes: Slopes | None
) -> _Estimate:
    """Return LIME's local weights by way of estimates for the texts between those that were asked about."""
    unknown = _from_texts(keep, features, lengths, _UNKNOWN)
    if slopes is None:
        return unknown
    directions = np.asarray(slopes.directions, np.float64)
    steepness = _steepness(keep, lengths) @ slopes.values
    along = features @ directions.T
    centred = steepness - steepness.mean(axis=0)
    factor = max(float((centred * along).sum()) / max(float(np.square(centred).sum()), _NO_CHANGE), 0.0)
    beyond = _from_texts(keep, along - factor * steepness, lengths, _BEYOND_SLOPES)
    if np.square(beyond.left).sum() > np.square(unknown.left @ directions.T).sum():
        return unknown  # the slopes of this text mislead
    between, fitted = _neighbourhood(keep.shape[1])
    weights = factor * fitted @ _steepness(between, lengths) @ slopes.values + beyond.matrix

    def across(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return rows - rows @ directions.T @ directions

    # What lies across the slopes is surprising in the measure of its own errors, and told in that of the others.
    ratio = np.linalg.norm(unknown.errors) / max(float(np.linalg.norm(beyond.errors)), _NO_CHANGE)
    return _Estimate(
        matrix=across(unknown.matrix) + weights @ directions,
        errors=beyond.errors,
        surprise=np.vstack([ratio * across(unknown.surprise), beyond.surprise @ directions]),
        left=across(unknown.left) + beyond.left @ directions,
    )


def _steepness(keep: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each slope counts in each text, (m, g): in a shorter one each group that is there for more."""
    shares = (keep @ lengths + _EDGE) / (lengths.sum() + _EDGE)
    return np.asarray(keep * shares[:, None] ** -_SHARPER)


def _from_texts(
    keep: NDArray[np.float64], features: NDArray[Any], lengths: NDArray[np.float64], prior: Prior
) -> _Estimate:
    """Return LIME's local weights of a Gaussian process that has seen some texts.

    Args:
        keep: (m, g) masks that were asked about.
        features: (m, features).
        lengths: (g,) characters of each group.
    """
    between, fitted = _neighbourhood(keep.shape[1])
    inverse = np.linalg.inv(_covariance(keep, keep, lengths, prior) + prior.chance * np.eye(len(keep)))
    root = np.linalg.cholesky(inverse)
    known = fitted @ _covariance(between, keep, lengths, prior)
    uncertain = fitted @ _covariance(between, between, lengths, prior) @ fitted.T - known @ inverse @ known.T
    # Of what differs from the mean of the texts: a ridge with an intercept is blind to the mean itself.
    differences = features - features.mean(axis=0)
    solved = inverse @ differences
    return _Estimate(
        matrix=known @ solved,
        errors=np.sqrt(np.maximum(np.diag(uncertain), 0)),
        surprise=root.T @ differences / np.sqrt(len(keep)),
        left=solved / np.diag(inverse)[:, None],
    )


def _covariance(
    one: NDArray[np.float64], other: NDArray[np.float64], lengths: NDArray[np.float64], prior: Prior
) -> NDArray[np.float64]:
    groups = len(lengths)
    here, there = (rows * lengths / (rows @ lengths + _EDGE)[:, None] for rows in (one, other))
    alike = here @ there.T
    return np.asarray(prior.words / groups * one @ other.T + prior.shares * groups * alike + prior.pairs * alike**2)


@lru_cache(maxsize=128)
def _neighbourhood(groups: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the masks whose texts are estimated, and LIME's map from them: the same for all of as many groups."""
    chosen = perturbations.sample_masks(groups, budget=_ESTIMATED, rng=np.random.default_rng(groups))
    keep = chosen.keep.astype(np.float64)
    return keep, linear_map(keep, chosen.weights)


def _condense(rows: NDArray[np.float64]) -> FloatArray:
    """Return few rows with nearly the same length in every direction: the largest parts of a singular decomposition."""
    values, directions = np.linalg.eigh(rows @ rows.T)
    largest = np.argsort(-values)[:_RANK]
    return np.asarray(directions[:, largest].T @ rows, np.float32)
