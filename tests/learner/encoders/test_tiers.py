"""How each deeper tier tunes: how long, with which loss, and how much each example counts."""

from __future__ import annotations

import numpy as np
import pytest

from learner.encoders import tiers


@pytest.mark.parametrize("tier", ["adapter", "full"])
def test_few_labels_are_gone_over_more_often_than_many(tier: str) -> None:
    few, many = tiers.way_of(tier, 50).settings.epochs, tiers.way_of(tier, 2000).settings.epochs
    assert few > many >= 3


def test_an_adapter_contrasts_texts_and_the_full_tier_changes_every_weight_of_its_layers() -> None:
    adapter, full = tiers.way_of("adapter", 200), tiers.way_of("full", 200)
    assert (adapter.loss, adapter.settings.adapter_rank > 0) == ("contrast", True)
    assert (full.loss, full.settings.adapter_rank) == ("softmax", 0)
    assert full.settings.learning_rate < adapter.settings.learning_rate


def test_labels_count_the_same_in_total_up_to_a_factor_of_ten() -> None:
    targets = np.eye(3, dtype=np.float32)[[0] * 40 + [1] * 10 + [2]]
    weights = tiers.weigh(targets)
    assert weights.mean() == pytest.approx(1)
    assert weights[:40].sum() == pytest.approx(weights[40:50].sum(), rel=1e-5)
    assert weights[50] == pytest.approx(10 * weights[0], rel=1e-5), "not forty times as much"
