"""A BERT whose token states are those of its last layer beside those of a layer in the middle.

The last layer of an encoder that was tuned on emotions has given up some of what a text is about, which middle layers
still hold: `docs/learning.md` shows what a head gains by reading both.

Source: Tenney et al. (2019), BERT Rediscovers the Classical NLP Pipeline; Liu et al. (2019), Linguistic Knowledge and
Transferability of Contextual Representations.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput


class JoinedLayers(nn.Module):
    """Takes the place of an encoder's model; its width is twice the model's.

    Attributes:
        parts: of a vector, see `learner.encoders.encoder.Encoder`.
    """

    parts = 2

    def __init__(self, model: Any, *, layer: int) -> None:
        """Take over a model, which is not changed.

        Args:
            layer: whose output stands beside the last one's, counted from 1.
        """
        super().__init__()
        self.encoder = model
        self.config = copy.copy(model.config)
        self.config.hidden_size = self.parts * int(model.config.hidden_size)
        self._layer = layer

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> BaseModelOutput:
        """Return the joined states, (n, tokens, 2 width)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        return BaseModelOutput(last_hidden_state=torch.cat([states[-1], states[self._layer]], dim=-1))

    def set_attn_implementation(self, name: str) -> None:
        """Choose how attention is computed, as of any model of transformers."""
        self.encoder.set_attn_implementation(name)
        self.config._attn_implementation = name  # noqa: SLF001 - transformers offers no other way
