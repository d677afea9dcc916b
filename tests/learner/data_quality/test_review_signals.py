from __future__ import annotations

import numpy as np
import pytest

from learner.data_quality import review_signals
from learner.data_quality.review_signals import PRIOR, SIGNALS
from learner.text.units import eojeol


def _strengths(**fired: float) -> np.ndarray:
    return np.array([[fired.get(name, 0.0) for name in SIGNALS]])


def test_the_label_in_force_is_what_most_say_and_the_newest_among_equals() -> None:
    votes = review_signals.count_votes(np.array([7, 3, 7, 7, 3]), np.array([1, 4, 2, 1, 5]))
    assert votes.items.tolist() == [3, 7]
    assert votes.columns.tolist() == [5, 1]
    assert votes.rows.tolist() == [4, 3]
    assert votes.disagreement.tolist() == pytest.approx([1 / 2, 1 / 3])


def test_without_decisions_there_are_no_votes() -> None:
    votes = review_signals.count_votes(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert len(votes.items) == len(votes.columns) == len(votes.rows) == len(votes.disagreement) == 0


def test_confidence_is_low_from_a_half_on_and_says_nothing_where_it_is_unknown() -> None:
    quality = np.array([0.9, 0.5, 0.02, np.nan])
    assert review_signals.low_confidence(quality).tolist() == pytest.approx([0, 0.5, 0.98, 0])


def test_a_label_error_is_as_strong_as_the_margin_and_only_where_it_is_flagged() -> None:
    strengths = review_signals.label_error(
        np.array([0.1, 0.1, np.nan]), np.array([0.7, 0.7, np.nan]), np.array([True, False, True])
    )
    assert strengths.tolist() == pytest.approx([0.6, 0, 0])


def test_every_signal_raises_the_expected_error() -> None:
    calm = review_signals.expected_error(_strengths())[0]
    assert calm == pytest.approx(1 / (1 + np.exp(-PRIOR.constant)))
    for name in SIGNALS:
        weak, strong = (review_signals.expected_error(_strengths(**{name: value}))[0] for value in (0.6, 0.99))
        assert calm < weak < strong < 1


def test_two_people_who_disagree_are_about_equally_often_right() -> None:
    assert review_signals.expected_error(_strengths(disagreement=0.5))[0] == pytest.approx(0.475, abs=0.01)


def test_a_certain_model_gives_a_finite_error() -> None:
    assert 0 < review_signals.expected_error(_strengths(low_confidence=1.0, label_error=1.0))[0] < 1


def test_without_reviews_the_weights_are_the_prior() -> None:
    assert review_signals.calibrate(np.zeros((0, 4)), np.zeros(0, np.bool_)) == pytest.approx(PRIOR)


def test_reviews_that_keep_finding_a_signal_wrong_lower_its_weight_but_not_below_nothing() -> None:
    rows = np.repeat(_strengths(disagreement=0.5), 400, axis=0)
    kept = review_signals.calibrate(rows, np.zeros(400, np.bool_))
    corrected = review_signals.calibrate(rows, np.ones(400, np.bool_))
    assert 0 <= kept.disagreement < PRIOR.disagreement < corrected.disagreement
    assert review_signals.expected_error(rows, kept)[0] < 0.02 < 0.9 < review_signals.expected_error(rows, corrected)[0]


def test_a_few_reviews_hardly_move_the_weights() -> None:
    few = review_signals.calibrate(np.repeat(_strengths(label_error=0.9), 2, axis=0), np.ones(2, np.bool_))
    assert few.label_error == pytest.approx(PRIOR.label_error, abs=1.0)


@pytest.mark.parametrize(
    ("text", "strongest", "is_odd"),
    [
        ("그리고 … 기뻤다", "…", True),
        ("나는 그냥 기뻤다", "그냥", True),
        ("나는 그냥 기뻤다", "기뻤다", False),
        ("ㅋㅋㅋ 왔다", "ㅋㅋㅋ", False),
        ("하나도 안 기뻤다", "안", False),
    ],
)
def test_an_explanation_is_odd_where_its_strongest_word_says_nothing(text: str, strongest: str, is_odd: bool) -> None:
    spans = eojeol(text)
    weights = np.array([[0.5 if text[start:end] == strongest else 0.1] for start, end in spans], np.float32)
    assert (review_signals.implausible_explanation(text, spans, weights, proba=0.95) > 0) is is_odd


def test_an_explanation_is_not_odd_where_the_model_is_unsure_or_nothing_weighs_anything() -> None:
    spans = eojeol("그리고 기뻤다")
    weights = np.array([[0.5], [0.1]], np.float32)
    assert review_signals.implausible_explanation("그리고 기뻤다", spans, weights, proba=0.5) == 0
    assert review_signals.implausible_explanation("그리고 기뻤다", spans, weights * 0.01, proba=0.95) == 0
    assert review_signals.implausible_explanation("", (), np.zeros((0, 1), np.float32), proba=0.95) == 0
