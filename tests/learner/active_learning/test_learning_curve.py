from __future__ import annotations

import numpy as np

from learner.active_learning.learning_curve import answers_along, points, round_counts, spread_counts


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
