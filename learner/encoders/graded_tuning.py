"""Tuning an encoder's upper layers on comments with emotions and on reviews with ratings, both in each step.

A comment is taught which of the emotions it has, a review how many stars, as graded classes: four stars are nearly
three and nearly five. Both learn to lie near the texts of their kind with like emotions or ratings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from learner.encoders.pooled_encoder import PooledEncoder, contrastive_losses_towards
from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from learner.encoders.upper_layers import LowerStates, UpperLayers

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

RATINGS = 10

_ALIKE_AT_ONCE = 50
"""Batches that are drawn together and sorted by length, so that little padding is computed."""


@dataclass(frozen=True, slots=True)
class GradedSettings:
    """How the upper layers are tuned.

    Attributes:
        layers: uppermost layers that are trained.
        steps: of the optimiser.
        comments, reviews: texts of each kind in a step.
        learning_rate, head_rate: largest step for the layers and for the linear layers on top, falling as a cosine.
        warmup_share: share of the steps in which they rise.
        weight_decay, gradient_clip, dropout: as usual.
        emotions_weight, contrast_weight: of the losses beside that of the ratings. The loss of the emotions is a sum
            over them, quartered, so that both are about as large.
        rating_spread: standard deviation of a rating's graded classes, in stars.
        averaging: share of the averaged weights that stays at every fifth step.
    """

    layers: int = 8
    steps: int = 900
    comments: int = 16
    reviews: int = 104
    learning_rate: float = 7e-5
    head_rate: float = 2e-3
    warmup_share: float = 0.03
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    dropout: float = 0.1
    emotions_weight: float = 1.0
    contrast_weight: float = 0.1
    rating_spread: float = 1.0
    averaging: float = 0.99


@dataclass(frozen=True, slots=True)
class GradedTexts:
    """What is learned from: comments first, then reviews.

    Attributes:
        below: of all texts.
        emotions: (comments, emotions), 1 where a comment has the emotion.
        ratings: (reviews,) from 1 to 10.
    """

    below: LowerStates
    emotions: FloatArray
    ratings: IntArray


def tune(
    layers: UpperLayers,
    texts: GradedTexts,
    settings: GradedSettings,
    *,
    seed: int,
    on_progress: Callable[[float], None] = lambda share: None,
) -> dict[str, torch.Tensor]:
    """Tune the layers and return their matrices, averaged over the steps (Polyak and Juditsky 1992).

    Args:
        texts: at least one of each kind.
        on_progress: is called with the share of the steps that are done, in (0, 1].

    Raises:
        LearnerError: ``tuning_diverged`` for a loss that is no number.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    width, emotions = texts.below.states.shape[1], texts.emotions.shape[1]
    heads = nn.ModuleDict({"emotions": nn.Linear(width, emotions), "ratings": nn.Linear(width, RATINGS)})
    trained = layers.matrices()
    averaged = {name: each.detach().clone() for name, each in trained.items()}
    optimiser = torch.optim.AdamW(
        [{"params": list(trained.values())}, {"params": list(heads.parameters())}],
        weight_decay=settings.weight_decay,
        betas=(0.9, 0.98),
        fused=True,
    )
    lengths, count = texts.below.lengths, len(texts.emotions)
    comments = _batches(np.arange(count), lengths, settings.comments, rng)
    reviews = _batches(np.arange(count, count + len(texts.ratings)), lengths, settings.reviews, rng)
    layers.train()
    for step in range(settings.steps):
        rate = _rate(step / settings.steps, settings.warmup_share)
        optimiser.param_groups[0]["lr"] = settings.learning_rate * rate
        optimiser.param_groups[1]["lr"] = settings.head_rate * rate
        loss = _loss(layers, heads, texts, next(comments), next(reviews), settings)
        if not torch.isfinite(loss):
            raise LearnerError("tuning_diverged", rate=settings.learning_rate)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(list(trained.values()), settings.gradient_clip)
        optimiser.step()
        if step % 5 == 0:
            done = step // 5 + 1
            kept = min(settings.averaging, (1 + done) / (10 + done))
            torch._foreach_lerp_(list(averaged.values()), [each.detach() for each in trained.values()], 1 - kept)
        on_progress((step + 1) / settings.steps)
    return averaged


def _loss(
    layers: UpperLayers,
    heads: nn.ModuleDict,
    texts: GradedTexts,
    comments: IntArray,
    reviews: IntArray,
    settings: GradedSettings,
) -> torch.Tensor:
    # By themselves, since comments are longer than reviews.
    of_comments, of_reviews = layers(texts.below, comments), layers(texts.below, reviews)
    emotions = torch.from_numpy(texts.emotions[comments])
    ratings = torch.from_numpy(texts.ratings[reviews - len(texts.emotions)])
    logits = heads["emotions"](PooledEncoder.SCALE * of_comments)
    felt = nn.functional.binary_cross_entropy_with_logits(logits, emotions, reduction="none").sum(1).mean() / 4
    logits = heads["ratings"](PooledEncoder.SCALE * of_reviews)
    rated = nn.functional.cross_entropy(logits, grade(ratings, spread=settings.rating_spread))
    contrast = contrastive_losses_towards(of_comments, _shared(emotions)).mean()
    contrast = contrast + contrastive_losses_towards(of_reviews, _near(ratings)).mean()
    loss: torch.Tensor = settings.emotions_weight * felt + rated + settings.contrast_weight * contrast
    return loss


def grade(ratings: torch.Tensor, *, spread: float) -> torch.Tensor:
    """Return the classes of ratings, (n, 10), rows sum to 1: a bell around each, so that near ratings are nearly right.

    Source: Diaz and Marathe (2019), Soft Labels for Ordinal Regression.
    """
    distance = torch.arange(1, RATINGS + 1)[None] - ratings[:, None]
    return torch.softmax(-(distance.float() ** 2) / (2 * spread**2), dim=1)


def _shared(emotions: torch.Tensor) -> torch.Tensor:
    """Return how much two comments have in common, (n, n): the squared share of their emotions that both have."""
    both = emotions @ emotions.T
    either = emotions.sum(1)[:, None] + emotions.sum(1)[None] - both
    return (both / either.clamp(min=1)) ** 2


def _near(ratings: torch.Tensor) -> torch.Tensor:
    return torch.exp(-((ratings[:, None] - ratings[None]).float() ** 2) / 2)


def _rate(done: float, warmup: float) -> float:
    return min(1.0, done / warmup) * 0.5 * (1 + math.cos(math.pi * done)) + 0.01


def _batches(rows: IntArray, lengths: IntArray, size: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Yield batches of rows for ever, each of texts of like length, all rows before any comes again."""
    while True:
        shuffled = rng.permutation(rows)
        for start in range(0, len(shuffled), _ALIKE_AT_ONCE * size):
            drawn = shuffled[start : start + _ALIKE_AT_ONCE * size]
            drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
            for place in rng.permutation(max(1, len(drawn) // size)):
                yield drawn[place * size : (place + 1) * size]
