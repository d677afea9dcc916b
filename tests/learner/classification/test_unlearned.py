"""Labels that no example has keep a small share, spread by the model that needs no label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from learner.classification import classifier as classifiers
from learner.classification import unlearned
from learner.classification.unlearned import Unlearned

WIDTH = 3


def _first(k: int, seed: int = 0) -> classifiers.Head:
    draw = np.random.default_rng(seed)
    return draw.normal(size=(k, WIDTH)).astype(np.float32), draw.normal(size=k).astype(np.float32)


def _vectors(count: int, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_shares_by_hand() -> None:
    # The first model says 3/4 and 1/4 of the labels on the left, and the other way round on the right.
    weight = np.array([[np.log(3) / 2], [-np.log(3) / 2]], np.float32)
    unlearned_labels = unlearned.find(
        (weight, np.zeros(2, np.float32)),
        np.array([[1, 0], [1, 0]], np.float32),
        np.array([[1], [-1]], np.float32),
    )
    assert unlearned_labels is not None
    # Its mean is 1/2 in the pool, and two examples of two labels leave one in four.
    np.testing.assert_allclose(
        unlearned_labels.shares(np.array([[1], [-1]], np.float32)), [[1 / 8], [3 / 8]], atol=1e-6
    )
    mixed = unlearned_labels.mix(np.array([[0.9, 0.1]], np.float32), np.array([[1]], np.float32))
    np.testing.assert_allclose(mixed, [[7 / 8, 1 / 8]], atol=1e-6)


@given(k=st.integers(3, 45), seed=st.integers(0, 99), seen=st.integers(1, 44), examples=st.integers(1, 3000))
def test_all_of_them_together_get_half_at_most_and_the_others_keep_their_ratios(
    k: int, seed: int, seen: int, examples: int
) -> None:
    seen = min(seen, k - 1)
    targets = np.eye(k, dtype=np.float32)[np.arange(max(examples, seen)) % seen]
    vectors = _vectors(60, seed)
    unlearned_labels = unlearned.find(_first(k, seed), targets, vectors)
    assert unlearned_labels is not None
    assert unlearned_labels.places.tolist() == list(range(seen, k))
    before = np.random.default_rng(seed).dirichlet(np.ones(k), 60).astype(np.float32)
    after = unlearned_labels.mix(before, vectors)
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-5)
    assert (after[:, seen:] <= 0.5 / (k - seen) + 1e-6).all()
    assert (after[:, seen:] > 0).all()
    assert after[:, seen:].mean() <= 1 / (len(targets) + k) + 1e-4
    kept = before[:, :seen] / before[:, :seen].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(after[:, :seen] / after[:, :seen].sum(axis=1, keepdims=True), kept, atol=1e-4)


def test_nothing_is_said_where_each_label_has_an_example() -> None:
    assert unlearned.find(_first(2), np.eye(2, dtype=np.float32), _vectors(5)) is None


def _trained() -> classifiers.Classifier:
    labels = classifiers.one_hot(np.arange(40) % 2, 4)
    mean = np.zeros(WIDTH, np.float32)
    return classifiers.train(_vectors(40), labels, mean=mean, text_space="", seed=0).classifier


def test_half_examples_count_half() -> None:
    targets, half = np.eye(3, dtype=np.float32)[[0, 1, 0, 1]], np.full(4, 0.5, np.float32)
    all_of, some = (unlearned.find(_first(3), targets, _vectors(9), weights=weights) for weights in (None, half))
    assert all_of is not None
    assert some is not None
    np.testing.assert_allclose(some.scale, all_of.scale * 7 / 5, rtol=1e-5)


def test_a_trained_head_keeps_a_share_that_survives_being_stored() -> None:
    plain, targets = _trained(), classifiers.one_hot(np.arange(40) % 2, 4)
    made = replace(plain, unlearned=unlearned.find(_first(4), targets, _vectors(200, 7)))
    features = _vectors(300, 9)
    proba = made.proba(features)
    assert proba[:, 2:].mean() == pytest.approx(1 / 44, rel=0.3)
    assert plain.proba(features)[:, 2:].mean() < proba[:, 2:].mean()
    assert (proba[:, :2].argmax(axis=1) == plain.proba(features)[:, :2].argmax(axis=1)).all()
    kept = classifiers.from_bytes(made.to_bytes())
    assert isinstance(kept.unlearned, Unlearned)
    np.testing.assert_array_equal(kept.proba(features), proba)
    assert classifiers.from_bytes(plain.to_bytes()).unlearned is None
