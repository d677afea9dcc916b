"""An encoder whose matrix products are bfloat16: faster where a processor has units for it.

What is added from block to block stays float32, as do norms: with everything in bfloat16 the vectors are three times
as far from the exact ones, and three times as many answers differ.
"""

from __future__ import annotations

import copy

import torch

from learner.encoders import precision
from learner.encoders.encoder import Encoder

_READ_AS_THEY_ARE = ("query", "key", "value", "intermediate.dense")
"""Layers whose outputs go into a further product or a curve, not into the sum: they stay bfloat16, where the
architecture takes that, which saves time."""


_UNEQUAL = ("오늘", "오늘은 아침부터 비가 내렸다.")
"""Texts of different lengths: padding takes ways through an architecture that equal ones don't."""


class _Bf16Linear(torch.nn.Module):
    """A linear layer that computes in bfloat16.

    Args:
        widens: whether its output becomes float32.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, linear: torch.nn.Linear, *, widens: bool) -> None:
        super().__init__()
        self.register_buffer("weight", linear.weight.detach().to(torch.bfloat16))
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().to(torch.bfloat16))
        self._widens = widens

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        product = torch.nn.functional.linear(values.to(torch.bfloat16), self.weight, self.bias)
        return product.float() if self._widens else product


def in_bf16(original: Encoder, name: str) -> Encoder:
    """Return the bfloat16 form of an encoder; its vectors are float32.

    Args:
        name: of the form.
    """
    form = _make(original, name, narrow=_READ_AS_THEY_ARE)
    try:
        form.encode(_UNEQUAL)
    except RuntimeError:
        # Some architectures multiply what these layers give by float32.
        return _make(original, name, narrow=())
    return form


def _make(original: Encoder, name: str, *, narrow: tuple[str, ...]) -> Encoder:
    """Return the form whose layers of these names alone give bfloat16."""
    # Tensors are shared: what the form does not replace, embeddings above all, would take as much memory again.
    tensors = {id(each): each for each in (*original.model.parameters(), *original.model.buffers())}
    model = copy.deepcopy(original.model, tensors)
    for place, layer in list(model.named_modules()):
        if isinstance(layer, torch.nn.Linear):
            parent, _, own = place.rpartition(".")
            setattr(model.get_submodule(parent), own, _Bf16Linear(layer, widens=not place.endswith(narrow)))
    return Encoder(
        name,
        model,
        original.tokenizer,
        prefix=original.prefix,
        digest=precision.digest_of(original.hash, "bf16"),
        common=original.common,
    )
