from __future__ import annotations

import numpy as np
import pytest

from learner.classification import readers
from learner.classification.soft_labels import consensus, votes

RNG = np.random.default_rng(0)


def _said(truth: np.ndarray, right: float, k: int, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(truth)) < right, truth, (truth + rng.integers(1, k, len(truth))) % k)


def _all_read(said: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(said[0])
    return np.tile(np.arange(n), len(said)), np.repeat(np.arange(len(said)), n), np.concatenate(said)


def test_by_hand_two_readers_who_agree_leave_the_other_label_little() -> None:
    one_hot = np.eye(2)[np.array([0, 0, 1, 1])]
    result = readers.estimate(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), one_hot)
    np.testing.assert_allclose(result.posterior.sum(axis=1), 1)
    np.testing.assert_allclose(result.posterior[0, 0], result.posterior[1, 1])
    # Each knows four of five and guesses right in half of the rest: odds of 9 to 1, twice.
    assert result.posterior[0, 0] == pytest.approx(81 / 82, abs=0.01)
    assert result.right == pytest.approx([0.9, 0.9], abs=0.02)


def test_who_always_says_the_same_counts_for_little() -> None:
    truth = RNG.integers(0, 4, 200)
    said = [_said(truth, 0.85, 4, RNG), _said(truth, 0.8, 4, RNG), np.zeros(200, np.int64)]
    result = consensus(*_all_read(said), k=4)
    assert result.right[2] < 0.5 < 0.75 < result.right[0]
    plain = votes(*[x for i, x in enumerate(_all_read(said)) if i != 1], k=4)
    assert (result.columns == truth).mean() > (plain.columns == truth).mean()


def test_who_mixes_two_labels_up_is_understood() -> None:
    truth = RNG.integers(0, 4, 300)
    mixed_up = np.array([1, 0, 2, 3])[truth]
    said = [_said(truth, 0.85, 4, RNG), _said(truth, 0.85, 4, RNG), mixed_up]
    items, people, columns = _all_read(said)
    one_hot = np.eye(4)[columns]
    result = readers.estimate(items, people, one_hot)
    assert (result.posterior.argmax(axis=1) == truth).mean() > 0.93
    assert (votes(items, columns, k=4).columns == truth).mean() < 0.93


def test_how_right_readers_are_is_estimated_closely() -> None:
    truth = RNG.integers(0, 5, 400)
    shares = (0.9, 0.75, 0.6)
    result = consensus(*_all_read([_said(truth, share, 5, RNG) for share in shares]), k=5)
    assert [result.right[i] for i in range(3)] == pytest.approx(shares, abs=0.08)


def test_readers_who_never_overlap_are_told_apart_by_the_model() -> None:
    truth = RNG.integers(0, 3, 300)
    who = np.arange(300) % 2
    columns = np.where(who == 0, truth, 0)
    answers = (0.2 + 0.4 * np.eye(3))[_said(truth, 0.8, 3, RNG)].astype(np.float32)
    items = np.arange(300)
    result = consensus(items, who, columns, k=3, answers=answers)
    assert result.right[1] < result.right[0]
    assert result.columns.tolist() == columns.tolist(), "only the label that somebody gave is served"
    wrong = (who == 1) & (truth != 0)
    assert result.targets[wrong, 0].mean() < result.targets[(who == 1) & (truth == 0), 0].mean()
    alone = consensus(items, who, columns, k=3)
    assert alone.columns.tolist() == columns.tolist()


def test_a_model_that_says_nothing_changes_nothing() -> None:
    truth = RNG.integers(0, 3, 60)
    said = _all_read([_said(truth, 0.8, 3, RNG), _said(truth, 0.8, 3, RNG)])
    frequencies = (np.bincount(said[2], minlength=3) + 1) / (120 + 3)
    silent = np.tile(frequencies.astype(np.float32), (60, 1))
    np.testing.assert_allclose(consensus(*said, k=3, answers=silent).targets, consensus(*said, k=3).targets, atol=2e-3)


def test_labels_that_nobody_gave_stay_at_zero() -> None:
    answers = np.full((2, 5), 0.2, np.float32)
    result = consensus(np.array([0, 1, 1]), np.array([1, 1, 2]), np.array([0, 0, 3]), k=5, answers=answers)
    assert result.targets[:, [1, 2, 4]].max() == 0
    np.testing.assert_allclose(result.targets.sum(axis=1), 1, rtol=1e-6)
