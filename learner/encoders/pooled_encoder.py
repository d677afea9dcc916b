"""An encoder with one linear layer on its pooled vectors, which is what is trained, and the losses that train it."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

Loss = Literal["softmax", "sigmoid", "contrast"]
"""What a text is taught: one label, several, or one label and to lie near the texts that share it."""

TEMPERATURE = 0.1
"""Divides the similarities of texts in the contrastive loss; smaller, and only the nearest texts count."""


class PooledEncoder(nn.Module):
    """An encoder with one linear layer on the mean of its last hidden states, scaled to length 1."""

    SCALE = 10.0
    """Vectors have length 1; scaled up, a layer of ordinary size can tell them apart."""

    def __init__(self, encoder: Any, k: int, loss: Loss) -> None:
        super().__init__()
        self.encoder = encoder
        self.layer = nn.Linear(int(encoder.config.hidden_size), k)
        self.loss = loss

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return logits, (n, k), and the loss where targets are given."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        vectors = nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
        logits = self.layer(self.SCALE * vectors)
        if labels is None or weights is None:
            return {"logits": logits}
        losses = _sigmoid_loss(logits, labels) if self.loss == "sigmoid" else _softmax_loss(logits, labels)
        if self.loss == "contrast" and self.training:
            losses = losses + contrastive_losses(vectors, labels)
        return {"loss": (losses * weights).sum() / weights.sum(), "logits": logits}


def _softmax_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits.float(), targets, reduction="none")


def _sigmoid_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    is_known = ~torch.isnan(targets)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits.float(), torch.where(is_known, targets, torch.zeros_like(targets)), reduction="none"
    )
    return (losses * is_known).sum(1) / is_known.sum(1).clamp(min=1)


def contrastive_losses(vectors: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return for each text of a batch how far it lies from the texts that share its label, against all others, (n,).

    0 for a text whose label no other text of the batch has.

    Args:
        vectors: (n, width) of length 1.
        targets: (n, k), rows sum to 1; soft labels attract as far as they agree.
    """
    return contrastive_losses_towards(vectors, targets @ targets.T)


def contrastive_losses_towards(vectors: torch.Tensor, attraction: torch.Tensor) -> torch.Tensor:
    """Return for each text of a batch how far it lies from those that attract it, against all others, (n,).

    The vectors are centred on the batch first, since encoders put all texts close together.

    Args:
        vectors: (n, width) of length 1.
        attraction: (n, n), at least 0; that of a text to itself is left out.

    Source: Khosla et al. (2020), Supervised Contrastive Learning, eq. 2.
    """
    centred = nn.functional.normalize(vectors.float() - vectors.float().mean(0), dim=1)
    oneself = torch.eye(len(centred), dtype=torch.bool, device=centred.device)
    similarities = (centred @ centred.T / TEMPERATURE).masked_fill(oneself, -torch.inf)
    log_shares = similarities.log_softmax(1).masked_fill(oneself, 0.0)
    partners = attraction.masked_fill(oneself, 0.0)
    return -(partners * log_shares).sum(1) / partners.sum(1).clamp(min=1e-9)
