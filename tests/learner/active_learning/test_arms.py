"""Chosen labels against random ones: how they are dealt, and when a difference is one."""

from __future__ import annotations

import numpy as np
import pytest

from learner.active_learning.arms import accuracy_gap, split_arms

K = 3


def _task(n: int, seed: int, *, noise: float = 1.6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, n)
    features = np.eye(8, dtype=np.float32)[labels] + rng.normal(0, noise, (n, 8)).astype(np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True), labels


def test_both_arms_begin_with_the_random_start_and_then_part() -> None:
    random = np.array([1, 1, 0, 1, 0, 0, 1, 0], np.bool_)
    chosen = np.array([0, 0, 1, 0, 1, 0, 0, 1], np.bool_)
    arms = split_arms(random, chosen)
    assert arms.chosen.tolist() == [0, 1, 2, 4, 7]
    assert arms.random.tolist() == [0, 1, 3, 6]
    assert (arms.shared, arms.count) == (2, 4)


@pytest.mark.parametrize(
    ("random", "chosen"), [([1, 1, 1], [0, 0, 0]), ([0, 0, 0], [1, 1, 1]), ([1, 0, 0], [0, 1, 1]), ([], [])]
)
def test_arms_that_never_part_can_not_be_compared(random: list[int], chosen: list[int]) -> None:
    assert split_arms(np.array(random, np.bool_), np.array(chosen, np.bool_)).count == 0


def test_without_a_random_start_the_arms_share_nothing() -> None:
    arms = split_arms(np.array([0, 1, 0, 1], np.bool_), np.array([1, 0, 1, 0], np.bool_))
    assert (arms.shared, arms.count) == (0, 2)


def test_two_arms_that_are_drawn_alike_are_hardly_ever_called_different() -> None:
    different = []
    for seed in range(40):
        features, labels = _task(300, seed)
        test = (features[200:], labels[200:])
        gap = accuracy_gap((features[:100], labels[:100]), (features[100:200], labels[100:200]), test, k=K, seed=seed)
        assert gap.low < gap.value < gap.high
        different.append(gap.low > 0 or gap.high < 0)
    assert np.mean(different) <= 0.05


def test_an_arm_whose_labels_are_wrong_is_called_worse() -> None:
    features, labels = _task(500, 7, noise=0.5)
    wrong = (labels[100:200] + 1) % K
    test = (features[200:], labels[200:])
    gap = accuracy_gap((features[100:200], wrong), (features[:100], labels[:100]), test, k=K, seed=0)
    assert gap.high < 0


def test_labels_of_one_kind_teach_to_answer_that_kind() -> None:
    features, labels = _task(300, 8)
    test = (features[200:], labels[200:])
    gap = accuracy_gap((features[:100], np.ones(100, np.int64)), (features[:100], labels[:100]), test, k=K, seed=0)
    assert gap.value < 0
