"""The upper layers of an encoder, trained whole on texts that its lower layers have read once.

The lower layers stay as they are, so what they make of a text is the same at each pass: it is computed once and kept.
Whole matrices are trained twice as fast as peft's products of low rank beside frozen ones (91 against 44 texts a second
of 38 tokens, eight layers, two cores). What has changed is cut to a low rank afterwards: an adapter like any other.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from learner.encoders import adapters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    IntArray = NDArray[np.int64]

_TOKENS_A_PASS = 4096


@dataclass(frozen=True, slots=True)
class LowerStates:
    """What the lower layers make of n texts, one token after the other.

    Attributes:
        states: (tokens, width) bfloat16: half of the memory, and what the upper layers read anyway.
        starts: (n + 1,) where each text begins, and the last one ends.
    """

    states: torch.Tensor
    starts: IntArray

    @property
    def lengths(self) -> IntArray:
        """Tokens of each text, (n,)."""
        return np.diff(self.starts)

    def padded(self, rows: IntArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the states of some texts, (n, longest, width), and where they are, (n, longest)."""
        lengths = self.lengths[rows]
        states = torch.zeros((len(rows), int(lengths.max()), self.states.shape[1]), dtype=self.states.dtype)
        for place, row in enumerate(rows):
            states[place, : lengths[place]] = self.states[self.starts[row] : self.starts[row + 1]]
        return states, torch.arange(states.shape[1]) < torch.from_numpy(lengths)[:, None]


class UpperLayers(nn.Module):
    """The uppermost layers of a BERT encoder, whose matrices are trained; biases and layer norms stay."""

    def __init__(self, model: Any, *, count: int, dropout: float) -> None:
        """Take over the layers of a model.

        Args:
            model: a transformers BERT, which is not changed.
            count: of layers that are trained.
            dropout: share of the values that each dropout leaves out in training, in [0, 1).
        """
        super().__init__()
        # Not a submodule: its parameters are not trained.
        self._source = [model]
        self._first = int(model.config.num_hidden_layers) - count
        self.layers = copy.deepcopy(model.encoder.layer[self._first :])
        for parameter in self.layers.parameters():
            parameter.requires_grad_(parameter.dim() == 2)
        for module in self.layers.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        self._uses_half = torch.cpu.get_capabilities().get("avx512_bf16", False)

    def matrices(self) -> dict[str, nn.Parameter]:
        """Return what is trained, by its name within the layers."""
        return {name: each for name, each in self.layers.named_parameters() if each.requires_grad}

    @torch.inference_mode()
    def read_below(self, token_ids: Sequence[Sequence[int]], *, padding: int) -> LowerStates:
        """Read texts with the lower layers; some hundred texts a second."""
        lower = copy.deepcopy(self._source[0])
        lower.encoder.layer = lower.encoder.layer[: self._first]
        lower = lower.to(torch.bfloat16 if self._uses_half else torch.float32).eval()
        lengths = np.array([len(ids) for ids in token_ids], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        states = torch.empty((int(starts[-1]), int(lower.config.hidden_size)), dtype=torch.bfloat16)
        for rows in _passes(lengths):
            ids = nn.utils.rnn.pad_sequence(
                [torch.tensor(token_ids[row]) for row in rows], batch_first=True, padding_value=padding
            )
            is_token = torch.arange(ids.shape[1]) < torch.from_numpy(lengths[rows])[:, None]
            hidden = lower(input_ids=ids, attention_mask=is_token.long()).last_hidden_state
            for place, row in enumerate(rows):
                states[starts[row] : starts[row + 1]] = hidden[place, : lengths[row]]
        return LowerStates(states, starts)

    def forward(self, below: LowerStates, rows: IntArray) -> torch.Tensor:
        """Return the vectors of some texts, (n, width) of length 1."""
        hidden, is_token = below.padded(rows)
        closed = torch.finfo(hidden.dtype).min
        mask = torch.zeros((len(rows), 1, 1, hidden.shape[1]), dtype=hidden.dtype)
        mask = mask.masked_fill(~is_token[:, None, None, :], closed)
        if not self._uses_half:
            hidden, mask = hidden.float(), mask.float()
        with torch.autocast("cpu", torch.bfloat16, enabled=self._uses_half):
            for layer in self.layers:
                hidden = layer(hidden, mask)
        counted = is_token[..., None].float()
        return nn.functional.normalize((hidden.float() * counted).sum(1) / counted.sum(1), dim=1)

    def to_adapter(self, matrices: Mapping[str, torch.Tensor], *, rank: int) -> bytes:
        """Return how matrices differ from those of the model, cut to a rank, as an adapter.

        Args:
            matrices: such as `matrices` returns, or averages of them.

        Source: Eckart and Young (1936), The approximation of one matrix by another of lower rank.
        """
        adapted = adapters.attach(copy.deepcopy(self._source[0]), rank=rank, layers=len(self.layers))
        before = dict(self._source[0].encoder.layer[self._first :].named_parameters())
        for name, matrix in matrices.items():
            left, sizes, right = torch.linalg.svd((matrix - before[name]).float(), full_matrices=False)
            part = sizes[:rank].sqrt()
            layer, _, rest = name.partition(".")
            path = f"encoder.layer.{self._first + int(layer)}.{rest.removesuffix('.weight')}"
            adapters.set_product(adapted, path, left[:, :rank] * part, part[:, None] * right[:rank])
        return adapters.to_bytes(adapted)


def _passes(lengths: IntArray) -> list[IntArray]:
    """Return places of texts of like length, as many as are read in one pass."""
    passes: list[IntArray] = []
    current: list[int] = []
    for row in np.argsort(lengths, kind="stable"):
        if current and (len(current) + 1) * lengths[row] > _TOKENS_A_PASS:
            passes.append(np.array(current, np.int64))
            current = []
        current.append(int(row))
    return [*passes, np.array(current, np.int64)] if current else passes
