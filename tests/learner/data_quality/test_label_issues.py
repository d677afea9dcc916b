from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from learner.data_quality.label_issues import find_doubts
from learner.errors import LearnerError
from tests.conftest import ROOT


def _answers(n: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate a good model: probabilities, and the truths they were drawn around."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    logits = 3 * np.eye(k)[truth] + rng.normal(0, 1, (n, k))
    proba = np.exp(logits)
    return (proba / proba.sum(axis=1, keepdims=True)).astype(np.float32), truth


def test_flipped_labels_come_first() -> None:
    proba, truth = _answers(400, 4, 0)
    flipped = np.arange(0, 400, 20)
    given = truth.copy()
    given[flipped] = (given[flipped] + 1) % 4
    doubts = find_doubts(proba, given)
    assert np.isin(doubts.order[:20], flipped).mean() > 0.7, "at random it would be 0.05"
    assert doubts.flagged[flipped].mean() > 0.8
    assert (doubts.suggested[flipped] == truth[flipped]).mean() > 0.8


def test_flagged_labels_lead_in_order_of_their_probability() -> None:
    proba, truth = _answers(200, 3, 1)
    given = truth.copy()
    given[::10] = (given[::10] + 1) % 3
    doubts = find_doubts(proba, given)
    count = int(doubts.flagged.sum())
    assert doubts.flagged[doubts.order[:count]].all()
    assert (np.diff(doubts.quality[doubts.order[:count]]) >= 0).all()


def test_the_alternative_is_never_the_given_label() -> None:
    proba, truth = _answers(100, 5, 2)
    doubts = find_doubts(proba, truth)
    assert (doubts.suggested != truth).all()
    assert ((doubts.quality >= 0) & (doubts.quality + doubts.suggested_proba <= 1 + 1e-6)).all()


def test_labels_that_nobody_gave_and_one_kind_of_label_are_no_obstacle() -> None:
    proba, truth = _answers(60, 6, 3)
    find_doubts(proba, truth % 2)
    assert not find_doubts(proba, np.zeros(60, np.int64)).flagged.any()
    assert len(find_doubts(proba[:0], truth[:0]).order) == 0


def test_probabilities_that_are_no_numbers_are_refused() -> None:
    proba, truth = _answers(10, 3, 4)
    proba[3, 0] = np.nan
    with pytest.raises(LearnerError, match="proba_not_finite"):
        find_doubts(proba, truth)


def test_cleanlab_is_loaded_only_when_labels_are_looked_at() -> None:
    code = "import sys, learner.data_quality.label_issues; assert 'cleanlab' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
