"""The classifier: a linear softmax head on frozen features, from no label at all to thousands.

Features of a diary are its encoder vector, centred on the pool and each part of it scaled to length 1, beside its
text-space features at half that length. While fewer than two labels are in use, similarity to the label names and
definitions takes the place of a trained head.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from learner import light_torch
from learner.classification import folds
from learner.classification import temperature as temperatures
from learner.classification.softmax import softmax as softmax
from learner.classification.temperature import CalibrationData
from learner.classification.unlearned import Unlearned
from learner.encoders.wordings import mean_vectors
from learner.errors import LearnerError
from learner.giving_way import pause

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

    from learner.classification.rationale_loss import Marked
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]
    Head = tuple[FloatArray, FloatArray]

NGRAM_SCALE = 0.5
"""Length of the text-space features beside vectors whose parts have length 1; chosen in docs/learning.md."""

ZERO_LABEL_SCALE = 8.0
"""Turns similarities, mostly within ±0.3, into logits of a cautious first guess."""

INVERSE_REGULARISATION = 1.0
"""Inverse regularisation of the head on features of this length; chosen in docs/learning.md."""

BALANCE_FLOOR = 0.03
"""Share of the examples that a label counts as having at least when labels are weighed against each other.

Without it a label seen three times weighs as much as one seen three hundred times, and is answered far too often.
Chosen in docs/learning.md.
"""

LOGIT_ADJUSTMENT = 0.5
"""How much of the labels' frequencies a trained head answers with; chosen in docs/learning.md.

With none of it rare labels are found soonest and answered too often, with all of it they are hardly ever answered.
"""

PRIOR_COUNT = 20
"""Examples that each label counts as having beforehand: few labels say little about how frequent a label is."""

FEWEST_TO_CALIBRATE = 20
"""Examples below which a temperature follows chance more than the model."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """A linear softmax classifier; what is stored as a model version.

    Attributes:
        mean: (parts, width / parts) mean encoder vector of the pool; see `learner.encoders.encoder.Encoder.by_parts`.
        weight: (k, width + text width) float32.
        bias: (k,) float32.
        temperature: divides the logits.
        text_space: hash of the text space whose features it reads; empty for none.
        committee: weight and bias of bootstrapped heads, for the query strategies that ask several.
        unlearned: labels that no example had; None if each had one. The head itself says that they never occur.
        prior_mean: (k, width) weights that it was drawn towards, for whoever trains others like it; None for zero.
    """

    mean: FloatArray
    weight: FloatArray
    bias: FloatArray
    temperature: float
    text_space: str
    committee: tuple[Head, ...] = ()
    unlearned: Unlearned | None = None
    prior_mean: FloatArray | None = None

    @property
    def width(self) -> int:
        """Length of the encoder vectors that it reads."""
        return int(self.mean.size)

    @property
    def head(self) -> Head:
        """Weight (k, features) and bias (k,) of the scores whose softmax are the probabilities."""
        scale = np.float32(self.temperature)
        return self.weight / scale, self.bias / scale

    def features(self, vectors: FloatArray, text_features: FloatArray | None) -> FloatArray:
        """Return the features that the head reads, (n, features).

        Args:
            vectors: (n, width) of the encoder.
            text_features: (n, text width) of the text space; None if the classifier uses none.
        """
        return join_features(vectors, text_features, mean=self.mean)

    def logits(self, features: FloatArray) -> FloatArray:
        """Return class scores, (n, k), whose softmax is `proba` where every label was learned."""
        return np.asarray((features @ self.weight.T + self.bias) / self.temperature, np.float32)

    def proba(self, features: FloatArray) -> FloatArray:
        """Return class probabilities, (n, k), rows sum to 1."""
        return self.with_unlearned(softmax(self.logits(features)), features)

    def with_unlearned(self, proba: FloatArray, features: FloatArray) -> FloatArray:
        """Return probabilities of the head, (n, k), with those of labels that it has not learned in them."""
        return proba if self.unlearned is None else self.unlearned.mix(proba, features)

    def to_bytes(self) -> bytes:
        """Return safetensors bytes."""
        from safetensors.numpy import save

        tensors = {
            "mean": self.mean,
            "weight": np.ascontiguousarray(self.weight),
            "bias": self.bias,
            "temperature": np.array([self.temperature], np.float32),
        }
        if self.committee:
            tensors["committee_weight"] = np.stack([weight for weight, _ in self.committee])
            tensors["committee_bias"] = np.stack([bias for _, bias in self.committee])
        if self.prior_mean is not None:
            tensors["prior_mean"] = np.ascontiguousarray(self.prior_mean)
        if self.unlearned is not None:
            kept = {name: getattr(self.unlearned, name) for name in _UNLEARNED}
            tensors |= {f"unlearned_{name}": np.ascontiguousarray(value) for name, value in kept.items()}
        return bytes(save(tensors, metadata={"text_space": self.text_space}))


_UNLEARNED = ("places", "weight", "bias", "scale")


def from_bytes(data: bytes) -> Classifier:
    """Return the classifier that `Classifier.to_bytes` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    text_space = header["__metadata__"]["text_space"]
    temperature = float(tensors["temperature"][0])
    committee: tuple[Head, ...] = ()
    if "committee_weight" in tensors:
        committee = tuple(zip(tensors["committee_weight"], tensors["committee_bias"], strict=True))
    unlearned = None
    if "unlearned_places" in tensors:
        unlearned = Unlearned(*(tensors[f"unlearned_{name}"] for name in _UNLEARNED))
    return Classifier(
        np.atleast_2d(tensors["mean"]),  # files of older versions hold it flat
        tensors["weight"],
        tensors["bias"],
        temperature,
        text_space,
        committee,
        unlearned,
        tensors.get("prior_mean"),
    )


