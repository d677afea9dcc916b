from __future__ import annotations

import numpy as np
import pytest

from learner.active_learning.draws import draw, smallest


def test_a_number_has_the_same_draw_whatever_lies_beside_it() -> None:
    whole = draw(np.arange(1000), seed=7, purpose="score")
    np.testing.assert_array_equal(draw(np.arange(400, 600), seed=7, purpose="score"), whole[400:600])
    np.testing.assert_array_equal(draw(np.array([999, 3]), seed=7, purpose="score"), whole[[999, 3]])


def test_draws_are_uniform_and_of_other_seeds_and_purposes_unrelated() -> None:
    numbers = np.arange(20_000)
    first = draw(numbers, seed=1, purpose="score")
    assert ((first >= 0) & (first < 1)).all()
    assert np.histogram(first, 10, (0, 1))[0] == pytest.approx(2000, rel=0.1)
    for other in (draw(numbers, seed=2, purpose="score"), draw(numbers, seed=1, purpose="sample")):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03


def test_the_smallest_come_in_order_and_never_more_than_there_are() -> None:
    draws = np.array([0.5, 0.1, 0.9, 0.1])
    assert smallest(draws, 3).tolist() == [1, 3, 0]
    assert smallest(draws, 9).tolist() == [1, 3, 0, 2]
    assert smallest(draws, -1).tolist() == []
