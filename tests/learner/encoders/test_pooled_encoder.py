"""The losses that train an encoder: what is unknown counts for nothing, and texts of one label attract each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from learner.encoders import pooled_encoder
from learner.encoders.pooled_encoder import TEMPERATURE, contrastive_losses

ONE_LABEL_EACH = torch.eye(2)[torch.tensor([0, 0, 1, 1])]


def _unit(rows: list[list[float]]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows), dim=1)


def test_what_is_unknown_has_no_part_in_the_sigmoid_loss() -> None:
    logits = torch.tensor([[2.0, -9.0], [0.0, 0.0]])
    targets = torch.tensor([[1.0, math.nan], [0.0, 1.0]])
    losses = pooled_encoder._sigmoid_loss(logits, targets)
    np.testing.assert_allclose(losses, [math.log1p(math.exp(-2.0)), math.log(2)], rtol=1e-5)
    logits.requires_grad_()
    pooled_encoder._sigmoid_loss(logits, targets).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 1] == 0


def test_the_contrastive_loss_is_the_share_that_partners_have_of_all_others() -> None:
    vectors = _unit([[1.0, 0.2], [1.0, -0.2], [-1.0, 0.2], [-1.0, -0.2]])
    near, far = math.exp((1 - 0.04) / 1.04 / TEMPERATURE), math.exp(-(1 - 0.04) / 1.04 / TEMPERATURE)
    opposite = math.exp(-1 / TEMPERATURE)
    losses = contrastive_losses(vectors, ONE_LABEL_EACH)
    np.testing.assert_allclose(losses, [-math.log(near / (near + far + opposite))] * 4, atol=1e-5)


def test_texts_of_one_label_that_lie_together_cost_less_than_those_that_lie_apart() -> None:
    together = _unit([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1]])
    apart = together[[0, 2, 1, 3]]
    assert contrastive_losses(together, ONE_LABEL_EACH).mean() < contrastive_losses(apart, ONE_LABEL_EACH).mean()


def test_a_text_alone_with_its_label_costs_nothing() -> None:
    vectors = _unit([[1.0, 0.1], [0.2, -1.0], [-0.4, 1.0]])
    losses = contrastive_losses(vectors, torch.eye(2)[torch.tensor([0, 0, 1])])
    assert losses[2] == 0
    assert (losses[:2] > 0).all()


def test_soft_labels_attract_as_far_as_they_agree() -> None:
    vectors = _unit([[1.0, 0.1], [-1.0, 0.1], [0.2, -1.0]])
    targets = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    losses = contrastive_losses(vectors, targets)
    hard = contrastive_losses(vectors, targets.round())
    assert float(losses[0]) == pytest.approx(float(hard[0]), rel=1e-5), "its one partner is the same"
    assert losses[2] > 0, "a tenth of a label is shared"


def test_the_direction_that_all_texts_share_has_no_part_in_the_contrast() -> None:
    vectors = torch.tensor([[0.3, 0.1], [0.3, -0.1], [-0.3, 0.1], [-0.3, -0.1]])
    shifted = vectors + torch.tensor([5.0, 7.0])
    np.testing.assert_allclose(
        contrastive_losses(shifted, ONE_LABEL_EACH), contrastive_losses(vectors, ONE_LABEL_EACH), atol=1e-4
    )