def join_features(vectors: FloatArray, text_features: FloatArray | None, *, mean: FloatArray) -> FloatArray:
    """Return vectors, centred and each part scaled to length 1, beside the text features, (n, features) float32.

    Args:
        vectors: (n, width), or by parts.
        mean: (parts, width / parts), or (width,) for vectors of one part.
    """
    centred = _centre(vectors, mean)
    if text_features is None:
        return np.asarray(centred, np.float32)
    return np.hstack([centred, NGRAM_SCALE * text_features]).astype(np.float32)


def _centre(vectors: FloatArray, mean: FloatArray) -> FloatArray:
    parts = vectors.reshape(len(vectors), *np.atleast_2d(mean).shape) - mean
    parts = parts / np.maximum(np.linalg.norm(parts, axis=2, keepdims=True), 1e-9)
    return np.asarray(parts.reshape(len(vectors), mean.size))


def zero_label(encoder: Encoder, names: Sequence[str], definitions: Sequence[str], *, mean: FloatArray) -> Classifier:
    """Return the classifier that needs no label: similarity to the names and definitions.

    A label's direction is the mean vector of its name and of each clause of its definition in the first part of
    vectors, centred on the mean of all labels, because encoders of this kind put every text close to every other.

    Args:
        mean: mean vector of the pool, or of a random part of it; see `Classifier`.
    """
    words = mean_vectors(encoder, [wording(*label) for label in zip(names, definitions, strict=True)])
    directions = encoder.by_parts(_centre(words, encoder.by_parts(words.mean(axis=0))))
    # What a label is called says most in the last layer; a middle one knows what it is about.
    directions[:, 1:] = 0
    weight = np.asarray(ZERO_LABEL_SCALE * directions.reshape(words.shape), np.float32)
    return Classifier(mean, weight, np.zeros(len(names), np.float32), 1.0, "")


