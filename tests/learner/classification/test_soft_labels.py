from __future__ import annotations

import numpy as np

from learner.classification.soft_labels import PRIOR_OVERLAPS, share_equally, soft_targets


def _ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_a_lone_decision_is_the_label() -> None:
    found = soft_targets(_ints(7, 3), _ints(1, 1), _ints(0, 2), k=3)
    assert found.items.tolist() == [3, 7]
    np.testing.assert_array_equal(found.targets, [[0, 0, 1], [1, 0, 0]])
    assert found.columns.tolist() == [2, 0]
    assert found.reliability == {1: 1.0}


def test_reliability_by_hand() -> None:
    # On diary 1 persons 1 and 2 agree against person 3.
    found = soft_targets(_ints(1, 1, 1), _ints(1, 2, 3), _ints(0, 0, 1), k=2)
    agreeing, alone = (PRIOR_OVERLAPS + 1) / (PRIOR_OVERLAPS + 2), PRIOR_OVERLAPS / (PRIOR_OVERLAPS + 2)
    assert found.reliability == {1: agreeing, 2: agreeing, 3: alone}
    np.testing.assert_allclose(found.targets, [[2 * agreeing, alone] / np.float64(2 * agreeing + alone)], rtol=1e-6)


def test_the_newer_decision_wins_a_tie() -> None:
    assert soft_targets(_ints(1, 1), _ints(1, 2), _ints(0, 1), k=2).columns.tolist() == [1]
    assert soft_targets(_ints(1, 1), _ints(2, 1), _ints(1, 0), k=2).columns.tolist() == [0]


def test_who_guesses_counts_less_than_who_agrees() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    said = [truth, np.where(rng.random(300) < 0.9, truth, (truth + 1) % 3), rng.integers(0, 3, 300)]
    found = soft_targets(np.repeat(np.arange(300), 3), np.tile([1, 2, 3], 300), np.stack(said, axis=1).ravel(), k=3)
    assert found.reliability[3] < 0.5 < found.reliability[2] <= 1
    np.testing.assert_allclose(found.targets.sum(axis=1), 1, rtol=1e-6)
    assert (found.columns == truth).mean() > 0.9


def test_nobody_said_anything() -> None:
    found = soft_targets(_ints(), _ints(), _ints(), k=4)
    assert found.targets.shape == (0, 4)
    assert found.reliability == {}


def test_a_decision_that_names_two_labels_is_shared_equally_between_them() -> None:
    columns = np.array([0, 2])
    shares = share_equally(columns, np.array([[0, 1]]), k=3)
    assert shares.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    soft = soft_targets(np.array([7, 8]), np.array([1, 1]), columns, k=3, shares=shares)
    np.testing.assert_allclose(soft.targets, shares)
    assert soft.columns.tolist() == [0, 2], "the label that decided comes first"


def test_shares_of_one_label_each_change_nothing() -> None:
    items, people, columns = np.array([1, 1, 2, 2, 3]), np.array([1, 2, 1, 2, 2]), np.array([0, 1, 1, 1, 2])
    plain = soft_targets(items, people, columns, k=3)
    shared = soft_targets(items, people, columns, k=3, shares=share_equally(columns, np.zeros((0, 2), int), k=3))
    np.testing.assert_allclose(plain.targets, shared.targets)
    assert plain.reliability == shared.reliability


def test_people_who_name_one_emotion_in_common_agree_by_half() -> None:
    shares = np.array([[0.5, 0.5], [1.0, 0.0]], np.float32)
    soft = soft_targets(np.array([1, 1]), np.array([1, 2]), np.array([1, 0]), k=2, shares=shares)
    assert soft.reliability == {1: 10.5 / 11, 2: 10.5 / 11}
    np.testing.assert_allclose(soft.targets, [[0.75, 0.25]], atol=1e-6)
