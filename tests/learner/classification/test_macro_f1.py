"""Macro F1 over named labels: which they are, and how often its intervals hold the truth."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from learner.classification.macro_f1 import FEWEST_DECISIONS, change, macro_f1, named_columns
from learner.classification.metrics import f1_interval

SHARES = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
K = len(SHARES)


def _population(seed: int, *, right: float, count: int = 200_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the truth and the answers of two classifiers that have much in common."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(K, count, p=SHARES)
    before = np.where(rng.random(count) < right, truth, rng.choice(K, count, p=SHARES))
    after = np.where(rng.random(count) < 0.2, np.where(rng.random(count) < 0.8, truth, 0), before)
    return truth, before, after


def _true_f1(answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    right = np.bincount(truth[truth == answers], minlength=K)
    return 2 * right / (np.bincount(truth, minlength=K) + np.bincount(answers, minlength=K))


def test_the_mean_is_over_labels_with_enough_decisions_whatever_is_answered() -> None:
    truth = np.repeat([0, 1, 2], [10, 10, FEWEST_DECISIONS - 1])
    named = macro_f1(truth, truth, k=5)
    assert named.columns == (0, 1)
    assert (named.value, named.high) == (1.0, 1.0)
    assert 0.7 < named.low < 1.0, "twenty right of twenty are no certainty"
    answered_otherwise = macro_f1(np.full(len(truth), 4), truth, k=5)
    assert (answered_otherwise.columns, answered_otherwise.value) == ((0, 1), 0.0)
    assert answered_otherwise.high > 0


def test_another_test_diary_of_a_label_that_is_not_named_yet_does_not_lower_the_mean() -> None:
    truth = np.repeat([0, 1], 20)
    one_more = np.append(truth, 2)
    before, after = macro_f1(truth, truth, k=3), macro_f1(np.append(truth, 2), one_more, k=3)
    assert before.value == after.value
    assert list(named_columns(one_more, k=3)) == [0, 1]


def test_the_value_is_the_mean_of_the_f1s() -> None:
    truth, answers, _ = _population(3, right=0.5, count=300)
    named = macro_f1(answers, truth, k=K)
    assert named.value == pytest.approx(_true_f1(answers, truth)[list(named.columns)].mean())


@pytest.mark.parametrize("n", [30, 80, 300])
@pytest.mark.parametrize("right", [0.2, 0.7])
def test_the_intervals_hold_the_truth_about_as_often_as_they_say(n: int, right: float) -> None:
    truth, before, after = _population(0, right=right)
    first, second = _true_f1(before, truth), _true_f1(after, truth)
    rng, of_one, of_change = np.random.default_rng(1), [], []
    for _ in range(200):
        drawn = rng.integers(0, len(truth), n)
        one = macro_f1(before[drawn], truth[drawn], k=K)
        of_one.append(one.low <= first[list(one.columns)].mean() <= one.high)
        both = change(before[drawn], after[drawn], truth[drawn], k=K)
        of_change.append(both.low <= (second - first)[list(both.columns)].mean() <= both.high)
    assert np.mean(of_one) >= 0.90
    assert np.mean(of_change) >= 0.90


def test_a_paired_change_is_narrower_than_the_two_intervals_apart() -> None:
    truth, before, _ = _population(1, right=0.4, count=300)
    after = before.copy()
    after[:60] = truth[:60]
    both, whole = change(before, after, truth, k=K), macro_f1(after, truth, k=K)
    assert both.low > 0
    assert both.high - both.low < whole.high - whole.low
    same, turned = change(before, before, truth, k=K), change(after, before, truth, k=K)
    assert same.low < same.value == 0 < same.high
    assert turned.value == pytest.approx(-both.value)


def test_without_two_labels_there_is_no_macro_f1() -> None:
    nothing, alike = np.zeros(0, np.int64), np.zeros(9, np.int64)
    for truth in (nothing, alike):
        for figure in (macro_f1(truth, truth, k=3), change(truth, truth, truth, k=3)):
            assert math.isnan(figure.value)
            assert figure.columns == ()


def _change_by_hand(before: np.ndarray, after: np.ndarray, truth: np.ndarray, k: int) -> tuple[float, float]:
    """Return the interval of a change from the counts of all k³ cells, one diary spread evenly over them."""
    counts = np.full((k, k, k), 1 / k**3)
    np.add.at(counts, (truth, before, after), 1)
    cell_truth, *cell_answers = np.indices(counts.shape)
    effects, down, up, value = [], [], [], 0.0
    for answers, cells, sign in ((before, cell_answers[0], -1), (after, cell_answers[1], 1)):
        for label in range(k):
            is_truth, is_answer = cell_truth == label, cells == label
            seen = counts[is_truth].sum() + counts[is_answer].sum()
            f1 = 2 * counts[is_truth & is_answer].sum() / seen
            effects.append(sign * (2.0 * (is_truth & is_answer) - f1 * (is_truth.astype(float) + is_answer)) / seen)
            right = ((truth == label) & (answers == label)).sum()
            all_seen = (truth == label).sum() + (answers == label).sum()
            plain = 2 * right / all_seen
            low, high = f1_interval(int(right), int(all_seen))
            below, above = (plain - low, high - plain) if sign > 0 else (high - plain, plain - low)
            down.append(below)
            up.append(above)
            value += sign * plain / k
    flat = np.stack(effects).reshape(2 * k, -1)
    covariance = (flat * counts.ravel()) @ flat.T
    spread = np.sqrt(np.diagonal(covariance))
    correlations = covariance / np.outer(spread, spread)
    low, high = (np.sqrt(np.array(d) @ correlations @ np.array(d)) / k for d in (down, up))
    return value - low, value + high


def test_the_interval_of_a_change_is_that_of_all_cells_counted_out() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 90)
    before = np.where(rng.random(90) < 0.5, truth, rng.integers(0, 4, 90))
    after = np.where(truth == 3, 0, np.where(rng.random(90) < 0.7, truth, before))
    both = change(before, after, truth, k=4)
    assert (both.low, both.high) == pytest.approx(_change_by_hand(before, after, truth, 4))


def test_a_thousand_labels_are_no_more_than_their_pairs() -> None:
    truth = np.tile(np.arange(1_000), 4)
    answers = np.where(np.arange(4_000) % 3 == 0, truth, (truth + 1) % 1_000)
    tracemalloc.start()
    both = change(answers, truth, truth, k=1_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(both.columns) == 1_000
    assert both.low > 0
    assert most < 1_000_000_000, "all combinations of truth and two answers would be eight gigabytes"