def wording(name: str, definition: str) -> list[str]:
    """Return what is said of a label: its name, and the clauses of its definition."""
    parts = definition.replace("!", ".").replace("?", ".").replace(",", ".").split(".")
    return [name, *(part.strip() for part in parts if part.strip())]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained head and what was measured while training.

    Attributes:
        classifier: the head fitted on everything given.
        out_of_fold: (n, k) probabilities of each example by a head that had not seen it.
        calibrated_on: (n,) whether the temperature was chosen on an example. With a tuned encoder these are the ones
            that it was not tuned on: on the others `out_of_fold` looks better than the classifier is.
        test_temperatures: (m,) for each test diary of `CalibrationData` the temperature chosen without it.
    """

    classifier: Classifier
    out_of_fold: FloatArray
    calibrated_on: NDArray[np.bool_]
    test_temperatures: FloatArray


def one_hot(columns: IntArray, k: int) -> FloatArray:
    """Return targets, (n, k), of examples that have one label each."""
    return np.asarray(np.eye(k, dtype=np.float32)[columns])


def train(
    features: FloatArray,
    targets: FloatArray,
    *,
    mean: FloatArray,
    text_space: str,
    seed: int,
    calibrate_on: NDArray[np.bool_] | None = None,
    calibration: CalibrationData | None = None,
    marked: Marked | None = None,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
    prior_mean: FloatArray | None = None,
) -> Trained:
    """Train the head on labelled examples, those of rare labels counting more.

    The temperature is chosen on out-of-fold logits, so that every example trains and none is set aside.

    Args:
        features: (n, features) of `join_features`.
        targets: (n, k), rows sum to 1: how sure it is of each label; see `one_hot`. At least two labels are the
            likeliest of some example.
        mean, text_space: kept with the classifier, see `Classifier`.
        calibrate_on: (n,) examples on which the temperature is chosen; None for all. Where these and the test diaries
            are fewer than `FEWEST_TO_CALIBRATE`, it is chosen on all.
        calibration: what else the temperature is chosen on; None where all examples were drawn uniformly.
        marked: words that are evidence for a label or none; see `learner.classification.rationale_loss`.
        groups: (n,) examples of the same number are answered by a head that has seen none of them; see
            `learner.classification.groups`. Each is by itself where there are none, or only one.
        weights: (n,) how much each example counts; None for 1. Examples whose weights sum to 1 count as one together,
            for the head, for how frequent labels are, and for the temperature.
        prior_mean: (k, width) weights that the head is drawn towards, of the first columns of the features; None for
            zero. It is kept with the classifier; see `learner.classification.first_prior`.

    Raises:
        LearnerError: for fewer than two labels, or NaN in the features.
    """
    _require_finite(features)
    if targets.ndim != 2:
        raise ValueError("targets are (n, k): see one_hot")
    labels = targets.argmax(axis=1)
    if len(np.unique(labels)) < 2:
        raise LearnerError("one_label_only", count=len(labels))
    targets = np.asarray(targets, np.float32)
    counted = np.ones(len(targets), np.float32) if weights is None else np.asarray(weights, np.float32)
    balance = _balance(targets, counted)
    weight, bias = _with_prior(_fit(features, targets, balance, marked=marked, prior_mean=prior_mean), targets, counted)
    dealt = folds.deal(labels, groups, seed=seed)
    held_out = _out_of_fold(
        features, targets, balance, counted, dealt, start=(weight, bias), marked=marked, prior_mean=prior_mean
    )
    calibration = calibration or _uniform(features, targets)
    is_used = _calibrated_on(calibrate_on, len(labels), tested=len(calibration.test_targets))
    pool, test = (x @ weight.T + bias for x in (calibration.pool_features, calibration.test_features))
    used_weights = temperatures.weigh(held_out, calibration.is_uniform, pool, counted=counted)[is_used]
    logits = np.concatenate([held_out[is_used], test])
    known = np.concatenate([targets[is_used], calibration.test_targets])
    all_weights = np.concatenate([used_weights, np.ones(len(test))])
    temperature = temperatures.fit(logits, known, all_weights)
    for_test = temperatures.fit_without_each(logits, known, all_weights, groups=calibration.test_groups, seed=seed)
    return Trained(
        Classifier(mean, weight, bias, temperature, text_space, prior_mean=prior_mean),
        softmax(held_out / np.float32(temperature)),
        is_used,
        for_test,
    )


def _require_finite(features: FloatArray) -> None:
    if not np.isfinite(features).all():
        raise LearnerError("vectors_not_finite", count=int((~np.isfinite(features).all(axis=1)).sum()))


def _calibrated_on(asked_for: NDArray[np.bool_] | None, count: int, *, tested: int) -> NDArray[np.bool_]:
    """Return the examples on which the temperature is chosen: those asked for, or all if these are too few."""
    is_enough = asked_for is not None and asked_for.sum() + tested >= FEWEST_TO_CALIBRATE
    return asked_for if is_enough and asked_for is not None else np.ones(count, np.bool_)


def _uniform(features: FloatArray, targets: FloatArray) -> CalibrationData:
    """Return that all examples were drawn uniformly, and that there are no others."""
    return CalibrationData(
        np.ones(len(features), np.bool_), features[:0], targets[:0], np.zeros(0, np.int64), features[:0]
    )


def answer_out_of_fold(
    features: FloatArray,
    targets: FloatArray,
    *,
    seed: int,
    groups: IntArray | None = None,
    weights: FloatArray | None = None,
    prior_mean: FloatArray | None = None,
) -> FloatArray:
    """Return what heads say of each example that have not seen it, (n, k), before any temperature.

    Args:
        features, targets, groups, weights, prior_mean: as in `train`.

    Raises:
        LearnerError: ``vectors_not_finite``.
    """
    _require_finite(features)
    counted = np.ones(len(targets), np.float32) if weights is None else np.asarray(weights, np.float32)
    balance = _balance(targets, counted)
    start = _fit(features, targets, balance, prior_mean=prior_mean)
    dealt = folds.deal(targets.argmax(axis=1), groups, seed=seed)
    return softmax(
        _out_of_fold(features, targets, balance, counted, dealt, start=start, marked=None, prior_mean=prior_mean)
    )


def fit_head(
    features: FloatArray,
    labels: IntArray,
    *,
    k: int,
    start: tuple[FloatArray, FloatArray] | None = None,
    marked: Marked | None = None,
    prior_mean: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Fit weight and bias alone, as `train` does, where only the answers count and not how sure they are.

    Args:
        features, labels, marked, prior_mean: as in `train`.
        start: weight and bias to start from; the optimum does not depend on it.
    """
    targets, counted = one_hot(labels, k), np.ones(len(labels), np.float32)
    fitted = _fit(features, targets, _balance(targets, counted), start=start, marked=marked, prior_mean=prior_mean)
    return _with_prior(fitted, targets, counted)


