"""The model that needs no label as the prior of a trained head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from learner.classification import classifier as classifiers
from learner.classification import first_prior
from learner.errors import LearnerError

WIDTH, GRAMS, K = 24, 6, 3


def _features(count: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(count, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.hstack([vectors, 0.1 * draw.normal(size=(count, GRAMS))]).astype(np.float32)


@pytest.fixture(scope="module")
def first() -> np.ndarray:
    return 8 * np.random.default_rng(7).normal(size=(K, WIDTH)).astype(np.float32)


def _told_by(first: np.ndarray, features: np.ndarray) -> np.ndarray:
    return np.asarray((features[:, :WIDTH] @ first.T).argmax(axis=1))


def _train(
    features: np.ndarray, columns: np.ndarray, prior_mean: np.ndarray | None, **more: object
) -> classifiers.Classifier:
    return classifiers.train(
        features,
        classifiers.one_hot(columns, K),
        mean=np.zeros(WIDTH, np.float32),
        text_space="",
        seed=0,
        prior_mean=prior_mean,
        **more,  # type: ignore[arg-type]
    ).classifier


def test_few_examples_leave_what_the_first_model_knows(first: np.ndarray) -> None:
    features, other = _features(12), _features(400, 1)
    truth, seen = _told_by(first, other), _told_by(first, features)
    with_it = (_train(features, seen, 0.5 * first).proba(other).argmax(axis=1) == truth).mean()
    without = (_train(features, seen, None).proba(other).argmax(axis=1) == truth).mean()
    assert with_it > without + 0.2


def test_many_examples_overrule_it(first: np.ndarray) -> None:
    features, other = _features(3000), _features(400, 1)
    against = (_told_by(first, features) + 1) % K
    head = _train(features, against, 0.5 * first)
    assert (head.proba(other).argmax(axis=1) == (_told_by(first, other) + 1) % K).mean() > 0.9


def test_without_examples_of_anything_else_weights_are_those_of_the_prior(first: np.ndarray) -> None:
    # Examples without features teach nothing but how frequent labels are.
    nothing = np.zeros((6, WIDTH + GRAMS), np.float32)
    head = _train(nothing, np.arange(6) % K, first)
    np.testing.assert_allclose(head.weight[:, :WIDTH], first, atol=1e-3)
    np.testing.assert_allclose(head.weight[:, WIDTH:], 0, atol=1e-3)


def _strength(first: np.ndarray, features: np.ndarray, columns: np.ndarray, **more: object) -> float:
    targets = classifiers.one_hot(columns, K)
    return first_prior.choose_strength(first, features, targets, seed=0, **more)  # type: ignore[arg-type]


def test_it_is_half_of_the_first_model_unless_it_does_clear_harm(first: np.ndarray) -> None:
    features = _features(200)
    assert _strength(first, features, _told_by(first, features)) == 0.5
    assert _strength(first, features, (_told_by(first, features) + 1) % K) == 0.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_a_quarter_where_the_first_model_is_right_in_part(first: np.ndarray, seed: int) -> None:
    other = 8 * np.random.default_rng(100 + seed).normal(size=(K, WIDTH)).astype(np.float32)
    features = _features(100, 10 + seed)
    assert _strength(first, features, _told_by(first + 0.6 * other, features)) == 0.25


def test_no_part_is_no_mean(first: np.ndarray) -> None:
    assert first_prior.mean_of(first, 0.0) is None
    np.testing.assert_array_equal(first_prior.mean_of(first, 0.25), first / 4)


def test_labels_without_an_example_do_not_speak_against_it(first: np.ndarray) -> None:
    features = _features(300)
    columns = _told_by(first, features)
    of_two = columns < 2
    assert _strength(first, features[of_two], columns[of_two]) > 0


@pytest.mark.parametrize("count", [1, 4, 9])
def test_so_few_examples_do_not_decide_against_it(first: np.ndarray, count: int) -> None:
    features = _features(count)
    assert _strength(first, features, (_told_by(first, features) + 1) % K) == 0.5


def test_examples_of_weight_nothing_do_not_speak(first: np.ndarray) -> None:
    features = _features(200)
    columns = _told_by(first, features)
    columns[100:] = (columns[100:] + 1) % K
    weights = np.repeat(np.float32([1.0, 1e-6]), 100)
    assert _strength(first, features, columns, weights=weights) == 0.5
    assert _strength(first, features, columns, weights=weights[::-1].copy()) == 0.0


def test_a_version_keeps_it_for_whoever_trains_others_like_it(first: np.ndarray) -> None:
    features = _features(30)
    head = _train(features, _told_by(first, features), 0.5 * first)
    read = classifiers.from_bytes(head.to_bytes())
    assert read.prior_mean is not None
    np.testing.assert_array_equal(read.prior_mean, 0.5 * first)
    older = replace(head, prior_mean=None)
    assert classifiers.from_bytes(older.to_bytes()).prior_mean is None
    np.testing.assert_array_equal(read.proba(features), older.proba(features))


def test_a_committee_is_drawn_towards_it_as_well(first: np.ndarray) -> None:
    features = _features(12)
    columns = _told_by(first, features)
    head, other = _train(features, columns, 0.5 * first), _features(300, 1)
    targets = classifiers.one_hot(columns, K)
    for weight, bias in classifiers.bootstrap(features, targets, start=head, seed=0):
        assert ((other @ weight.T + bias).argmax(axis=1) == _told_by(first, other)).mean() > 0.6


def test_vectors_that_are_no_numbers_are_refused(first: np.ndarray) -> None:
    features = _features(20)
    features[3, 0] = np.nan
    with pytest.raises(LearnerError, match="vectors_not_finite"):
        first_prior.choose_strength(first, features, classifiers.one_hot(np.arange(20) % K, K), seed=0)
