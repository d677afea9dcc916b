from __future__ import annotations

import numpy as np
import pytest

from learner.classification.calibration import CheckedAnswers, brier, find_unsure, reliability


def _simulated(n: int, *, sharpen: float, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw truths from probabilities, then claim sharper ones; return claims, truths and the true mean gap."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([1.0, 1.0, 1.0], n)
    truth = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1)
    claimed = true**sharpen
    claimed /= claimed.sum(axis=1, keepdims=True)
    best = claimed.argmax(axis=1)
    gap = float(np.abs(claimed.max(axis=1) - true[np.arange(n), best]).mean())
    return claimed.astype(np.float32), truth.astype(np.int64), gap


def test_a_calibrated_model_has_next_to_no_error_however_few_diaries_there_are() -> None:
    diagrams = [reliability(*_simulated(150, sharpen=1.0, seed=s)[:2], seed=0, draws=300) for s in range(60)]
    plain = [sum(b.n * abs(b.right - b.confidence) for b in f.bins) / f.n for f in diagrams]
    assert np.mean(plain) > 0.08
    assert np.median([f.ece for f in diagrams]) < 0.05
    assert np.mean([f.ece_low <= 0.01 for f in diagrams]) > 0.9


def test_the_interval_holds_the_error_of_an_overconfident_model() -> None:
    held = []
    for s in range(80):
        proba, truth, gap = _simulated(400, sharpen=3.0, seed=s)
        diagram = reliability(proba, truth, seed=0, draws=300)
        held.append(diagram.ece_low <= gap <= diagram.ece_high)
    assert 0.88 <= np.mean(held) <= 1.0


def test_bins_are_of_equal_mass_and_ascend() -> None:
    proba, truth, _ = _simulated(200, sharpen=1.0, seed=1)
    diagram = reliability(proba, truth, seed=0)
    assert sum(b.n for b in diagram.bins) == diagram.n == 200
    assert max(b.n for b in diagram.bins) - min(b.n for b in diagram.bins) <= 1
    confidences = [b.confidence for b in diagram.bins]
    assert confidences == sorted(confidences)
    assert all(b.right_low <= b.right <= b.right_high for b in diagram.bins)


def test_the_ends_of_bins_meet_and_hold_the_diaries_of_each() -> None:
    proba, truth, _ = _simulated(200, sharpen=1.0, seed=1)
    diagram, best = reliability(proba, truth, seed=0), proba.max(axis=1)
    assert (diagram.bins[0].low, diagram.bins[-1].high) == (0.0, 1.0)
    assert [b.high for b in diagram.bins[:-1]] == [b.low for b in diagram.bins[1:]]
    assert [int(((best >= b.low) & (best < b.high)).sum()) for b in diagram.bins] == [b.n for b in diagram.bins]


def test_the_same_seed_gives_the_same_interval() -> None:
    proba, truth, _ = _simulated(100, sharpen=2.0, seed=3)
    assert reliability(proba, truth, seed=5) == reliability(proba, truth, seed=5)


def test_without_diaries_nothing_is_known() -> None:
    diagram = reliability(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), seed=0)
    assert (diagram.n, diagram.bins, diagram.ece_low, diagram.ece_high) == (0, (), 0.0, 1.0)
    assert np.isnan(diagram.ece)


def test_the_brier_score_is_the_squared_distance() -> None:
    proba = np.array([[0.8, 0.2], [0.3, 0.7]], np.float32)
    assert brier(proba, np.array([0, 0])) == pytest.approx((0.04 + 0.04 + 0.49 + 0.49) / 2)


def test_answers_are_taken_while_their_expected_error_is_small_enough() -> None:
    confidence = np.array([0.99, 0.95, 0.9, 0.6, 0.5], np.float32)
    unsure = find_unsure(confidence, error=0.06)
    assert unsure.threshold == pytest.approx(0.9)
    assert unsure.unsure == 2
    assert unsure.expected_error == pytest.approx((0.01 + 0.05 + 0.1) / 3, abs=1e-6)


def test_equally_sure_answers_are_taken_or_left_together() -> None:
    confidence = np.array([0.98, 0.9, 0.9, 0.9], np.float32)
    assert find_unsure(confidence, error=0.07).unsure == 3
    assert find_unsure(confidence, error=0.081).unsure == 0


def test_where_no_answer_is_sure_enough_all_are_unsure() -> None:
    unsure = find_unsure(np.array([0.6, 0.5], np.float32), error=0.1)
    assert unsure.threshold > 1
    assert unsure.unsure == 2
    assert find_unsure(np.zeros(0, np.float32), error=0.1).unsure == 0


def test_the_expected_error_comes_true_for_a_calibrated_model() -> None:
    proba, truth, _ = _simulated(20_000, sharpen=1.0, seed=9)
    confidence = proba.max(axis=1)
    unsure = find_unsure(confidence, error=0.15)
    taken = confidence >= unsure.threshold
    assert (~taken).sum() == unsure.unsure
    assert (proba.argmax(axis=1) != truth)[taken].mean() == pytest.approx(0.15, abs=0.02)


def test_test_diaries_say_how_many_of_the_taken_answers_are_wrong_at_most() -> None:
    tested = CheckedAnswers(
        np.array([0.99, 0.97, 0.96, 0.92, 0.5], np.float32), np.array([True, True, False, True, False])
    )
    unsure = find_unsure(np.array([0.99, 0.95, 0.9, 0.6], np.float32), error=0.06, tested=tested)
    assert (unsure.threshold, unsure.was_too_sure) == (pytest.approx(0.9), False)
    assert (unsure.tested, unsure.wrong) == (4, 1)
    # One wrong of four: the share of which one or fewer come in 5 % of cases.
    assert unsure.most_wrong == pytest.approx(0.7514, abs=1e-4)


def test_a_threshold_rises_where_the_test_diaries_refute_it() -> None:
    confidence = np.linspace(0.5, 1.0, 200, dtype=np.float32)
    right = np.where(confidence > 0.95, True, np.arange(200) % 2 == 0)
    alone = find_unsure(confidence, error=0.15)
    unsure = find_unsure(confidence, error=0.15, tested=CheckedAnswers(confidence, right))
    assert not alone.was_too_sure
    assert unsure.was_too_sure
    assert unsure.threshold > alone.threshold
    assert unsure.wrong / unsure.tested <= 0.25
    nothing = find_unsure(confidence, error=0.15, tested=CheckedAnswers(confidence, np.zeros(200, np.bool_)))
    assert nothing.unsure > 195, "a single wrong answer refutes little"
    assert (nothing.was_too_sure, nothing.most_wrong) == (True, 1.0)


def test_the_bound_holds_about_as_often_as_it_says() -> None:
    held = []
    for seed in range(200):
        proba, truth, _ = _simulated(120, sharpen=1.0, seed=seed)
        tested = CheckedAnswers(proba.max(axis=1), proba.argmax(axis=1) == truth)
        unsure = find_unsure(np.full(10, 0.8, np.float32), error=0.3, tested=tested)
        large, known, _ = _simulated(4_000, sharpen=1.0, seed=1_000)
        taken = large.max(axis=1) >= 0.8
        held.append((large.argmax(axis=1) != known)[taken].mean() <= unsure.most_wrong)
    assert np.mean(held) >= 0.92
