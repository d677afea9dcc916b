"""Sets of labels that hold the right one as often as promised."""

from __future__ import annotations

import numpy as np
import pytest

from learner.classification.prediction_sets import in_set, promise

K = 5


def _answers(n: int, seed: int, *, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities that are far too sure, and the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, K))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    sure = proba**sharpness
    return (sure / sure.sum(axis=1, keepdims=True)).astype(np.float32), truth


@pytest.mark.parametrize("n", [20, 60, 200])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_the_right_label_is_in_the_set_of_a_new_diary_as_often_as_promised(n: int, level: float) -> None:
    held, said = [], []
    new_proba, new_truth = _answers(4_000, 10_000)
    for seed in range(120):
        promised = promise(*_answers(n, seed), level=level)
        assert promised is not None
        sets = in_set(new_proba, promised.least)
        held.append(sets[np.arange(len(new_truth)), new_truth].mean())
        said.append(promised.covered)
    assert level - 0.01 < np.mean(held) < level + 1.5 / n + 0.01
    assert abs(np.mean(said) - np.mean(held)) < 0.02


def test_the_interval_holds_the_share_that_sets_really_cover() -> None:
    new_proba, new_truth = _answers(4_000, 10_000)
    inside = []
    for seed in range(150):
        promised = promise(*_answers(80, seed), level=0.9)
        assert promised is not None
        really = in_set(new_proba, promised.least)[np.arange(len(new_truth)), new_truth].mean()
        inside.append(promised.covered_low <= really <= promised.covered_high)
    assert np.mean(inside) >= 0.93


def test_too_few_test_diaries_promise_nothing() -> None:
    proba, truth = _answers(8, 0)
    assert promise(proba, truth, level=0.9) is None
    assert promise(proba[:0], truth[:0], level=0.9) is None
    assert promise(*_answers(9, 0), level=0.9) is not None


def test_a_set_is_never_empty_and_grows_with_the_promise() -> None:
    proba, truth = _answers(300, 1)
    narrow, wide = promise(proba, truth, level=0.7), promise(proba, truth, level=0.95)
    assert narrow is not None
    assert wide is not None
    small, large = in_set(proba, narrow.least), in_set(proba, wide.least)
    assert (small.sum(axis=1) >= 1).all()
    assert (large >= small).all()
    assert narrow.size < wide.size
    assert in_set(proba, 2.0).sum() == len(proba)


def test_a_writer_whose_diaries_are_all_alike_is_left_out_together() -> None:
    proba, truth = _answers(200, 2)
    strange = np.tile(np.array([[0.97, 0.01, 0.01, 0.005, 0.005]], np.float32), (30, 1))
    everything, known = np.concatenate([proba, strange]), np.concatenate([truth, np.full(30, 4)])
    writers = np.concatenate([np.arange(200), np.full(30, 200)])
    alone, together = promise(everything, known, level=0.9), promise(everything, known, level=0.9, groups=writers)
    assert alone is not None
    assert together is not None
    assert together.least == alone.least
    assert together.covered < alone.covered - 0.05, "his own diaries would have made room for him"
