"""Accuracy on a mixture of strata: weighted by what is asked about, and refused where too much of it is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from learner.classification.metrics import wilson
from learner.classification.stratified import post_stratified


def test_the_figure_follows_the_weights() -> None:
    mostly_hard = post_stratified([90, 40], [100, 100], [10, 90])
    mostly_easy = post_stratified([90, 40], [100, 100], [90, 10])
    assert mostly_hard is not None
    assert mostly_easy is not None
    assert mostly_hard.value == pytest.approx(0.45)
    assert mostly_easy.value == pytest.approx(0.85)
    assert mostly_hard.low < 0.45 < mostly_hard.high < mostly_easy.low


def test_a_single_stratum_has_about_wilsons_interval() -> None:
    whole = post_stratified([30], [50], [7])
    assert whole is not None
    assert (whole.low, whole.high) == pytest.approx(wilson(30, 50), abs=0.015)


@pytest.mark.parametrize("counts", [[100, 0], [100, 9]])
def test_nothing_is_said_where_more_than_a_fifth_is_of_a_stratum_with_few_tests(counts: list[int]) -> None:
    right = [80, counts[1] // 2]
    assert post_stratified(right, counts, [79, 21]) is None
    narrow = post_stratified(right, counts, [100, 0])
    wide = post_stratified(right, counts, [81, 19])
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > narrow.high - narrow.low


def test_nothing_is_said_of_nothing() -> None:
    assert post_stratified([5], [10], [0]) is None
    assert post_stratified([], [], []) is None


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth, counts, weights = np.array([0.9, 0.6, 0.3]), np.array([40, 25, 15]), np.array([0.2, 0.3, 0.5])
    covered = 0
    for _ in range(300):
        interval = post_stratified(rng.binomial(counts, truth).tolist(), counts.tolist(), weights.tolist())
        assert interval is not None
        covered += interval.low <= truth @ weights <= interval.high
    assert 0.91 <= covered / 300 <= 0.99
