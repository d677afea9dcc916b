from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator.training import analysis
from annotator.training.analysis import Advice, Forecast, Interval, Reliability, ReliabilityBin, read_study
from db.models import models, predictions, rounds

if TYPE_CHECKING:
    from db import Database


def _point(count: int, accuracy: float) -> dict[str, Any]:
    figures = {"value": accuracy, "low": accuracy - 0.05, "high": accuracy + 0.05}
    return {"count": count, "accuracy": figures, "macro_f1": figures}


def _arms(chosen: float, random: float, *, half: float, count: int = 100) -> dict[str, Any]:
    return {
        "count": count,
        "shared": 20,
        "chosen_count": 300,
        "random_count": 100,
        "chosen": [_point(20, 0.4), _point(100, chosen)],
        "random": [_point(20, 0.4), _point(100, random)],
        "gap": {"value": chosen - random, "low": chosen - random - half, "high": chosen - random + half},
        "f1_change": {"value": 0.1, "low": 0.0, "high": 0.2},
    }


@pytest.mark.parametrize(
    ("chosen", "random", "half", "verdict"),
    [
        (0.7, 0.5, 0.15, "better"),
        (0.5, 0.7, 0.15, "worse"),
        (0.7, 0.5, 0.25, "chance"),
        (0.6, 0.6, 0.1, "chance"),
    ],
)
def test_choosing_is_called_better_only_where_the_interval_leaves_no_doubt(
    chosen: float, random: float, half: float, verdict: str
) -> None:
    arms = read_study({"arms": _arms(chosen, random, half=half)}).arms
    assert arms is not None
    assert arms.verdict == verdict


def test_arms_with_few_labels_have_curves_but_no_verdict() -> None:
    arms = read_study({"arms": {**_arms(0.9, 0.1, half=0.1, count=63), "gap": None}}).arms
    assert arms is not None
    assert (arms.verdict, len(arms.chosen)) == ("few", 2)


def test_arms_that_could_not_be_compared_have_no_verdict() -> None:
    arms = read_study({"arms": {"count": 0, "shared": 5, "chosen_count": 9, "random_count": 5}}).arms
    assert arms is not None
    assert (arms.verdict, arms.chosen) == ("none", ())


@pytest.mark.parametrize(
    ("low", "high", "advice"),
    [(0.001, 0.02, "go_on"), (-0.01, 0.009, "little"), (0.001, 0.009, "little"), (-0.01, 0.02, "unclear")],
)
def test_advice_goes_no_further_than_the_interval(low: float, high: float, advice: Advice) -> None:
    assert Forecast(100, Interval((low + high) / 2, low, high), 0.6).advice == advice


def test_an_empty_study_is_read_as_nothing_found() -> None:
    study = read_study({})
    assert (study.reliability, study.curve, study.forecasts, study.arms) == (None, (), {}, None)


def test_a_stored_study_is_read() -> None:
    stored = {
        "curve": [_point(20, 0.4), _point(50, 0.5)],
        "forecast": {"accuracy": {"ahead": 100, "gain": 0.01, "low": 0.0, "high": 0.02, "score": 0.5}},
        "reliability": {
            "source": "test", "n": 40, "ece": 0.1, "ece_low": 0.0, "ece_high": 0.2, "brier": 0.5,
            "confidence": 0.6, "right": 0.5,
            "bins": [{"n": 40, "confidence": 0.6, "right": 0.5, "right_low": 0.3, "right_high": 0.7}],
        },
    }  # fmt: skip
    study = read_study(stored)
    assert [p.count for p in study.curve] == [20, 50]
    assert study.curve[0].score("macro_f1").value == 0.4
    assert set(study.forecasts) == {"accuracy"}
    assert study.reliability is not None
    assert study.reliability.error.high == 0.2


def test_the_example_is_the_bin_nearest_to_eighty_percent() -> None:
    bins = tuple(ReliabilityBin(10, c, Interval(0.5, 0.3, 0.7)) for c in (0.4, 0.77, 0.95))
    measured = Reliability("test", 30, bins, Interval(0.1, 0.0, 0.2), 0.4, 0.7, 0.5)
    assert measured.example.confidence == 0.77


def _round(db: Database, **report: Any) -> int:
    round_id = rounds.request_round(db, annotator_id=None)
    model = models.NewModel("instant", "bundled", "hash", (1, 2), b"", {}, (1,))
    model_id = models.add_model(db, model)
    rounds.set_model(db, round_id, model_id)
    rounds.end(db, round_id, status="done", report=report)
    return model_id


def _stability(kappa: float) -> dict[str, float]:
    return {"n": 100, "changed": 0.02, "kappa": kappa}


def test_predictions_are_settled_after_three_steady_rounds(opened: Database) -> None:
    assert analysis.find_steadiness(opened) is None
    for kappa in (0.5, 0.99, 0.995):
        _round(opened, new=20, stability=_stability(kappa))
    steadiness = analysis.find_steadiness(opened)
    assert steadiness is not None
    assert steadiness.kappa == pytest.approx((0.5 + 0.99 + 0.995) / 3)
    assert not steadiness.is_settled
    _round(opened, new=20, stability=_stability(0.993))
    steadiness = analysis.find_steadiness(opened)
    assert steadiness is not None
    assert steadiness.is_settled


def test_rounds_that_learned_hardly_anything_new_say_nothing_of_steadiness(opened: Database) -> None:
    _round(opened, new=2, stability=_stability(1.0))
    _round(opened, new=20, stability=None)
    assert analysis.find_steadiness(opened) is None


def test_a_round_waits_for_its_study_and_the_one_before_is_shown_meanwhile(opened: Database) -> None:
    assert not analysis.is_due(opened)
    _round(opened, study={"curve": [_point(20, 0.4)]})
    _round(opened)
    assert analysis.is_due(opened)
    study = analysis.find_study(opened)
    assert study is not None
    assert study.curve[0].count == 20


@pytest.mark.parametrize(("test", "train", "what"), [(12, 100, "test"), (40, 15, "labels"), (40, 100, "tuned")])
def test_what_a_curve_lacks_is_named(opened: Database, test: int, train: int, what: str) -> None:
    _round(opened, study={}, after={"n": test}, train=train)
    assert analysis.find_missing(opened).what == what


def test_unsure_diaries_are_counted_among_the_undecided(opened: Database) -> None:
    assert analysis.find_unsure(opened, error=0.1) is None
    model_id = _round(opened)
    models.activate(opened, model_id, reason="test")
    proba = np.array([[0.99, 0.01], [0.6, 0.4], [0.05, 0.95], [np.nan, np.nan]], np.float32)
    predictions.store_predictions(opened, model_id, proba)
    unsure = analysis.find_unsure(opened, error=0.05)
    assert unsure is not None
    assert (unsure[0].unsure, unsure[1]) == (1, 3)
