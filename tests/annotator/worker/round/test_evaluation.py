from __future__ import annotations

import json

import numpy as np
import pytest

from annotator.worker.round import evaluation
from db.models.models import Model


def _sure_of(answers: np.ndarray, k: int = 3) -> np.ndarray:
    return np.eye(k, dtype=np.float32)[answers] * 0.7 + 0.1


def _test_part(n: int = 200) -> np.ndarray:
    return np.array([0] * (n // 2) + [1] * (n * 2 // 5) + [2] * (n // 10))


def test_figures_hold_an_interval_for_each_of_them() -> None:
    truth = _test_part()
    figures = evaluation.figures(_sure_of(np.where(np.arange(200) % 3 == 0, 0, truth)), truth)
    assert figures["accuracy_low"] < figures["accuracy"] < figures["accuracy_high"]
    assert figures["macro_f1_low"] < figures["macro_f1"] < figures["macro_f1_high"]
    assert all(a <= f <= b for a, f, b in zip(figures["f1_low"], figures["f1"], figures["f1_high"], strict=True))


def test_intervals_are_wider_where_whole_writers_were_drawn() -> None:
    truth = _test_part()
    # Everybody but the last of ten writers is answered right.
    proba = _sure_of(np.where(np.arange(200) % 10 == 9, (truth + 1) % 3, truth))
    plain, by_writers = (evaluation.figures(proba, truth, writers=w) for w in (None, np.arange(200) % 10))
    assert (by_writers["accuracy"], by_writers["macro_f1"]) == (plain["accuracy"], plain["macro_f1"])
    for name in ("accuracy", "macro_f1"):
        assert by_writers[f"{name}_low"] < plain[f"{name}_low"]
        assert by_writers[f"{name}_high"] > plain[f"{name}_high"]
    assert all(a < b for a, b in zip(by_writers["f1_low"], plain["f1_low"], strict=True))


def _model(version: int) -> Model:
    return Model(version + 1, version, "instant", "bundled", "hash", (1, 2, 3), "", {}, (), {}, "")


def test_what_a_round_weighs_is_json_and_says_which_look_it_is() -> None:
    truth = _test_part()
    before = np.where(np.arange(200) % 5 == 0, 0, truth)
    report = evaluation.weigh(_sure_of(truth), _sure_of(before), None, truth, look=14)
    assert json.loads(json.dumps(report)) == report | {"f1_change": report["f1_change"] | {"columns": [0, 1, 2]}}
    assert (report["look"], report["held_back_by"]) == (14, None)
    assert report["change"]["low"] < report["change"]["value"] == pytest.approx((before != truth).mean())
    assert "best" not in report


def test_a_version_below_the_best_one_is_held_back_and_the_best_one_named() -> None:
    truth = _test_part()
    after = truth.copy()
    after[:40] = 1
    report = evaluation.weigh(_sure_of(after), _sure_of(after), (_model(4), truth), truth, look=2)
    assert report["held_back_by"] == "best"
    assert report["best"]["version"] == 4
    assert report["best"]["change"]["value"] == pytest.approx(-0.2)
    assert (report["p"], report["change"]["value"]) == (1.0, 0.0)


def test_a_version_without_a_comparable_one_before_is_not_held_back() -> None:
    truth = _test_part()
    assert evaluation.weigh(_sure_of(truth), None, None, truth, look=1) == {"held_back_by": None}


def test_without_test_diaries_there_is_nothing_to_hold_back_by() -> None:
    none = np.zeros(0, np.int64)
    report = evaluation.weigh(_sure_of(none), _sure_of(none), None, none, look=1)
    assert (report["held_back_by"], report["p"], report["f1_change"]["columns"]) == (None, 1.0, ())
    assert evaluation.comparison(_sure_of(none), _sure_of(none), none)["p"] == 1.0


def test_stability_looks_at_the_diaries_that_both_have_predicted() -> None:
    before, after = _sure_of(np.array([0, 1, 2, 0])), _sure_of(np.array([0, 1, 1, 0, 2]))
    before[3] = np.nan
    stability = evaluation.stability(before, after)
    assert stability["n"] == 3
    assert stability["changed"] == pytest.approx(1 / 3)


def test_the_clearest_changes_of_answers_are_named_among_those_that_may_be() -> None:
    before, after = _sure_of(np.array([0, 1, 2, 0, 1])), _sure_of(np.array([0, 2, 1, 1, 1]))
    after[2], after[3] = (0.05, 0.9, 0.05), (0.2, 0.5, 0.3)
    before = np.vstack([before, np.full((1, 3), np.nan, np.float32)])
    changed = evaluation.changed_answers(before, after, (7, 8, 9), may_name=lambda diary_id: diary_id != 2)
    assert changed == {
        "n": 5,
        "count": 3,
        "examples": [
            {"diary_id": 3, "before": 9, "after": 8},
            {"diary_id": 4, "before": 7, "after": 8},
        ],
    }


def test_nothing_has_changed_where_nothing_was_predicted_twice() -> None:
    nothing = np.full((3, 3), np.nan, np.float32)
    assert evaluation.changed_answers(nothing, _sure_of(np.array([0, 1, 2])), (7, 8, 9), may_name=bool) is None