COMMITTEE = 8
"""Bootstrapped heads of a committee; more change the smallest margin little."""


def bootstrap(
    features: FloatArray,
    targets: FloatArray,
    *,
    start: Classifier,
    seed: int,
    marked: Marked | None = None,
    weights: FloatArray | None = None,
) -> tuple[Head, ...]:
    """Return a committee: weight and bias of heads that each weigh the examples anew at random.

    Random weights instead of draws: no label can go missing in a head.

    Args:
        features, targets, marked, weights: as in `train`.
        start: the head trained on all examples, near which the others are; they have its prior.

    Source: Rubin (1981), The Bayesian Bootstrap.
    """
    rng = np.random.default_rng(seed)
    counted = np.ones(len(targets), np.float32) if weights is None else np.asarray(weights, np.float32)
    balance = _balance(targets, counted)
    heads = []
    for _ in range(COMMITTEE):
        drawn = balance * rng.exponential(size=len(targets)).astype(np.float32)
        head = _fit(
            features,
            targets,
            drawn,
            start=(start.weight, start.bias),
            marked=marked,
            prior_mean=start.prior_mean,
        )
        heads.append(_with_prior(head, targets, counted))
    return tuple((weight / start.temperature, bias / start.temperature) for weight, bias in heads)


def warm_up() -> None:
    """Train on next to nothing, so that the first real training doesn't wait for torch to load its optimisers."""
    features = np.eye(4, dtype=np.float32)
    train(features, one_hot(np.arange(4) % 2, 2), mean=np.zeros(1, np.float32), text_space="", seed=0)


