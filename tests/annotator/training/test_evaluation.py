from __future__ import annotations

from typing import Any

import pytest

from annotator.training.evaluation import (
    FEWEST_TO_TRUST,
    Evaluation,
    Reason,
    Verdict,
    outcome_of,
    read_figures,
    reason_of,
    verdict_of,
)
from db.models.rounds import Round


def _figures(n: int, accuracy: float | None) -> Evaluation:
    return Evaluation(n, accuracy, 0.0, 1.0, accuracy, (accuracy, None), ((n, 0), (0, 0)))


@pytest.mark.parametrize(
    ("n", "before", "after", "p", "verdict"),
    [
        (0, None, None, None, "unmeasured"),
        (50, None, 0.6, None, "alone"),
        (FEWEST_TO_TRUST - 1, 0.1, 0.9, 0.001, "few"),
        (FEWEST_TO_TRUST, 0.1, 0.9, 0.001, "better"),
        (50, 0.9, 0.1, 0.001, "worse"),
        (50, 0.5, 0.5, 1.0, "same"),
        (50, 0.5, 0.6, 0.05, "chance"),
        (50, 0.6, 0.5, 0.4, "chance"),
    ],
)
def test_a_verdict_says_no_more_than_the_figures_allow(
    n: int, before: float | None, after: float | None, p: float | None, verdict: Verdict
) -> None:
    assert verdict_of(None if before is None else _figures(n, before), _figures(n, after), p) == verdict


def _stored(accuracy: float) -> dict[str, Any]:
    return {
        "n": 50,
        "accuracy": accuracy,
        "accuracy_low": 0.0,
        "accuracy_high": 1.0,
        "macro_f1": accuracy,
        "f1": [accuracy],
        "confusion": [[50]],
    }


def _report(before: float | None, after: float, p: float | None, **more: Any) -> dict[str, Any]:
    known = {} if before is None else {"before": _stored(before), "p": p}
    return {"after": _stored(after), **known, **more}


LOWER = {"version": 4, "p": 0.01, "change": {"value": -0.12, "low": -0.2, "high": -0.04}}


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"after": _stored(float("nan"))}, "unmeasured"),
        (_report(None, 0.6, None), "alone"),
        (_report(0.5, 0.5, 1.0), "same"),
        (_report(0.5, 0.6, 0.2), "unknown"),
        (_report(0.6, 0.5, 0.6), "unknown"),
        (_report(0.5, 0.7, 0.002, look=10), "better"),
        (_report(0.5, 0.7, 0.002, look=11), "unknown"),
        (_report(0.6, 0.5, 0.3, look=1, held_back_by="accuracy"), "looks_worse"),
        (_report(0.7, 0.5, 0.002, look=1, held_back_by="accuracy"), "worse"),
        (_report(0.5, 0.5, 1.0, look=1, held_back_by="macro_f1"), "worse_f1"),
        (_report(0.6, 0.5, 0.6, look=1, held_back_by="log_score"), "less_likely"),
        (_report(0.5, 0.5, 1.0, look=1, held_back_by="best", best=LOWER), "below_best"),
    ],
)
def test_every_outcome_has_one_reason_that_claims_no_more_than_its_figures(
    report: dict[str, Any], reason: Reason
) -> None:
    assert reason_of(report) == reason


def _round(report: dict[str, Any]) -> Round:
    return Round(1, 1, "done", False, "", None, "", "promote", 1.0, 1, 1, 2, report, None, "instant")


def test_an_outcome_reads_both_differences_and_which_look_it_was() -> None:
    change = {"value": 0.031, "low": -0.02, "high": 0.08}
    report = _report(0.5, 0.53, 0.2, look=14, change=change, best=LOWER, promoted=False, held_back_by="best")
    outcome = outcome_of(_round({**report, "reason": "below_best"}))
    assert (outcome.reason, outcome.promoted, outcome.look) == ("below_best", False, 14)
    assert outcome.level == pytest.approx(0.05 / 80)
    assert outcome.difference is not None
    assert outcome.difference.in_points == ("+3.1", "−2.0", "+8.0", "0.200")
    assert (outcome.best_version, outcome.points_below_best) == (4, "12")


def test_a_round_of_an_earlier_release_still_has_a_reason() -> None:
    outcome = outcome_of(_round(_report(0.5, 0.6, 0.2)))
    assert (outcome.reason, outcome.look, outcome.best) == ("unknown", None, None)
    assert (outcome.best_version, outcome.points_below_best) == (0, "0")
    assert outcome.difference is not None
    assert outcome.difference.in_points == ("–", "–", "–", "0.200")
    assert outcome_of(_round({})).difference is None


def test_figures_without_a_value_are_read_as_none() -> None:
    nan = float("nan")
    stored = {
        "n": 0,
        "accuracy": nan,
        "accuracy_low": 0.0,
        "accuracy_high": 1.0,
        "macro_f1": nan,
        "f1": [nan, 0.5],
        "confusion": [[1, 2], [0, 3]],
    }
    figures = read_figures(stored)
    assert figures is not None
    assert (figures.accuracy, figures.macro_f1, figures.f1) == (None, None, (None, 0.5))
    assert figures.true_counts == (3, 3)
    assert read_figures(None) is None
