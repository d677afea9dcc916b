"""A version as an ordinary transformers checkpoint: one more layer of the encoder's kind holds pooling and centring.

Our head reads the mean of the token states without their common direction, scaled to length 1. The classes of
transformers read the first token. Both are the same once a layer stands between them that

1. attends evenly: with query and key of zero every token gets the mean of all tokens' values, masked ones left out;
2. is turned so that the common direction is the one along which all coordinates are equal: its layer norm takes just
   that direction out and scales what is left to length √width;
3. passes that on: a feed-forward part of zero, and a layer norm of what is normal already.

What the layer carries past its attention, the token's own state, is made so small that rounding swallows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learner.encoders import light_transformers
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.classification.classifier import Classifier
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]

_KINDS = ("bert", "roberta", "xlm-roberta", "camembert", "electra")
"""Model types whose layers are BERT's."""

_QUIET = 2.0**-12
_LOUD = 2.0**14
"""Factors of the token's own state and of the mean of all: their ratio is below float32's rounding."""

_SMALL = 2.0**-17
"""Factor of the logits before the head's tanh, which leaves numbers that small as they are."""


def check(encoder: Encoder, classifier: Classifier) -> None:
    """Make sure that an ordinary checkpoint can answer just as this version does.

    Raises:
        LearnerError: ``ordinary_head_impossible`` for a head that reads n-grams or shifted vectors;
            ``ordinary_kind_unknown`` for an encoder of another build.
    """
    if classifier.text_space or getattr(encoder, "common", None) is None or classifier.mean.any():
        raise LearnerError("ordinary_head_impossible")
    kind = str(encoder.model.config.model_type)
    if kind not in _KINDS:
        raise LearnerError("ordinary_kind_unknown", kind=kind, known=", ".join(_KINDS))


@private_files.umask()
def write(encoder: Encoder, classifier: Classifier, names: list[str], folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors``; `check` comes first.

    Args:
        names: k label names in column order.

    Raises:
        OSError: if the folder can't be written.
    """
    model = build(encoder, classifier, names)
    with light_transformers.lightly():
        model.save_pretrained(folder)


def build(encoder: Encoder, classifier: Classifier, names: list[str]) -> Any:
    """Return an ``…ForSequenceClassification`` with the probabilities of the classifier on the encoder's vectors."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    assert encoder.common is not None, "checked before"
    config = AutoConfig.for_model(**_config(encoder, names))
    with torch.no_grad():
        model = AutoModelForSequenceClassification.from_config(config)
        base = getattr(model, model.base_model_prefix)
        state = {name: tensor for name, tensor in encoder.model.state_dict().items() if "pooler" not in name}
        base.load_state_dict(state, strict=False)
        turn = _turn(encoder.common.astype(np.float64))
        _pool(base.encoder.layer[-2], base.encoder.layer[-1], turn)
        weight, bias = classifier.head
        # The last layer norm gives vectors of length √width, in turned coordinates.
        weight = weight.astype(np.float64) @ turn / np.sqrt(len(turn))
        _head(model, base, weight, bias.astype(np.float64), kind=str(config.model_type))
    return model.eval()


def _config(encoder: Encoder, names: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = encoder.model.config.to_dict()
    # A prefix stated here would be put before texts again where the folder itself serves as an encoder.
    config |= {"text_prefix": "", "common_direction": None, "architectures": None, "_name_or_path": ""}
    return config | {
        "num_hidden_layers": int(config["num_hidden_layers"]) + 1,
        "id2label": dict(enumerate(names)),
        "label2id": {name: column for column, name in enumerate(names)},
        "problem_type": "single_label_classification",
        "dtype": "float32",
    }


def _turn(common: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reflection that takes a direction of length 1 to the one of equal coordinates, (width, width).

    Source: Householder (1958), Unitary Triangularization of a Nonsymmetric Matrix.
    """
    even = np.full(len(common), len(common) ** -0.5)
    # Of the two signs, the one that doesn't subtract nearly equal numbers.
    between = common + even if common @ even > 0 else common - even
    return np.asarray(np.eye(len(common)) - 2 * np.outer(between, between) / (between @ between))


def _pool(before: Any, layer: Any, turn: NDArray[np.float64]) -> None:
    """Make a layer average, take the common direction out and normalise."""
    norm, attention = before.output.LayerNorm, layer.attention
    norm.weight.mul_(_QUIET)
    norm.bias.mul_(_QUIET)
    for part in (attention.self.query, attention.self.key, layer.intermediate.dense, layer.output.dense):
        _set(part, 0)
    _set(attention.self.value, turn / _QUIET)
    _set(attention.output.dense, _LOUD * np.eye(len(turn)))
    _set(attention.output.LayerNorm, 1)
    # It divides by √(1 + epsilon) what has a variance of 1.
    _set(layer.output.LayerNorm, (1 + layer.output.LayerNorm.eps) ** 0.5)


def _head(model: Any, base: Any, weight: NDArray[np.float64], bias: NDArray[np.float64], *, kind: str) -> None:
    """Pass the head's logits through a layer, an activation and a layer that leave the logits as they are.

    The first layer computes the logits, the second brings them to the labels. A tanh leaves small numbers as
    they are; a gelu is passed by gelu(x) - gelu(-x) = x.
    """
    dense, out = (base.pooler.dense, model.classifier) if kind == "bert" else _dense_and_out(model)
    k, width = weight.shape
    to_labels = np.eye(k, width)
    first, offset = np.zeros((width, width)), np.zeros(width)
    if kind == "electra":
        first[:k], first[k : 2 * k], offset[:k], offset[k : 2 * k] = weight, -weight, bias, -bias
        to_labels[:, k : 2 * k] = -np.eye(k)
    else:
        first[:k], offset[:k] = _SMALL * weight, _SMALL * bias
        to_labels /= _SMALL
    _set(dense, first, offset)
    _set(out, to_labels)


def _dense_and_out(model: Any) -> tuple[Any, Any]:
    return model.classifier.dense, model.classifier.out_proj


def _set(part: Any, weight: NDArray[np.float64] | float, bias: NDArray[np.float64] | float = 0) -> None:
    """Set a linear map or a layer norm."""
    import torch

    for parameter, value in ((part.weight, weight), (part.bias, bias)):
        whole = np.broadcast_to(np.asarray(value, np.float64), tuple(parameter.shape))
        parameter.copy_(torch.from_numpy(whole.astype(np.float32)))


def predict(texts: Sequence[str], folder: Path) -> FloatArray:
    """Return the probabilities from a folder that `write` wrote, loaded as anybody would, (texts, k).

    Args:
        folder: with the tokenizer in it.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        parts = [
            model(**tokenizer([text], truncation=True, return_tensors="pt")).logits.softmax(dim=1) for text in texts
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)