def _balance(targets: FloatArray, counted: FloatArray) -> FloatArray:
    """Weigh examples against how frequent their label is; the weights sum to what is `counted`. See `BALANCE_FLOOR`.

    The loss is a sum over the examples beside a fixed price of the weights: what counts as one weighs as one.
    """
    total = counted.sum(dtype=np.float64)
    frequency = (targets * counted[:, None]).sum(axis=0, dtype=np.float64) + BALANCE_FLOOR * total
    balanced = (targets / np.maximum(frequency, 1e-9)).sum(axis=1) * counted
    return np.asarray(balanced * (total / balanced.sum()), np.float32)


def _with_prior(head: Head, targets: FloatArray, counted: FloatArray) -> Head:
    """Give a head that weighs all labels the same a part of how frequent they are.

    Source: Menon et al. (2021), Long-tail learning via logit adjustment; Dirichlet smoothing of the frequencies.
    """
    counts = (targets * counted[:, None]).sum(axis=0, dtype=np.float64) + PRIOR_COUNT
    weight, bias = head
    return weight, np.asarray(bias + LOGIT_ADJUSTMENT * np.log(counts / counts.mean()), np.float32)


def _out_of_fold(
    features: FloatArray,
    targets: FloatArray,
    balance: FloatArray,
    counted: FloatArray,
    dealt: IntArray,
    *,
    start: tuple[FloatArray, FloatArray],
    marked: Marked | None,
    prior_mean: FloatArray | None,
) -> FloatArray:
    logits = np.zeros_like(targets)
    for fold in np.unique(dealt):
        seen = dealt != fold
        # The optimum does not depend on the start; the head of all examples is just near it.
        head = _fit(features[seen], targets[seen], balance[seen], start=start, marked=marked, prior_mean=prior_mean)
        weight, bias = _with_prior(head, targets[seen], counted[seen])
        logits[~seen] = features[~seen] @ weight.T + bias
    return logits


def _fit(
    features: FloatArray,
    targets: FloatArray,
    balance: FloatArray,
    *,
    start: tuple[FloatArray, FloatArray] | None = None,
    marked: Marked | None = None,
    prior_mean: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Minimise the weighted cross-entropy plus half the squared distance to the prior's mean over the strength.

    A convex sum, whose least is the posterior mode under a Gaussian prior. Marked words add their penalty to the sum
    over the examples.
    """
    import torch

    x, y, sample = torch.from_numpy(features), torch.from_numpy(targets), torch.from_numpy(balance)
    k = y.shape[1]
    towards = torch.zeros(k, x.shape[1])
    if prior_mean is not None:
        towards[:, : prior_mean.shape[1]] = torch.from_numpy(prior_mean)
    weight = towards.clone() if start is None else torch.from_numpy(start[0]).clone()
    bias = torch.zeros(k) if start is None else torch.from_numpy(start[1]).clone()
    parameters = [weight.requires_grad_(), bias.requires_grad_()]
    optimiser = light_torch.lbfgs()(
        parameters, max_iter=150, tolerance_grad=1e-6, tolerance_change=1e-9, line_search_fn="strong_wolfe"
    )

    share, strength = (sample / len(y))[:, None], 1 / (INVERSE_REGULARISATION * len(y))

    def closure() -> torch.Tensor:
        pause()
        optimiser.zero_grad()
        price = torch.zeros(()) if marked is None else marked.price(weight) / len(y)
        if marked is not None:
            price.backward()
        # Here the slope is written out: to have torch derive it takes twice as long.
        with torch.no_grad():
            log_proba, away = torch.log_softmax(x @ weight.T + bias, dim=1), weight - towards
            wrong = share * (log_proba.exp() * y.sum(dim=1, keepdim=True) - y)
            # The bias is regularised only weakly: the data may say how frequent a label is.
            _add_slope(weight, wrong.T @ x + strength * away)
            _add_slope(bias, wrong.sum(dim=0) + 0.01 * strength * bias)
            size = (away**2).sum() + 0.01 * (bias**2).sum()
            loss: torch.Tensor = price.detach() - (share * y * log_proba).sum() + strength / 2 * size
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach().numpy(), bias.detach().numpy()


def _add_slope(parameter: torch.Tensor, slope: torch.Tensor) -> None:
    parameter.grad = slope if parameter.grad is None else parameter.grad + slope
