"""The classifier: a linear softmax head on frozen features, from no label at all to thousands.

Features of a diary are its encoder vector, centred on the pool and scaled to length 1, beside its text-space
features at half that length. While fewer than two labels are in use, similarity to the label names and
definitions takes the place of a trained head.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.encoder import Encoder

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

TEXT_SHARE = 0.5
"""Length of the text-space features beside encoder vectors of length 1; chosen in docs/learning.md."""

ZERO_LABEL_SCALE = 8.0
"""Turns similarities, mostly within ±0.3, into logits of a cautious first guess."""

STRENGTH = 1.0
"""Inverse regularisation of the head on features of this length; chosen in docs/learning.md."""

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Classifier:
    """A linear softmax classifier; what is stored as a model version.

    Attributes:
        mean: (width,) mean encoder vector of the pool.
        weight: (k, width + text width) float32.
        bias: (k,) float32.
        temperature: divides the logits.
        text_space: hash of the text space whose features it reads; empty for none.
    """

    mean: FloatArray
    weight: FloatArray
    bias: FloatArray
    temperature: float
    text_space: str

    def features(self, vectors: FloatArray, text_features: FloatArray | None) -> FloatArray:
        """Return what the head reads, (n, features).

        Args:
            vectors: (n, width) of the encoder.
            text_features: (n, text width) of the text space; None if the classifier uses none.
        """
        return join_features(vectors, text_features, mean=self.mean)

    def logits(self, features: FloatArray) -> FloatArray:
        """Return class scores, (n, k), whose softmax is `proba`."""
        return np.asarray((features @ self.weight.T + self.bias) / self.temperature, np.float32)

    def proba(self, features: FloatArray) -> FloatArray:
        """Return class probabilities, (n, k), rows sum to 1."""
        return softmax(self.logits(features))

    def to_bytes(self) -> bytes:
        """Return safetensors bytes."""
        from safetensors.numpy import save

        tensors = {
            "mean": self.mean,
            "weight": np.ascontiguousarray(self.weight),
            "bias": self.bias,
            "temperature": np.array([self.temperature], np.float32),
        }
        return bytes(save(tensors, metadata={"text_space": self.text_space}))


def from_bytes(data: bytes) -> Classifier:
    """Return the classifier that `Classifier.to_bytes` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text_space = header["__metadata__"]["text_space"]
    temperature = float(tensors["temperature"][0])
    return Classifier(tensors["mean"], tensors["weight"], tensors["bias"], temperature, text_space)


def softmax(logits: FloatArray) -> FloatArray:
    """Return row-wise softmax, (n, k)."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def join_features(vectors: FloatArray, text_features: FloatArray | None, *, mean: FloatArray) -> FloatArray:
    """Return centred, scaled vectors beside the text features, (n, features) float32."""
    centred = vectors - mean
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    if text_features is None:
        return np.asarray(centred, np.float32)
    return np.hstack([centred, TEXT_SHARE * text_features]).astype(np.float32)


def zero_label(encoder: Encoder, names: Sequence[str], definitions: Sequence[str], *, mean: FloatArray) -> Classifier:
    """Return the classifier that needs no label: similarity to the names and definitions.

    A label's direction is the mean vector of its name and of each clause of its definition, centred on the
    mean of all labels, because encoders of this kind put every text close to every other.

    Args:
        mean: (width,) mean vector of the pool, or of a random part of it.
    """
    clauses = [[name, *_clauses(definition)] for name, definition in zip(names, definitions, strict=True)]
    directions = np.stack([encoder.encode(texts).vectors.mean(axis=0) for texts in clauses])
    directions = directions - directions.mean(axis=0)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    weight = np.asarray(ZERO_LABEL_SCALE * directions, np.float32)
    return Classifier(mean, weight, np.zeros(len(names), np.float32), 1.0, "")


def _clauses(definition: str) -> list[str]:
    parts = definition.replace("!", ".").replace("?", ".").replace(",", ".").split(".")
    return [part.strip() for part in parts if part.strip()]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained head and what was measured while training.

    Attributes:
        classifier: the head fitted on everything given.
        out_of_fold: (n, k) probabilities of each example by a head that had not seen it.
    """

    classifier: Classifier
    out_of_fold: FloatArray


