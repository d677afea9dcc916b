from __future__ import annotations

import numpy as np
import pytest

from learner.active_learning.learning_curve import answers_along, points, round_counts, split_arms, spread_counts


def test_counts_end_at_all_labels_and_ascend() -> None:
    assert spread_counts(19) == ()
    assert spread_counts(20) == (20,)
    assert spread_counts(1000)[-1] == 1000
    assert len(spread_counts(1000)) == 9
    assert list(spread_counts(300)) == sorted(set(spread_counts(300)))
    assert round_counts(260) == (20, 50, 100, 200, 260)
    assert round_counts(10) == ()


def _separable(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return (np.eye(3)[labels] + rng.normal(0, 0.8, (n, 3))).astype(np.float32), labels


def test_more_labels_answer_better_and_every_point_has_its_interval() -> None:
    x, y = _separable(300, 0)
    test, truth = _separable(400, 1)
    counts = (20, 300)
    answers = answers_along(x, y, test, counts=counts, k=3)
    assert answers.shape == (2, 400)
    few, many = points(answers, truth, counts=counts, k=3)
    assert many.accuracy.value > few.accuracy.value - 0.02
    assert many.accuracy.low < many.accuracy.value < many.accuracy.high
    assert many.macro_f1.low < many.macro_f1.value < many.macro_f1.high


def test_labels_of_one_kind_answer_that_kind() -> None:
    x, _ = _separable(30, 0)
    answers = answers_along(x, np.full(30, 2), x, counts=(20, 30), k=3)
    assert (answers == 2).all()


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
