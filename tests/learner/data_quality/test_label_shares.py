"""Shares of labels: worked examples, and how often their intervals hold in projects whose labels are all known."""

from __future__ import annotations

import numpy as np
import pytest

from learner.classification.metrics import wilson
from learner.data_quality.label_shares import FEWEST_CASES, RandomPart, estimate


def _part(truth: np.ndarray, predicted: np.ndarray | None = None, *, of: float = 1e9, writers=None) -> RandomPart:
    """Return diaries that have the first of two labels, or not, out of `of` diaries."""
    both = np.column_stack([truth, 1 - truth]).astype(float)
    if predicted is None:
        predicted = np.zeros(len(truth))
    proba = np.column_stack([predicted, 1 - predicted]).astype(float)
    return RandomPart(both, proba, np.full(len(truth), of / len(truth)), writers)


def _ones(count: int, n: int) -> np.ndarray:
    return np.arange(n) < count


def test_without_predictions_the_share_is_the_share_of_decisions() -> None:
    share, _ = estimate(_part(_ones(40, 100)), np.zeros(2))
    low, high = wilson(40, 100)
    assert (share.value, share.cases, share.method) == (pytest.approx(0.4), 40, "predictions")
    assert (share.low, share.high) == (pytest.approx(low, abs=0.004), pytest.approx(high, abs=0.004))


def test_a_wrong_prediction_is_corrected_by_what_decisions_differ_from_it() -> None:
    # Predicted 0.8 where the label is, 0.4 elsewhere: too much by 0.2 in the mean of these; 0.9 for all is 0.7.
    truth = _ones(50, 100)
    predicted = np.where(truth, 0.8, 0.4)
    share, _ = estimate(_part(truth, predicted), np.array([0.65, 0.35]))
    assert share.value == pytest.approx(0.5 + 1 * (0.65 - 0.6))
    assert share.method == "predictions"


def test_predictions_that_fit_narrow_the_interval_and_those_that_don_t_leave_it() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.4
    good, useless = np.clip(truth + rng.normal(0, 0.2, 200), 0, 1), rng.random(200)
    width = {
        name: (lambda share: share.high - share.low)(estimate(_part(truth, predicted), np.array([0.4, 0.6]))[0])
        for name, predicted in (("none", None), ("good", good), ("useless", useless))
    }
    assert width["good"] < 0.6 * width["none"]
    assert width["useless"] == pytest.approx(width["none"], rel=0.05)


@pytest.mark.parametrize("cases", [0, 1, 3, FEWEST_CASES - 1])
def test_below_ten_cases_the_decisions_alone_are_counted(cases: int) -> None:
    rare, common = estimate(_part(_ones(cases, 200), np.full(200, 0.5)), np.array([0.5, 0.5]))
    assert (rare.method, rare.value) == ("decisions", pytest.approx(cases / 200))
    assert (common.method, common.value) == ("decisions", pytest.approx(1 - cases / 200))
    assert (rare.low, rare.high) == (pytest.approx(1 - common.high), pytest.approx(1 - common.low))
    assert rare.low <= wilson(cases, 200)[0] + 1e-9


def test_a_label_nobody_has_seen_may_still_be_there() -> None:
    share, _ = estimate(_part(_ones(0, 100)), np.zeros(2))
    assert share.value == share.low == 0
    assert share.high == pytest.approx(wilson(0, 100)[1], abs=0.002)


def test_where_every_diary_is_decided_nothing_is_left_to_chance() -> None:
    for count in (0, 4, 30):
        share, _ = estimate(_part(_ones(count, 100), of=100), np.zeros(2))
        assert share.value == pytest.approx(count / 100)
        assert share.high - share.low < 0.0001 + (0.05 if 0 < count < 4 else 0)


def test_diaries_count_as_many_as_they_stand_for() -> None:
    truth = np.repeat([1.0, 0.0], 50)
    part = RandomPart(np.column_stack([truth, 1 - truth]), np.zeros((100, 2)), np.repeat([10.0, 90.0], 50))
    share, _ = estimate(part, np.zeros(2))
    assert share.value == pytest.approx(0.1)


def test_writers_with_habits_widen_the_interval() -> None:
    truth = np.repeat(np.arange(10) < 4, 20)
    writers = np.repeat(np.arange(10), 20)
    alone, _ = estimate(_part(truth), np.zeros(2))
    together, _ = estimate(_part(truth, writers=writers), np.zeros(2))
    assert together.high - together.low > 3 * (alone.high - alone.low)
    each_another, _ = estimate(_part(truth, writers=np.arange(200)), np.zeros(2))
    assert (each_another.low, each_another.high) == (pytest.approx(alone.low), pytest.approx(alone.high))


@pytest.mark.parametrize(("true_share", "noise"), [(0.4, 0.3), (0.1, 0.3), (0.02, 0.3), (0.008, 0.3)])
@pytest.mark.parametrize("n", [30, 100, 300])
def test_intervals_hold_as_often_as_they_say(true_share: float, noise: float, n: int) -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        truth = (rng.random(2000) < true_share).astype(float)
        predicted = np.clip(0.1 + 0.5 * truth + rng.normal(0, noise, 2000), 0, 1)
        chosen = rng.permutation(2000)[:n]
        share, _ = estimate(_part(truth[chosen], predicted[chosen], of=2000), np.array([predicted.mean(), 0]))
        held += share.low <= truth.mean() <= share.high
    assert 0.92 <= held / 300 <= 1
