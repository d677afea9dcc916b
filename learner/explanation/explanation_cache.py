"""What an explanation knows that no new head changes, and how it is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from learner.explanation.local_surrogate import LocalModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]

_HALVED = ("matrix", "misfit", "spread", "surprise")


@dataclass(frozen=True, slots=True)
class ExplanationCache:
    """What an explanation knows that no new head changes: with it the next head is explained without the encoder.

    Attributes:
        models: local models, in the order in which they were fitted.
        texts: features of the whole text, its sentences, and the text without its strongest words, by hash.
        removed: what was removed from the latter, without repeats.
    """

    models: tuple[LocalModel, ...] = ()
    texts: dict[str, FloatArray] = field(default_factory=dict)
    removed: tuple[Spans, ...] = ()

    def to_bytes(self) -> bytes:
        """Return safetensors bytes: about 60 KB for a diary of 24 words; 16 bits a number but for the texts."""
        from safetensors.numpy import save

        tensors: dict[str, NDArray[Any]] = {f"text/{key}": row for key, row in self.texts.items()}
        facts = []
        for number, model in enumerate(self.models):
            for name in _HALVED:
                tensors[f"{number}/{name}"], tensors[f"{number}/{name}/steps"] = _halved(getattr(model, name))
            tensors[f"{number}/errors"] = model.errors
            facts.append([model.groups, model.sample_count, model.chunks, model.has_gradients])
        return bytes(save(tensors, metadata={"cache": json.dumps([facts, self.removed])}))


def from_bytes(data: bytes) -> ExplanationCache:
    """Return what `ExplanationCache.to_bytes` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    facts, removed = json.loads(header["__metadata__"]["cache"])
    models = []
    for number, (groups, *counts) in enumerate(facts):
        arrays = {name: tensors[f"{number}/{name}"] * tensors[f"{number}/{name}/steps"] for name in _HALVED}
        arrays["errors"] = tensors[f"{number}/errors"]
        sample_count, chunks, has_gradients = counts
        known = {"sample_count": sample_count, "chunks": chunks, "has_gradients": has_gradients}
        models.append(LocalModel(groups=_spans(groups), **known, **arrays))
    texts = {name.removeprefix("text/"): row for name, row in tensors.items() if name.startswith("text/")}
    return ExplanationCache(tuple(models), texts, _spans(removed))


def _halved(rows: FloatArray) -> tuple[NDArray[np.int16], FloatArray]:
    """Return numbers in even steps of each row's own size: finer than float16 where it matters for sums."""
    steps = np.abs(rows).max(axis=1, keepdims=True, initial=0) / np.iinfo(np.int16).max
    return np.rint(rows / np.maximum(steps, np.finfo(np.float32).tiny)).astype(np.int16), np.asarray(steps, np.float32)


def _spans(groups: list[list[list[int]]]) -> tuple[Spans, ...]:
    return tuple(tuple((start, end) for start, end in group) for group in groups)
