from __future__ import annotations

import numpy as np
import pytest

from annotator.worker.round import evaluation


def _sure_of(answers: np.ndarray, k: int = 3) -> np.ndarray:
    return np.eye(k, dtype=np.float32)[answers] * 0.7 + 0.1


def _report(before: np.ndarray, after: np.ndarray, truth: np.ndarray) -> dict[str, object]:
    old, new = _sure_of(before), _sure_of(after)
    return {
        "before": evaluation.figures(old, truth),
        "after": evaluation.figures(new, truth),
        **evaluation.comparison(old, new, truth),
    }


def _test_part(n: int = 200) -> np.ndarray:
    return np.array([0] * (n // 2) + [1] * (n * 2 // 5) + [2] * (n // 10))


def test_figures_hold_an_interval_for_each_of_them() -> None:
    truth = _test_part()
    found = evaluation.figures(_sure_of(np.where(np.arange(200) % 3 == 0, 0, truth)), truth)
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]
    assert found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"]
    assert all(a <= f <= b for a, f, b in zip(found["f1_low"], found["f1"], found["f1_high"], strict=True))


def test_a_version_that_is_worse_by_chance_is_not_held_back() -> None:
    truth = _test_part()
    after = truth.copy()
    after[:3] = 1
    assert evaluation.why_held_back(_report(truth, after, truth)) is None


def test_a_version_that_errs_clearly_more_often_is_held_back() -> None:
    truth = _test_part()
    after = truth.copy()
    after[:40] = 1
    assert evaluation.why_held_back(_report(truth, after, truth)) == "accuracy"


def test_a_version_that_gives_up_a_rare_label_is_held_back_though_it_is_right_as_often() -> None:
    truth = _test_part()
    before, after = truth.copy(), truth.copy()
    before[:18] = 1
    after[truth == 2] = 0
    report = _report(before, after, truth)
    assert report["p"] > 0.05  # type: ignore[operator]
    assert evaluation.why_held_back(report) == "macro_f1"


def test_few_test_diaries_hold_back_by_accuracy_only() -> None:
    truth = np.array([0] * 10 + [1] * 10)
    after = np.zeros(20, np.int64)
    report = _report(truth, after, truth)
    assert evaluation.why_held_back(report) == "accuracy"
    report["p"] = 0.5
    assert evaluation.why_held_back(report) is None


def test_a_version_without_a_comparable_one_before_is_not_held_back() -> None:
    truth = _test_part()
    assert evaluation.why_held_back({"after": evaluation.figures(_sure_of(truth), truth)}) is None


def test_without_test_diaries_there_is_nothing_to_hold_back_by() -> None:
    none = np.zeros(0, np.int64)
    report = _report(none, none, none)
    assert evaluation.why_held_back(report) is None


def test_stability_looks_at_the_diaries_that_both_have_predicted() -> None:
    before, after = _sure_of(np.array([0, 1, 2, 0])), _sure_of(np.array([0, 1, 1, 0, 2]))
    before[3] = np.nan
    found = evaluation.stability(before, after)
    assert found["n"] == 3
    assert found["changed"] == pytest.approx(1 / 3)
