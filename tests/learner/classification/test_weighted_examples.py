"""Examples whose weights sum to one count as one: for the head, its prior, the temperature, and tuned encoders."""

from __future__ import annotations

import numpy as np
import pytest

from learner.classification import temperature
from learner.classification.classifier import answer_out_of_fold, bootstrap, one_hot, train
from learner.encoders import tiers

N, K, WIDTH = 60, 3, 8


def _examples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = np.arange(N) % K
    features = rng.normal(0, 0.6, (N, WIDTH)).astype(np.float32)
    features[np.arange(N), labels] += 1
    return features, one_hot(labels, K)


def _copied(times: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The examples, the first of them several times, with weights and groups by which these are one."""
    features, targets = _examples()
    more = np.concatenate([np.zeros(times, np.int64), np.arange(1, N)])
    weights = np.concatenate([np.full(times, 1 / times), np.ones(N - 1)]).astype(np.float32)
    return features[more], targets[more], weights, more


@pytest.mark.parametrize("times", [2, 40])
def test_a_copied_example_of_shared_weight_changes_nothing_of_the_head(times: int) -> None:
    features, targets = _examples()
    nothing = np.zeros(1, np.float32)
    once = train(features, targets, mean=nothing, text_space="", seed=1).classifier
    x, y, weights, _ = _copied(times)
    shared = train(x, y, mean=nothing, text_space="", seed=1, weights=weights).classifier
    full = train(x, y, mean=nothing, text_space="", seed=1).classifier
    np.testing.assert_allclose(shared.weight, once.weight, atol=2e-3)
    np.testing.assert_allclose(shared.bias, once.bias, atol=2e-3)
    assert np.abs(full.bias - once.bias).max() > 5 * np.abs(shared.bias - once.bias).max()


def test_weights_of_one_change_nothing_at_all() -> None:
    features, targets = _examples()
    ones = np.ones(N, np.float32)
    for weights in (None, ones):
        trained = train(features, targets, mean=np.zeros(1, np.float32), text_space="", seed=1, weights=weights)
        heads = bootstrap(features, targets, start=trained.classifier, seed=2, weights=weights)
        answers = answer_out_of_fold(features, targets, seed=1, weights=weights)
        if weights is None:
            before = trained, heads, answers
    assert before[0].classifier.temperature == trained.classifier.temperature
    np.testing.assert_array_equal(before[0].classifier.weight, trained.classifier.weight)
    np.testing.assert_array_equal(before[1][0][0], heads[0][0])
    np.testing.assert_array_equal(before[2], answers)


def test_a_wrong_label_on_forty_copies_moves_the_temperature_as_one_does() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (30, K)).astype(np.float32)
    is_uniform, pool = np.zeros(30, np.bool_), rng.normal(0, 2, (200, K)).astype(np.float32)
    once = temperature.weigh(logits, is_uniform, pool)
    places = np.concatenate([np.zeros(40, np.int64), np.arange(1, 30)])
    counted = np.concatenate([np.full(40, 1 / 40), np.ones(29)]).astype(np.float32)
    shared = temperature.weigh(logits[places], is_uniform[places], pool, counted=counted)
    np.testing.assert_allclose(shared[40:], once[1:], rtol=1e-5)
    np.testing.assert_allclose(shared[:40].sum(), once[0], rtol=1e-5)


def test_tiers_weigh_a_group_as_one_text() -> None:
    _, y, weights, _ = _copied(40)
    weighed = tiers.weigh(y, weights)
    np.testing.assert_allclose(weighed[:40].sum() / weighed[40:].mean(), 1, rtol=1e-4)
    np.testing.assert_allclose(weighed.mean(), 1, rtol=1e-5)
