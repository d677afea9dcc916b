from __future__ import annotations

import pytest

from annotator.training.evaluation import FEWEST_TO_TRUST, Evaluation, Outcome, Verdict, read_figures


def _figures(n: int, accuracy: float | None) -> Evaluation:
    return Evaluation(n, accuracy, 0.0, 1.0, accuracy, (accuracy, None), ((n, 0), (0, 0)))


def _outcome(n: int, before: float | None, after: float | None, p: float | None, *, promoted: bool = True) -> Outcome:
    figures = None if before is None else _figures(n, before)
    return Outcome(80, 12, figures, _figures(n, after), p, promoted, 0)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (_outcome(0, None, None, None), "unmeasured"),
        (_outcome(50, None, 0.6, None), "alone"),
        (_outcome(FEWEST_TO_TRUST - 1, 0.1, 0.9, 0.001), "few"),
        (_outcome(FEWEST_TO_TRUST, 0.1, 0.9, 0.001), "better"),
        (_outcome(50, 0.5, 0.5, 1.0), "same"),
        (_outcome(50, 0.5, 0.6, 0.05), "chance"),
        (_outcome(50, 0.6, 0.5, 0.4), "chance"),
        (_outcome(12, 0.9, 0.2, 0.01, promoted=False), "worse"),
    ],
)
def test_a_verdict_says_no_more_than_the_figures_allow(outcome: Outcome, verdict: Verdict) -> None:
    assert outcome.verdict == verdict


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