def train(
    features: FloatArray,
    labels: IntArray,
    *,
    k: int,
    mean: FloatArray,
    text_space: str,
    seed: int,
) -> Trained:
    """Train the head on labelled examples, each label counting the same in total.

    The temperature is chosen on out-of-fold logits, so that every example trains and none is set aside.

    Args:
        features: (n, features) of `join_features`.
        labels: (n,) columns in [0, k); at least two different ones.
        mean, text_space: kept with the classifier, see `Classifier`.

    Raises:
        LearnerError: for fewer than two labels, or NaN in the features.
    """
    if not np.isfinite(features).all():
        raise LearnerError("vectors_not_finite", count=int((~np.isfinite(features).all(axis=1)).sum()))
    if len(np.unique(labels)) < 2:
        raise LearnerError("one_label_only", count=len(labels))
    balance = _balance(labels, k)
    weight, bias = _fit(features, labels, balance, k=k)
    held_out = _out_of_fold(features, labels, balance, _folds(labels, seed), start=(weight, bias))
    temperature = _temperature(held_out, labels)
    classifier = Classifier(mean, weight, bias, temperature, text_space)
    return Trained(classifier, softmax(held_out / temperature))


def warm_up() -> None:
    """Train on next to nothing, so that the first real training doesn't wait for torch to load its optimisers."""
    features = np.eye(4, dtype=np.float32)
    train(features, np.arange(4) % 2, k=2, mean=np.zeros(1, np.float32), text_space="", seed=0)


def _balance(labels: IntArray, k: int) -> FloatArray:
    """Weigh examples so that each label that occurs counts the same; the mean weight is 1."""
    balanced = 1 / np.bincount(labels, minlength=k)[labels]
    return np.asarray(balanced * (len(labels) / balanced.sum()), np.float32)


def _folds(labels: IntArray, seed: int) -> IntArray:
    """Deal the examples of each label over the folds in turn, in an order drawn with the seed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[order] = np.arange(len(labels)) % _FOLDS
    return folds


def _out_of_fold(
    features: FloatArray,
    labels: IntArray,
    balance: FloatArray,
    folds: IntArray,
    *,
    start: tuple[FloatArray, FloatArray],
) -> FloatArray:
    logits = np.zeros((len(labels), len(start[1])), np.float32)
    for fold in np.unique(folds):
        seen = folds != fold
        # The optimum does not depend on the start; the head of all examples is just near it.
        weight, bias = _fit(features[seen], labels[seen], balance[seen], k=len(start[1]), start=start)
        logits[~seen] = features[~seen] @ weight.T + bias
    return logits


def _fit(
    features: FloatArray,
    labels: IntArray,
    balance: FloatArray,
    *,
    k: int,
    start: tuple[FloatArray, FloatArray] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Minimise the weighted cross-entropy plus half the squared weights over the strength: a convex sum."""
    import torch

    x, y, sample = torch.from_numpy(features), torch.from_numpy(labels), torch.from_numpy(balance)
    weight = torch.zeros(k, x.shape[1]) if start is None else torch.from_numpy(start[0]).clone()
    bias = torch.zeros(k) if start is None else torch.from_numpy(start[1]).clone()
    parameters = [weight.requires_grad_(), bias.requires_grad_()]
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=150, tolerance_grad=1e-6, tolerance_change=1e-9, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        losses = torch.nn.functional.cross_entropy(x @ weight.T + bias, y, reduction="none")
        # The bias is held only weakly: how frequent a label is, the data may say.
        size = (weight**2).sum() + 0.01 * (bias**2).sum()
        loss: torch.Tensor = (sample * losses).mean() + size / (2 * STRENGTH * len(y))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach().numpy(), bias.detach().numpy()


def _temperature(logits: FloatArray, labels: IntArray) -> float:
    """Return the temperature with the smallest out-of-fold loss, held near 1 where there are few examples.

    Unlike training this counts every example the same, so that probabilities fit the labels as they come.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, sec. 4.2.
    """
    from scipy.optimize import minimize_scalar

    places = np.arange(len(labels))

    def loss(log: float) -> float:
        chosen = np.maximum(softmax(logits / np.float32(np.exp(log)))[places, labels], 1e-9)
        return float(-np.log(chosen).sum()) + 5 * log**2

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))
