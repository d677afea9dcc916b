"""LIME's local model of a text, without a head: what each unit adds to each feature that the head reads.

A ridge is linear in what it is fitted to, and so is the head. The weights of a head's logits are the product of a
matrix that knows no head and the head: once the matrix of a diary is stored, every new head is explained exactly,
without the encoder.

Two methods share this model. ``lime`` is plain LIME: 5,000 draws, each text encoded, one ridge
(`learner.explanation.ridge`). ``fast`` encodes about a hundredth of them. Where all perturbed texts are few, it is the
same ridge on all. Else a Gaussian process (`learner.explanation.gaussian_process`) estimates LIME's neighbourhood from
a few texts (`learner.explanation.perturbations`) and the encoder's gradients (`learner.explanation.input_gradients`),
and each unit is encoded by itself as well (`learner.explanation.unit_sufficiency`).

Source: Ribeiro et al. (2016), "Why Should I Trust You?".
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from learner.explanation import gaussian_process, perturbations, ridge, unit_sufficiency

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from learner.explanation.gaussian_process import Gradients
    from learner.explanation.perturbations import Neighbourhood
    from learner.explanation.ridge import Estimate
    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]
    GradientsOf = Callable[[tuple[Spans, ...]], Gradients | None]

Method = Literal["fast", "lime"]

STRONGEST = 3
"""Units that a sentence can name."""

_SETTLED = 5
"""Units whose place among the strongest, and whose sign, have to be settled before no more texts are encoded."""

_CHANCE = 0.05
"""How often the strongest of all units may seem settled where there is nothing but chance."""

_RANK = 6
"""Directions in which the misfit of the local model is stored; the others hold next to nothing of it."""

_BETWEEN_SEEDS = 0.12
"""By how much the distance of the two strongest weights scatters from seed to seed, over the strongest weight.

The errors that the estimate gives are nearly zero where gradients are known, but the first word still changed in 4 of
24 comments of 14 to 40 words that were explained with two seeds.
"""

_NO_CHANGE = 1e-9
"""Weighted squares of float32 features; smaller ones are rounding, not an effect."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A local model of some groups of spans of a text, for any head.

    Attributes:
        groups: g groups; each was there or removed as a whole.
        matrix: (g, features): what each group adds to each feature.
        errors: (g,) standard error of a group's weight for a surprise of 1.
        misfit, spread: (≤ 6, features): what the model of the texts does not explain, and what there is to explain: the
            squared length of their product with a head's weights is the weighted mean of squares.
        surprise: (≤ 6, features), likewise: how far the texts lie from what the estimates expect, in their own measure.
        sample_count: different texts that were encoded, perturbed ones and units by themselves.
        chunks: draws of `perturbations.CHUNK` texts; 0 where all were encoded, and nothing was left to chance.
        has_gradients: whether the encoder's gradients were part of the estimate, which the errors then understate.
    """

    groups: tuple[Spans, ...]
    matrix: FloatArray
    errors: FloatArray
    misfit: FloatArray
    spread: FloatArray
    surprise: FloatArray
    sample_count: int
    chunks: int
    has_gradients: bool = False

    def weights(self, direction: FloatArray) -> FloatArray:
        """Return what each group adds to scores, (g, k), or (g,) for one direction.

        Args:
            direction: (k, features) or (features,) of a linear score.
        """
        return np.asarray(self.matrix @ direction.T, np.float32)

    def r_squared(self, direction: FloatArray) -> FloatArray:
        """Return the weighted R² of the local model for each score, (k,), at most 1; 1 where nothing changes.

        Where texts are estimated, each encoded one is compared with what the others let expect of it: few texts and
        many words always fit.
        """
        wrong = np.square(self.misfit @ direction.T).sum(axis=0)
        total = np.square(self.spread @ direction.T).sum(axis=0)
        return np.asarray(np.where(total > _NO_CHANGE, 1 - wrong / np.maximum(total, _NO_CHANGE), 1), np.float32)

    def stability(self, direction: FloatArray) -> float:
        """Return the chance that the group which speaks most for a score outweighs the next, in [0.5, 1].

        It is 1 where all texts were encoded, or there is but one group.

        Args:
            direction: (features,) of one score.
        """
        weights = self.weights(direction)
        if not self.chunks or len(weights) < 2:
            return 1.0
        first, second = np.argsort(-weights, kind="stable")[:2]
        surprise = float(np.sqrt(np.square(self.surprise @ direction).sum()))
        estimated = surprise * math.hypot(float(self.errors[first]), float(self.errors[second]))
        unestimated = _BETWEEN_SEEDS * abs(float(weights[first])) if self.has_gradients else 0.0
        noise = math.hypot(estimated, unestimated)
        if not noise:
            return 1.0
        return 0.5 + 0.5 * math.erf(float(weights[first] - weights[second]) / (math.sqrt(2) * noise))

    def settled(self, directions: FloatArray | None) -> tuple[list[int], bool]:
        """Return the groups that move the features most, and whether chance moves them less.

        Args:
            directions: those in which gradients are known; None looks at all features.
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


