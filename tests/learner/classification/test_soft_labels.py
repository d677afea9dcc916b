from __future__ import annotations

import numpy as np

from learner.classification.soft_labels import consensus, share_equally, votes


def _ints(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_one_person_alone_is_believed() -> None:
    result = consensus(_ints(7, 3), _ints(1, 1), _ints(0, 2), k=3)
    assert result.items.tolist() == [3, 7]
    np.testing.assert_array_equal(result.targets, [[0, 0, 1], [1, 0, 0]])
    assert result.columns.tolist() == [2, 0]
    assert result.right == {}


def test_votes_count_the_same() -> None:
    result = votes(_ints(1, 1, 1), _ints(0, 0, 1), k=2)
    np.testing.assert_allclose(result.targets, [[2 / 3, 1 / 3]], rtol=1e-6)
    assert result.columns.tolist() == [0]


def test_the_newer_decision_wins_a_tie() -> None:
    assert votes(_ints(1, 1), _ints(0, 1), k=2).columns.tolist() == [1]
    assert votes(_ints(1, 1), _ints(1, 0), k=2).columns.tolist() == [0]


def test_nobody_said_anything() -> None:
    result = consensus(_ints(), _ints(), _ints(), k=4)
    assert result.targets.shape == (0, 4)
    assert result.right == {}


def test_a_decision_that_names_two_labels_is_shared_equally_between_them() -> None:
    columns = np.array([0, 2])
    shares = share_equally(columns, np.array([[0, 1]]), k=3)
    assert shares.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    soft = votes(np.array([7, 8]), columns, k=3, shares=shares)
    np.testing.assert_allclose(soft.targets, shares)
    assert soft.columns.tolist() == [0, 2], "the label that decided comes first"


def test_shares_of_one_label_each_change_nothing() -> None:
    items, people, columns = np.array([1, 1, 2, 2, 3]), np.array([1, 2, 1, 2, 2]), np.array([0, 1, 1, 1, 2])
    shares = share_equally(columns, np.zeros((0, 2), int), k=3)
    plain = consensus(items, people, columns, k=3)
    shared = consensus(items, people, columns, k=3, shares=shares)
    np.testing.assert_allclose(plain.targets, shared.targets)
    assert plain.right == shared.right


def test_two_people_who_name_one_emotion_in_common_make_it_likelier() -> None:
    shares = np.array([[0.5, 0.5], [1.0, 0.0]], np.float32)
    soft = consensus(np.array([1, 1]), np.array([1, 2]), np.array([1, 0]), k=2, shares=shares)
    assert soft.targets[0, 0] > 0.75
