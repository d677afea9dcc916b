"""The head of KOTE's 44 emotions that belongs to the emotion-aware encoder: what that knows before any label.

It is fitted on the comments that the adapter was tuned on, and shipped beside it. Other encoders have none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.encoders.emotion_editions import FOLDERS
from learner.encoders.wordings import mean_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]

FILE = "head.safetensors"

NAMES = (
    "불평/불만",
    "환영/호의",
    "감동/감탄",
    "지긋지긋",
    "고마움",
    "슬픔",
    "화남/분노",
    "존경",
    "기대감",
    "우쭐댐/무시함",
    "안타까움/실망",
    "비장함",
    "의심/불신",
    "뿌듯함",
    "편안/쾌적",
    "신기함/관심",
    "아껴주는",
    "부끄러움",
    "공포/무서움",
    "절망",
    "한심함",
    "역겨움/징그러움",
    "짜증",
    "어이없음",
    "없음",
    "패배/자기혐오",
    "귀찮음",
    "힘듦/지침",
    "즐거움/신남",
    "깨달음",
    "죄책감",
    "증오/혐오",
    "흐뭇함(귀여움/예쁨)",
    "당황/난처",
    "경악",
    "부담/안_내킴",
    "서러움",
    "재미없음",
    "불쌍함/연민",
    "놀람",
    "행복",
    "불안/걱정",
    "기쁨",
    "안심/신뢰",
)
"""KOTE's emotions in its order."""

LEAST_LIKENESS = {1: 0.35, 2: 0.4}
"""Cosine of a label's wording and an emotion's name below which they have nothing to do with each other.

By the parts of a vector, whose cosines' mean is taken: in a middle layer words are more alike. Tried on four dozen
words: 서운함 and 외로움 lie just above it, 업무, 일상 and 정치 below.
"""

_SHARPNESS = 20.0
"""Turns cosines into shares: an emotion that is 0.1 less like a label counts for a seventh."""


@dataclass(frozen=True, slots=True)
class EmotionHead:
    """Scores of 44 emotions on centred vectors whose parts have length 1.

    Attributes:
        weight: (44, width) float32; on the comments that it was fitted on each emotion's scores have a spread of 1.
        frequency: (44,) share of these comments that have the emotion.
    """

    weight: FloatArray
    frequency: FloatArray


def fit(features: FloatArray, emotions: FloatArray) -> EmotionHead:
    """Fit the head: 44 logistic regressions, L2-regularised.

    Args:
        features: (n, width) centred vectors whose parts have length 1.
        emotions: (n, 44), 1 where a text has the emotion.
    """
    import torch

    x, y = torch.from_numpy(features), torch.from_numpy(emotions)
    weight = torch.zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = torch.zeros(y.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        logits = x @ weight.T + bias
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="sum")
        loss = loss + (weight**2).sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    weights = weight.detach().numpy()
    spread = np.maximum((features @ weights.T).std(axis=0), 1e-6)
    return EmotionHead(np.asarray(weights / spread[:, None], np.float32), emotions.mean(axis=0).astype(np.float32))


def to_bytes(head: EmotionHead) -> bytes:
    """Return safetensors bytes, float16."""
    from safetensors.numpy import save

    tensors = {"weight": head.weight.astype(np.float16), "frequency": head.frequency}
    return bytes(save(tensors, metadata={"emotions": json.dumps(NAMES, ensure_ascii=False)}))


def load(edition: str) -> EmotionHead:
    """Return the head of an edition of the emotion-aware encoder."""
    from safetensors.numpy import load as read

    tensors = read((FOLDERS[edition] / FILE).read_bytes())
    return EmotionHead(tensors["weight"].astype(np.float32), tensors["frequency"])


def likeness(encoder: Encoder, wordings: Sequence[Sequence[str]]) -> FloatArray:
    """Return which emotions labels are most like by their wording, (k, 44): rows sum to 1, or to 0 for none.

    Args:
        wordings: of each label its name and the clauses of its definition.
    """
    emotions = encoder.by_parts(mean_vectors(encoder, [_parts(name) for name in NAMES]))
    centre = emotions.mean(axis=0)
    words = encoder.by_parts(mean_vectors(encoder, wordings))
    by_part = np.einsum("kpw,epw->pke", _unit(words - centre), _unit(emotions - centre))
    cosines = by_part.mean(axis=0)
    likely = np.exp(_SHARPNESS * (cosines - cosines.max(axis=1, keepdims=True)))
    is_known = cosines.max(axis=1, keepdims=True) >= LEAST_LIKENESS[encoder.parts]
    return np.asarray(is_known * likely / likely.sum(axis=1, keepdims=True), np.float32)


def _parts(name: str) -> list[str]:
    return name.replace("(", "/").replace(")", "").replace("_", " ").split("/")


def _unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9), np.float32)
