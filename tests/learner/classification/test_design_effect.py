from __future__ import annotations

import numpy as np
import pytest

from learner.classification.design_effect import design_effect
from learner.classification.metrics import wilson


def test_diaries_of_as_many_writers_are_independent() -> None:
    assert design_effect(np.arange(40) % 3 == 0, np.arange(40)) == 1.0


def test_nothing_and_one_writer_alone_have_an_effect_too() -> None:
    assert design_effect(np.zeros(0, np.bool_), np.zeros(0, np.int64)) == 1.0
    assert 1 < design_effect(np.arange(40) % 3 == 0, np.zeros(40, np.int64)) < 40


def test_the_more_alike_a_writers_diaries_are_the_fewer_they_are_worth() -> None:
    writers = np.repeat(np.arange(10), 12)
    mixed, alike = np.arange(120) % 2 == 0, writers % 2 == 0
    assert design_effect(mixed, writers) < 2.5
    assert design_effect(alike, writers) > 10


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.94), (0.1, 0.92), (0.2, 0.9)])
@pytest.mark.parametrize("writer_count", [3, 10, 30])
def test_intervals_hold_the_accuracy_for_new_writers(writer_count: int, correlation: float, least: float) -> None:
    rng = np.random.default_rng(writer_count)
    held, plain = [], []
    for _ in range(400):
        share = rng.choice([0.4, 0.6, 0.8])
        sizes = 5 + rng.poisson(rng.gamma(1.5, 8, writer_count))
        spread = 1 / correlation - 1 if correlation else 1e6
        accuracies = rng.beta(share * spread, (1 - share) * spread, writer_count)
        writers = np.repeat(np.arange(writer_count), sizes)
        right = rng.random(len(writers)) < accuracies[writers]
        for cases, effect in ((held, design_effect(right, writers)), (plain, 1.0)):
            low, high = wilson(right.sum() / effect, len(right) / effect)
            cases.append(low <= share <= high)
    assert np.mean(held) >= least
    if correlation:
        assert np.mean(plain) < 0.85
