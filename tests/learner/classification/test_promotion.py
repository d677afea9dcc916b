from __future__ import annotations

import numpy as np
import pytest

from learner.classification.promotion import (
    FEWEST_TO_HOLD_BACK,
    FEWEST_TO_TEST,
    Comparison,
    best_of,
    compare,
    compare_proba,
    held_back_by,
)

K = 3


def _test_part(n: int) -> np.ndarray:
    return np.repeat([0, 1, 2], [n - n * 2 // 5 - n // 10, n * 2 // 5, n // 10])


def _wrong(truth: np.ndarray, count: int, *, start: int = 0) -> np.ndarray:
    """Return answers that are wrong on so many diaries."""
    answers = truth.copy()
    answers[start : start + count] = (truth[start : start + count] + 1) % K
    return answers


def _against(truth: np.ndarray, before: np.ndarray, after: np.ndarray) -> Comparison:
    return compare(before, after, truth, k=K)


def test_a_version_that_is_lower_by_what_chance_often_brings_serves() -> None:
    truth = _test_part(200)
    comparison = _against(truth, _wrong(truth, 10), _wrong(truth, 11, start=5))
    assert comparison.change.value < 0
    assert held_back_by(comparison) is None


def test_a_version_that_looks_lower_is_held_back_long_before_it_is_proved() -> None:
    truth = _test_part(200)
    comparison = _against(truth, _wrong(truth, 10), _wrong(truth, 16, start=6))
    assert 0.05 < comparison.p < 0.4
    assert held_back_by(comparison) == "accuracy"
    assert held_back_by(_against(truth, _wrong(truth, 16, start=6), _wrong(truth, 10))) is None, "higher is never held"


def test_with_few_test_decisions_one_right_answer_less_is_enough() -> None:
    truth = _test_part(FEWEST_TO_TEST - 1)
    assert held_back_by(_against(truth, truth, _wrong(truth, 1))) == "accuracy"
    more = _test_part(FEWEST_TO_TEST)
    assert held_back_by(_against(more, more, _wrong(more, 1))) is None


def test_a_handful_of_test_decisions_holds_nothing_back() -> None:
    few, enough = _test_part(FEWEST_TO_HOLD_BACK - 1), _test_part(FEWEST_TO_HOLD_BACK)
    assert held_back_by(_against(few, few, _wrong(few, 5))) is None
    assert held_back_by(None, _against(few, few, _wrong(few, 5))) is None
    assert held_back_by(_against(enough, enough, _wrong(enough, 1))) == "accuracy"


def test_a_version_below_the_best_that_has_served_is_held_back_though_it_matches_the_one_in_force() -> None:
    truth = _test_part(100)
    new = _wrong(truth, 20)
    in_force, best = _against(truth, _wrong(truth, 20, start=1), new), _against(truth, _wrong(truth, 8), new)
    assert held_back_by(in_force) is None
    assert held_back_by(in_force, best) == "best"
    assert held_back_by(None, best) == "best"


def test_a_version_of_equal_accuracy_is_never_held_back_for_a_label_that_no_test_diary_has() -> None:
    truth = np.repeat([0, 1], 100)
    before, after = truth.copy(), truth.copy()
    before[::10] = 1 - truth[::10]
    after[::10] = 2
    comparison = _against(truth, before, after)
    assert comparison.change.value == 0
    assert held_back_by(comparison) is None


def test_a_version_that_gives_up_a_rare_label_is_held_back_though_it_is_right_as_often() -> None:
    truth = _test_part(200)
    before, after = truth.copy(), truth.copy()
    before[:20] = 1
    after[truth == 2] = 0
    comparison = _against(truth, before, after)
    assert comparison.change.value == 0
    assert held_back_by(comparison) == "macro_f1"


def _proba(answers: np.ndarray, truth: np.ndarray, *, of_truth: float) -> np.ndarray:
    """Return probabilities with these answers; where they are wrong, the truth gets so much."""
    proba = np.full((len(answers), K), 0.0, np.float32)
    proba[np.arange(len(answers)), answers] = 0.6
    wrong = answers != truth
    proba[np.flatnonzero(wrong), truth[wrong]] = of_truth
    return proba


def test_a_version_that_is_lower_by_what_chance_brings_is_held_back_if_it_believes_less_in_what_is_true() -> None:
    truth = _test_part(100)
    before, after = _wrong(truth, 10), _wrong(truth, 11)
    worse = compare_proba(_proba(before, truth, of_truth=0.35), _proba(after, truth, of_truth=0.02), truth)
    assert worse.p > 0.9
    assert held_back_by(worse) == "log_score"
    better = compare_proba(_proba(before, truth, of_truth=0.02), _proba(after, truth, of_truth=0.35), truth)
    assert held_back_by(better) is None, "less often right, yet nearer to what is true"


def test_log_scores_alone_never_hold_back_what_is_right_as_often() -> None:
    truth = _test_part(100)
    answers = _wrong(truth, 30)
    comparison = compare_proba(_proba(answers, truth, of_truth=0.35), _proba(answers, truth, of_truth=0.01), truth)
    assert comparison.log_score_p is not None
    assert comparison.log_score_p < 0.01
    assert held_back_by(comparison) is None


@pytest.mark.parametrize("n", [0, 1])
def test_where_nothing_was_measured_or_compared_the_new_version_serves(n: int) -> None:
    truth = np.zeros(n, np.int64)
    assert held_back_by(_against(truth, truth, truth)) is None
    assert held_back_by(None) is None


def test_the_best_version_is_the_one_that_is_right_most_often_and_of_several_the_last() -> None:
    truth = _test_part(50)
    assert best_of([_wrong(truth, 9), _wrong(truth, 3), _wrong(truth, 3, start=8), _wrong(truth, 4)], truth) == 2
