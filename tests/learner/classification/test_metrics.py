from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.classification.metrics import (
    evaluate,
    f1_interval,
    share_difference,
    wilson,
)


def _sure_of(*answers: int, k: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Probabilities whose likeliest label is the one given, for each diary."""
    proba = np.full((len(answers), k), 0.1, np.float32)
    proba[np.arange(len(answers)), list(answers)] = 0.8
    return proba


def test_an_evaluation_by_hand() -> None:
    truth = np.array([0, 0, 0, 1, 1, 2])
    evaluation = evaluate(_sure_of(0, 0, 1, 1, 2, 2, k=3), truth)
    assert evaluation.n == 6
    assert evaluation.confusion == ((2, 1, 0), (0, 1, 1), (0, 0, 1))
    assert evaluation.accuracy == pytest.approx(4 / 6)
    # f1 = 2 right / (occurs + answered): 4 / (3 + 2), 2 / (2 + 2), 2 / (1 + 2).
    assert evaluation.f1 == pytest.approx((4 / 5, 1 / 2, 2 / 3))
    assert evaluation.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert (evaluation.accuracy_low, evaluation.accuracy_high) == wilson(4, 6)


def test_a_label_that_never_occurs_counts_only_if_it_was_answered() -> None:
    evaluation = evaluate(_sure_of(0, 1, 2, k=4), np.array([0, 1, 1]))
    assert evaluation.f1[:3] == pytest.approx((1, 2 / 3, 0))
    assert math.isnan(evaluation.f1[3])
    assert evaluation.macro_f1 == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert evaluation.confusion == ((1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0))


def test_rows_of_the_confusion_are_the_truth() -> None:
    evaluation = evaluate(_sure_of(1, 1, k=2), np.array([0, 0]))
    assert evaluation.confusion == ((0, 2), (0, 0))
    assert (evaluation.accuracy, evaluation.macro_f1) == (0, 0)


@pytest.mark.filterwarnings("error")
def test_of_no_diary_nothing_is_known() -> None:
    evaluation = evaluate(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    assert evaluation.n == 0
    assert math.isnan(evaluation.accuracy)
    assert math.isnan(evaluation.macro_f1)
    assert all(map(math.isnan, evaluation.f1))
    assert (evaluation.accuracy_low, evaluation.accuracy_high) == (0, 1)
    assert evaluation.confusion == ((0, 0, 0),) * 3


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    truth, answers = map(list, zip(*pairs, strict=True))
    evaluation = evaluate(_sure_of(*answers, k=4), np.array(truth))
    assert evaluation.accuracy == pytest.approx(accuracy_score(truth, answers))
    assert evaluation.macro_f1 == pytest.approx(f1_score(truth, answers, average="macro", zero_division=0))
    assert evaluation.confusion == tuple(map(tuple, confusion_matrix(truth, answers, labels=range(4)).tolist()))


# 81 of 263: Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3;
# also 15 of 148, 0 of 20 and 1 of 29 there.
@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_solves_wilsons_equation(counts: tuple[int, int]) -> None:
    # Its ends are the shares p for which the observed one lies 1.96 standard errors of p away.
    right, n = counts
    z = 1.959963984540054
    share = right / n
    centre, spread = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = wilson(right, n)
    assert low == pytest.approx((centre - spread) / (1 + z**2 / n), abs=1e-9)
    assert high == pytest.approx((centre + spread) / (1 + z**2 / n), abs=1e-9)
    assert 0 <= low <= share <= high <= 1


def test_without_a_diary_the_interval_is_everything() -> None:
    assert wilson(0, 0) == (0, 1)


def test_the_interval_of_an_f1_is_wilsons_of_the_share_behind_it() -> None:
    # 3 right of 3 true and 5 answered: the label is in truth or answer of 5 diaries, in both of 3.
    low, high = wilson(3, 5)
    assert f1_interval(3, 8) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    assert f1_interval(0, 0) == (0.0, 1.0)
    low, high = f1_interval(3, 6)
    assert high == 1.0
    assert low < 0.7, "three right of three is no certainty"


def _simulated_answers(n: int, seed: int, *, right: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    answers = np.where(rng.random(n) < right, truth, rng.integers(0, 3, n))
    return truth, answers


def test_intervals_of_f1_hold_the_value_of_a_very_large_sample_about_as_often_as_they_say() -> None:
    truth, answers = _simulated_answers(200_000, 0, right=0.6)
    large = evaluate(_sure_of(*answers, k=3), truth)
    held = []
    for seed in range(1, 121):
        truth, answers = _simulated_answers(120, seed, right=0.6)
        one = evaluate(_sure_of(*answers, k=3), truth)
        held.append([a <= f <= b for a, f, b in zip(one.f1_low, large.f1, one.f1_high, strict=True)])
    assert np.mean(held) >= 0.92


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
    ids=str,
)
def test_the_interval_of_a_difference_of_shares_is_newcombes(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """The examples of Newcombe (1998), table II, method 10."""
    difference = share_difference(*counts)
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=1e-4)
    assert difference.value == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_a_difference_of_shares_changes_its_sign_with_the_order_of_the_groups(
    n: int, m: int, data: st.DataObject
) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    there, back = share_difference(a, n, b, m), share_difference(b, m, a, n)
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))
    assert -1 - 1e-12 <= there.low <= there.value <= there.high <= 1 + 1e-12


def test_of_an_empty_group_no_difference_is_known() -> None:
    difference = share_difference(3, 4, 0, 0)
    assert math.isnan(difference.value)
    assert (difference.low, difference.high) == (-1, 1)
