"""The temperature of a head: fitted on answers that stand for the pool, not for what the queue chose."""

from __future__ import annotations

import numpy as np
import pytest

from learner.classification import temperature
from learner.classification.classifier import softmax

K = 4


def _answers(n: int, seed: int, *, true_temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Return logits, (n, k), and labels drawn from them at a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.0, (n, K)).astype(np.float32)
    proba = softmax(logits / true_temperature)
    labels = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, np.eye(K, dtype=np.float32)[labels]


@pytest.mark.parametrize("true_temperature", [0.4, 0.7, 1.5])
def test_many_answers_give_the_temperature_that_they_were_drawn_with(true_temperature: float) -> None:
    logits, targets = _answers(20_000, 0, true_temperature=true_temperature)
    assert temperature.fit(logits, targets) == pytest.approx(true_temperature, rel=0.05)


def test_few_answers_stay_near_what_is_usual() -> None:
    logits, targets = _answers(2, 1, true_temperature=8.0)
    assert temperature.fit(logits, targets) == pytest.approx(temperature.USUAL, rel=0.35)
    assert temperature.fit(logits[:0], targets[:0]) == pytest.approx(temperature.USUAL, rel=1e-3)


def test_an_answer_that_weighs_nothing_says_nothing() -> None:
    logits, targets = _answers(300, 2, true_temperature=0.5)
    more, wrong = _answers(300, 3, true_temperature=5.0)
    weights = np.concatenate([np.ones(300), np.zeros(300)])
    both = temperature.fit(np.concatenate([logits, more]), np.concatenate([targets, wrong]), weights)
    assert both == pytest.approx(temperature.fit(logits, targets), rel=1e-3)


def test_uniform_examples_count_in_full_and_chosen_ones_by_how_sure_the_pool_is() -> None:
    pool, _ = _answers(4_000, 4, true_temperature=1.0)
    gaps = np.diff(np.sort(pool, axis=1)[:, -2:], axis=1)[:, 0]
    unsure, sure = pool[gaps < 0.4][:90], pool[gaps > 1.0][:10]
    logits = np.concatenate([unsure, sure, pool[:50]])
    is_uniform = np.arange(150) >= 100
    weights = temperature.weigh(logits, is_uniform, pool)
    np.testing.assert_array_equal(weights[is_uniform], 1.0)
    assert weights[90:100].mean() > 2 * weights[:90].mean(), "the sure ones were hardly ever chosen"
    assert weights[:100].sum() <= 50


def test_without_a_pool_or_without_chosen_examples_all_count_alike() -> None:
    logits, _ = _answers(20, 5, true_temperature=1.0)
    np.testing.assert_array_equal(temperature.weigh(logits, np.zeros(20, np.bool_), logits[:0]), 1.0)
    np.testing.assert_array_equal(temperature.weigh(logits, np.ones(20, np.bool_), logits), 1.0)


def test_a_test_diary_has_no_part_in_its_own_temperature_nor_in_its_writers_others() -> None:
    logits, targets = _answers(60, 6, true_temperature=0.6)
    before = temperature.fit_without_each(logits, targets, np.ones(60), groups=np.arange(25) // 2, seed=0)
    for row in range(35, 60):
        turned = targets.copy()
        turned[row] = np.roll(turned[row], 1)
        after = temperature.fit_without_each(logits, turned, np.ones(60), groups=np.arange(25) // 2, seed=0)
        together = (np.arange(25) // 2) == (row - 35) // 2
        np.testing.assert_array_equal(after[together], before[together])
        assert (after != before).any()


def test_labels_that_were_chosen_for_being_hard_do_not_make_answers_modest() -> None:
    """Two heads' worth of out-of-fold answers: on the chosen ones right as often as chance, on uniform ones as sure."""
    logits, targets = _answers(200, 7, true_temperature=0.5)
    hard, _ = _answers(200, 8, true_temperature=0.5)
    hard *= np.float32(0.15)
    coins = np.eye(K, dtype=np.float32)[np.random.default_rng(9).integers(0, K, 200)]
    everything, known = np.concatenate([logits, hard]), np.concatenate([targets, coins])
    is_uniform = np.arange(400) < 200
    weights = temperature.weigh(everything, is_uniform, logits)
    assert temperature.fit(everything, known, weights) == pytest.approx(temperature.fit(logits, targets), rel=0.1)
