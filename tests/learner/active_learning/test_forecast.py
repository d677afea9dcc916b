from __future__ import annotations

import numpy as np
import pytest

from learner.active_learning.forecast import drawn_scores, forecast, stability

COUNTS = (30, 45, 60, 85, 120, 170, 240, 330, 450)


def _curve(seed: int, *, noise: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Simulate a power law measured on 300 diaries; return draws, scores and the true gain of 100 more labels."""
    rng = np.random.default_rng(seed)
    level, height, rate = rng.uniform(0.6, 0.9), rng.uniform(0.3, 1.2), rng.uniform(0.2, 0.8)

    def true(n: float | np.ndarray) -> np.ndarray:
        return np.asarray(level - height * np.asarray(n, float) ** -rate)

    n = np.array(COUNTS)
    sample = rng.normal(0, 0.025)  # what the test diaries do to all points alike
    scores = true(n) + sample + rng.normal(size=len(n)) * noise / np.sqrt(n)
    drawn = scores + rng.normal(0, 0.025, (400, 1)) + rng.normal(0, 0.006, (400, len(n)))
    return drawn, scores, float(true(550.0) - true(450.0))


def test_the_interval_holds_the_gain_of_simulated_curves() -> None:
    held = []
    for seed in range(100):
        drawn, scores, gain = _curve(seed, noise=0.25)
        made = forecast(COUNTS, drawn, scores, score="accuracy", ahead=100, seed=0)
        assert made is not None
        held.append(made.low <= gain <= made.high)
    assert np.mean(held) >= 0.9


def test_a_rising_curve_promises_more_than_a_flat_one() -> None:
    n = np.array(COUNTS, float)
    rising, flat = 0.3 + 0.08 * np.log(n), np.full(len(n), 0.7)
    gains = [forecast(COUNTS, np.tile(s, (400, 1)), s, score="accuracy", ahead=100, seed=0) for s in (rising, flat)]
    assert gains[0] is not None
    assert gains[1] is not None
    assert gains[0].gain > 0.008
    assert abs(gains[1].gain) < 0.002
    assert gains[0].low < gains[0].gain < gains[0].high
    assert gains[1].score == pytest.approx(0.7, abs=0.005)


def test_the_same_seed_gives_the_same_forecast() -> None:
    drawn, scores, _ = _curve(1, noise=0.2)
    assert forecast(COUNTS, drawn, scores, score="accuracy", ahead=100, seed=3) == forecast(
        COUNTS, drawn, scores, score="accuracy", ahead=100, seed=3
    )


def test_three_points_are_too_few() -> None:
    assert forecast((20, 30, 40), np.zeros((10, 3)), np.zeros(3), score="accuracy", ahead=100, seed=0) is None


@pytest.mark.parametrize("score", ["accuracy", "macro_f1"])
def test_scores_on_diaries_drawn_anew_scatter_around_the_score(score: str) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    answers = np.stack([np.where(rng.random(200) < share, truth, rng.integers(0, 3, 200)) for share in (0.4, 0.8)])
    drawn = drawn_scores(answers, truth, k=3, score=score, seed=0)  # type: ignore[arg-type]
    assert drawn.shape == (400, 2)
    assert drawn[:, 1].mean() == pytest.approx((answers[1] == truth).mean(), abs=0.02)
    assert (drawn[:, 1] > drawn[:, 0]).all()


def test_kappa_is_cohens() -> None:
    before, after = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
    change = stability(before, after, k=2)
    assert change.n == 10
    assert change.changed == pytest.approx(0.2)
    assert change.kappa == pytest.approx((0.8 - 0.5) / 0.5)


def test_unchanged_answers_agree_fully_even_if_all_are_one_label() -> None:
    assert stability(np.zeros(5, int), np.zeros(5, int), k=3).kappa == 1.0
    assert stability(np.arange(5) % 3, np.arange(5) % 3, k=3).kappa == pytest.approx(1.0)
    assert np.isnan(stability(np.zeros(0, int), np.zeros(0, int), k=3).kappa)


def test_a_flat_curve_of_many_labels_promises_less_than_a_point_and_a_rising_one_never_does() -> None:
    counts = (60, 90, 130, 190, 270, 390, 560, 800)
    n = np.array(counts)
    rng = np.random.default_rng(5)
    for curve, is_flat in ((np.full(len(n), 0.7), True), (0.4 + 0.3 * np.log(n / 60) / np.log(800 / 60), False)):
        scores = curve + rng.normal(0, 0.002, len(n))
        drawn = scores + rng.normal(0, 0.03, (400, 1)) + rng.normal(0, 0.004, (400, len(n)))
        made = forecast(counts, drawn, scores, score="accuracy", ahead=100, seed=0)
        assert made is not None
        assert (made.high < 0.01) is is_flat