def fit_lime(around: Neighbourhood) -> LocalModel:
    """Fit the local model as plain LIME does: 5,000 draws and one ridge."""
    keep = perturbations.sample_lime_masks(len(around.groups), seed=around.seed)
    return _fit_ridge(around, keep, perturbations.kernel(keep.mean(axis=1)), chunks=len(keep) // perturbations.CHUNK)


def fit_fast(around: Neighbourhood, *, budget: int, gradients_of: GradientsOf = lambda groups: None) -> LocalModel:
    """Fit the local model on few perturbed texts.

    All are encoded where they fit the budget. Else chunks of them, each time twice as many, until the strongest groups
    stay the same and are beyond chance, or the budget is used up.

    Args:
        budget: most perturbed texts, at least 2.
        gradients_of: returns the gradients of groups, or None; not called for few groups.
    """
    count = len(around.groups)
    if 2**count <= budget:
        masks = perturbations.sample_masks(count, budget=budget, rng=np.random.default_rng(0))
        return _fit_ridge(around, masks.keep, masks.weights, chunks=0)
    gradients = gradients_of(around.groups) if count > perturbations.FEW else None
    directions = None if gradients is None else gradients.directions
    before: list[int] | None = None
    # Threads of numpy's small products wait for the next one at full speed, and the encoder waits for them.
    with threadpool_limits(1, user_api="blas"):
        for chunks in accumulate(perturbations.portions(count, budget // perturbations.CHUNK)):
            model = fit_chunks(around, chunks=chunks, gradients=gradients)
            strongest, is_certain = model.settled(directions)
            if strongest == before and is_certain:
                break
            before = strongest
    return model


def fit_chunks(around: Neighbourhood, *, chunks: int, gradients: Gradients | None = None) -> LocalModel:
    """Fit the local model on so many chunks of perturbed texts."""
    phrases = {}
    if len(around.groups) > perturbations.FEW:
        phrases = unit_sufficiency.find_phrases(around.text, around.groups)
    phrase_texts = unit_sufficiency.texts(around.text, phrases) if phrases else []
    around.cache.announce(phrase_texts)
    keep = perturbations.sample_chunks(around.groups, seed=around.seed, chunks=chunks)
    features = around.features(keep)
    masks = keep.astype(np.float64)
    estimate = gaussian_process.estimate(masks, features, around.lengths, gradients)
    if phrase_texts:
        matrix = unit_sufficiency.join(estimate.matrix, phrases, around.cache.features(phrase_texts))
        estimate = replace(estimate, matrix=matrix)
    weights = perturbations.kernel(masks.mean(axis=1))
    sample_count = len(keep) + len(set(phrase_texts))
    model = _local_model(around, weights, features, estimate, sample_count=sample_count, chunks=chunks)
    return replace(model, has_gradients=gradients is not None)


def _fit_ridge(
    around: Neighbourhood, keep: NDArray[np.bool_], weights: NDArray[np.float64], *, chunks: int
) -> LocalModel:
    features = around.features(keep)
    estimate = ridge.estimate(keep.astype(np.float64), weights, features)
    sample_count = len(np.unique(keep, axis=0))
    return _local_model(around, weights, features, estimate, sample_count=sample_count, chunks=chunks)


def _local_model(
    around: Neighbourhood,
    weights: NDArray[np.float64],
    features: FloatArray,
    estimate: Estimate,
    *,
    sample_count: int,
    chunks: int,
) -> LocalModel:
    root = np.sqrt(weights / weights.sum())[:, None]
    return LocalModel(
        groups=around.groups,
        matrix=np.asarray(estimate.matrix, np.float32),
        errors=np.asarray(estimate.errors, np.float32),
        misfit=_condense(root * estimate.residuals),
        spread=_condense(root * (features - np.average(features, axis=0, weights=weights))),
        surprise=_condense(estimate.surprise),
        sample_count=sample_count,
        chunks=chunks,
    )


def _condense(rows: NDArray[np.float64]) -> FloatArray:
    """Return few rows with nearly the same length in every direction: the largest parts of a singular decomposition."""
    if len(rows) > rows.shape[1]:
        # The same squares in every direction from a square matrix: of 5,000 texts the other one takes minutes.
        rows = np.linalg.qr(rows).R
    values, directions = np.linalg.eigh(rows @ rows.T)
    largest = np.argsort(-values)[:_RANK]
    return np.asarray(directions[:, largest].T @ rows, np.float32)
