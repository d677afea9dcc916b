"""The encoder's emotions as a prior: a head that reads their scores, too, folded into one that reads vectors alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from learner.classification import classifier as classifiers
from learner.classification import emotion_prior
from learner.classification.rationale_loss import Marked
from learner.encoders import emotion_head
from learner.errors import LearnerError

WIDTH, GRAMS = 384, 6


@pytest.fixture(scope="module")
def weight() -> np.ndarray:
    return emotion_head.load().weight


def _features(count: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(count, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.hstack([vectors, 0.1 * draw.normal(size=(count, GRAMS))]).astype(np.float32)


def _train(features: np.ndarray, targets: np.ndarray) -> classifiers.Classifier:
    return classifiers.train(features, targets, mean=np.zeros(WIDTH, np.float32), text_space="", seed=0).classifier


def test_a_folded_head_answers_as_one_that_reads_the_scores_beside_the_features(weight: np.ndarray) -> None:
    features, other = _features(60), _features(40, 1)
    targets = classifiers.one_hot((features[:, :WIDTH] @ weight[:3].T).argmax(axis=1), 3)
    prior = emotion_prior.of(2.5)
    folded = prior.fold(_train(prior.apply(features), targets))
    beside = [np.hstack([x, np.sqrt(2.5) * x[:, :WIDTH] @ weight.T]).astype(np.float32) for x in (features, other)]
    np.testing.assert_allclose(folded.proba(other), _train(beside[0], targets).proba(beside[1]), atol=2e-3)
    assert np.abs(folded.proba(other) - _train(features, targets).proba(other)).max() > 0.02


def test_a_committee_and_marked_words_are_folded_alike() -> None:
    prior, features = emotion_prior.of(1.0), _features(20)
    head = _train(prior.apply(features), classifiers.one_hot(np.arange(20) % 2, 2))
    folded = prior.fold(replace(head, committee=((head.weight, head.bias),)))
    np.testing.assert_array_equal(folded.committee[0][0], folded.weight)
    np.testing.assert_allclose(features @ folded.weight.T, prior.apply(features) @ head.weight.T, atol=1e-4)
    marked = prior.apply_to_marks(Marked(features[:2], np.array([0, 1]), np.array([True, False])))
    assert marked is not None
    np.testing.assert_allclose(marked.effects @ head.weight.T, features[:2] @ folded.weight.T, atol=1e-4)
    assert prior.apply_to_marks(None) is None


def test_labels_that_follow_the_emotions_make_it_strong_and_others_do_not(weight: np.ndarray) -> None:
    features = _features(400)
    vectors = features[:, :WIDTH]
    by_emotions = classifiers.one_hot((vectors @ weight[[5, 6, 42]].T).argmax(axis=1), 3)
    assert emotion_prior.choose(features, by_emotions, vectors=vectors, seed=0).stretch > 0
    _, _, directions = np.linalg.svd(weight)
    others = directions[-3:]  # orthogonal to all emotions
    elsewhere = classifiers.one_hot((vectors @ others.T).argmax(axis=1), 3)
    assert emotion_prior.choose(features, elsewhere, vectors=vectors, seed=0) is emotion_prior.NONE


def test_nothing_is_chosen_where_many_labels_say_enough(weight: np.ndarray) -> None:
    features = _features(emotion_prior.MOST + 1)
    targets = classifiers.one_hot((features[:, :WIDTH] @ weight[:2].T).argmax(axis=1), 2)
    assert emotion_prior.choose(features, targets, vectors=features[:, :WIDTH], seed=0) is emotion_prior.NONE


@pytest.mark.parametrize("broken", ["features", "vectors"])
def test_features_that_are_no_numbers_are_refused_as_by_training(broken: str) -> None:
    given = {"features": _features(30), "vectors": _features(9)[:, :WIDTH]}
    given[broken][3] = np.nan
    targets = classifiers.one_hot(np.arange(30) % 2, 2)
    with pytest.raises(LearnerError, match="vectors_not_finite"):
        emotion_prior.choose(given["features"], targets, vectors=given["vectors"], seed=0)
    if broken == "features":
        with pytest.raises(LearnerError, match="vectors_not_finite"):
            classifiers.answer_out_of_fold(given["features"], targets, seed=0)


def test_without_a_stretch_nothing_changes() -> None:
    features, prior = _features(5), emotion_prior.of(0.0)
    assert prior is emotion_prior.NONE
    assert prior.apply(features) is features
    head = _train(features, classifiers.one_hot(np.arange(5) % 2, 2))
    assert prior.fold(head).weight is head.weight
