from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from learner.classification.classifier import (
    BALANCE_FLOOR,
    COMMITTEE,
    INVERSE_REGULARISATION,
    NGRAM_SCALE,
    ZERO_LABEL_SCALE,
    _balance,
    _fit,
    _with_prior,
    bootstrap,
    from_bytes,
    join_features,
    one_hot,
    softmax,
    train,
    zero_label,
)
from learner.classification.rationale_loss import Marked
from learner.errors import LearnerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.classification.classifier import Trained
    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

K = 4
WIDTH = 12
MEAN = np.zeros((1, WIDTH), np.float32)


def _examples(counts: list[int], *, seed: int = 0, spread: float = 0.15) -> tuple[FloatArray, IntArray]:
    """Draw examples around one direction for each label, and scale them to length 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    features = np.eye(WIDTH)[labels] + spread * rng.normal(size=(len(labels), WIDTH))
    order = rng.permutation(len(labels))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features[order].astype(np.float32), labels[order].astype(np.int64)


def _train(features: FloatArray, labels: IntArray, *, k: int = K, seed: int = 0) -> Trained:
    return train(features, one_hot(labels, k), mean=MEAN, text_space="abc", seed=seed)


def test_softmax_by_hand() -> None:
    proba = softmax(np.array([[0, math.log(2), math.log(5)], [7, 7, 7]], np.float32))
    np.testing.assert_allclose(proba, [[1 / 8, 2 / 8, 5 / 8], [1 / 3, 1 / 3, 1 / 3]], atol=1e-6)


def test_softmax_bears_any_size_and_an_empty_pool() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e30, 0], [-1e30, -1e30]], np.float32)), [[1, 0], [0.5, 0.5]])
    assert softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_features_are_centred_scaled_and_beside_the_text_by_hand() -> None:
    features = join_features(
        np.array([[4, 5], [1, 1]], np.float32),
        np.array([[1, 0], [0, 1]], np.float32),
        mean=np.array([1, 1], np.float32),
    )
    # A vector that is the mean itself has no direction.
    np.testing.assert_allclose(features, [[0.6, 0.8, NGRAM_SCALE, 0], [0, 0, 0, NGRAM_SCALE]], atol=1e-6)
    assert features.dtype == np.float32


def test_separable_examples_are_learned() -> None:
    features, labels = _examples([30, 30, 30, 30])
    trained = _train(features, labels)
    unseen, truth = _examples([50, 50, 50, 50], seed=1)
    assert (trained.classifier.proba(unseen).argmax(axis=1) == truth).mean() > 0.97
    assert (trained.out_of_fold.argmax(axis=1) == labels).mean() > 0.97


def test_probabilities_are_positive_and_sum_to_one() -> None:
    trained = _train(*_examples([9, 3, 20, 5], spread=0.6))
    for proba in (trained.out_of_fold, trained.classifier.proba(_examples([40, 40, 40, 40], seed=2)[0])):
        assert proba.dtype == np.float32
        assert (proba > 0).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


def test_each_part_of_a_vector_is_centred_and_scaled_by_itself() -> None:
    vectors = np.array([[4, 5, 1, 1], [1, 1, 9, 1]], np.float32)
    features = join_features(vectors, None, mean=np.array([[1, 1], [1, 0]], np.float32))
    np.testing.assert_allclose(features, [[0.6, 0.8, 0, 1], [0, 0, 8 / 65**0.5, 1 / 65**0.5]], atol=1e-6)
    np.testing.assert_array_equal(
        features, join_features(vectors.reshape(2, 2, 2), None, mean=np.array([[1, 1], [1, 0]], np.float32))
    )


def test_a_file_of_before_vectors_had_parts_gives_the_same_probabilities() -> None:
    features, labels = _examples([9, 3, 20, 5], spread=0.6)
    before = replace(_train(features, labels).classifier, mean=np.full(WIDTH, 0.1, np.float32))
    again = from_bytes(before.to_bytes())
    assert again.mean.shape == (1, WIDTH)
    np.testing.assert_array_equal(again.features(features, None), before.features(features, None))


def test_an_empty_pool_has_no_probabilities() -> None:
    classifier = _train(*_examples([5, 5, 5, 5])).classifier
    assert classifier.proba(np.zeros((0, WIDTH), np.float32)).shape == (0, K)


def test_what_was_kept_gives_the_same_probabilities() -> None:
    features, labels = _examples([9, 3, 20, 5], spread=0.6)
    classifier = _train(features, labels).classifier
    again = from_bytes(classifier.to_bytes())
    np.testing.assert_allclose(again.proba(features), classifier.proba(features), atol=1e-6)
    np.testing.assert_array_equal(again.mean, classifier.mean)
    assert again.text_space == "abc"
    assert again.to_bytes() == classifier.to_bytes()


def test_the_same_seed_gives_the_same_classifier() -> None:
    features, labels = _examples([9, 3, 20, 5], spread=0.6)
    one, other = _train(features, labels, seed=4), _train(features, labels, seed=4)
    assert one.classifier.to_bytes() == other.classifier.to_bytes()
    np.testing.assert_array_equal(one.out_of_fold, other.out_of_fold)


@pytest.mark.parametrize("seed", range(3))
def test_neither_order_nor_seed_makes_much_of_a_difference(seed: int) -> None:
    features, labels = _examples([60, 40, 70, 50], spread=0.4)
    order = np.random.default_rng(seed).permutation(len(labels))
    unseen = _examples([30, 30, 30, 30], seed=9, spread=0.4)[0]
    usual = _train(features, labels).classifier
    for trained in (_train(features[order], labels[order]), _train(features, labels, seed=seed + 1)):
        np.testing.assert_allclose(trained.classifier.weight, usual.weight, atol=1e-3)
        # Only the folds differ, and with them a little of the temperature.
        difference = np.abs(trained.classifier.proba(unseen) - usual.proba(unseen))
        assert difference.mean() < 1e-2
        assert difference.max() < 3e-2


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_head_lies_where_its_loss_has_no_slope(is_marked: bool) -> None:
    features, labels = _examples([20, 9, 4, 3])
    targets = 0.8 * one_hot(labels, K) + 0.2 / K
    weights = np.linspace(0.5, 1.5, len(labels), dtype=np.float32)
    prior = np.random.default_rng(1).normal(size=(K, WIDTH)).astype(np.float32)
    marked = Marked(features[:3] / 2, np.array([0, 1, 2]), np.array([True, False, True])) if is_marked else None
    head = _fit(features, targets, weights, marked=marked, prior_mean=prior)
    weight, bias = (torch.from_numpy(each).requires_grad_() for each in head)
    logits = torch.from_numpy(features) @ weight.T + bias
    losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets), reduction="none")
    size = ((weight - torch.from_numpy(prior)) ** 2).sum() + 0.01 * (bias**2).sum()
    loss = (torch.from_numpy(weights) * losses).sum() + size / (2 * INVERSE_REGULARISATION)
    if marked is not None:
        loss = loss + marked.price(weight)
    loss.backward()
    for parameter in (weight, bias):
        assert parameter.grad is not None
        assert parameter.grad.abs().max() < 1e-3


def test_examples_are_not_changed_by_training() -> None:
    features, labels = _examples([9, 3, 20, 5])
    kept = features.copy(), labels.copy()
    _train(features, labels)
    np.testing.assert_array_equal(features, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


@pytest.mark.parametrize("counts", [[1, 1], [1, 1, 1, 1], [40, 1], [2, 0, 0, 1]])
def test_labels_with_a_single_example_are_learned_from(counts: list[int]) -> None:
    features, labels = _examples(counts)
    trained = _train(features, labels)
    proba = trained.classifier.proba(features)
    assert np.isfinite(proba).all()
    assert np.isfinite(trained.out_of_fold).all()
    assert (proba.argmax(axis=1) == labels).all()


def test_a_label_never_seen_is_unlikely_everywhere() -> None:
    features, labels = _examples([25, 25, 25])
    trained = _train(features, labels, k=6)
    for proba in (trained.classifier.proba(features), trained.out_of_fold):
        assert proba.shape == (75, 6)
        assert np.isfinite(proba).all()
        assert (proba[:, 3:] < 0.1).all()
        assert (proba[:, 3:] < proba[:, :3].max(axis=1, keepdims=True) / 3).all()


@pytest.mark.parametrize("labels", [[2, 2, 2], [0], []])
def test_one_label_is_not_enough(labels: list[int]) -> None:
    with pytest.raises(LearnerError) as caught:
        _train(np.ones((len(labels), WIDTH), np.float32), np.array(labels, np.int64))
    assert (caught.value.code, caught.value.details) == ("one_label_only", {"count": len(labels)})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(value: float) -> None:
    features, labels = _examples([5, 5])
    features[3, 1] = features[3, 2] = features[7, 0] = value
    with pytest.raises(LearnerError) as caught:
        _train(features, labels)
    assert (caught.value.code, caught.value.details) == ("vectors_not_finite", {"count": 2})


def test_a_rare_label_counts_nearly_as_much_as_a_frequent_one_but_one_example_never_more_than_the_floor_says() -> None:
    labels = np.repeat([0, 2, 3], [500, 20, 1])
    balance = _balance(one_hot(labels, 5), np.ones(len(labels), np.float32))
    sums = np.bincount(labels, balance, minlength=5)
    assert sums[0] > sums[2] > sums[3] > 0 == sums[1]
    assert sums[2] > 10 * sums[0] * 20 / 500, "far more than its frequency"
    assert balance[-1] / balance[0] < 1 / BALANCE_FLOOR + 1
    assert balance.mean() == pytest.approx(1)
    assert balance.dtype == np.float32


def test_a_rare_label_is_not_drowned() -> None:
    features, labels = _examples([300, 12], spread=0.35)
    unseen, truth = _examples([100, 100], seed=1, spread=0.35)
    right = _train(features, labels, k=2).classifier.proba(unseen).argmax(axis=1) == truth
    plain = LogisticRegression().fit(features, labels).predict(unseen) == truth
    assert right[truth == 1].mean() > plain[truth == 1].mean() + 0.25


def test_frequency_counts_by_half_and_only_as_far_as_it_is_known() -> None:
    nothing = np.zeros((2, 3), np.float32), np.zeros(2, np.float32)
    for counts, shift in (((0, 0), 0.0), ((4, 1), 0.5 * np.log(24 / 21)), ((980, 80), 0.5 * np.log(10))):
        ones = np.ones(sum(counts), np.float32)
        weight, bias = _with_prior(nothing, one_hot(np.repeat([0, 1], counts), 2), ones)
        assert bias[0] - bias[1] == pytest.approx(shift, abs=1e-6)
        assert weight is nothing[0]


def test_probabilities_out_of_fold_do_not_know_their_group() -> None:
    # Everybody's label is a matter of who writes, and who writes is all that can be seen.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 8)
    features = (np.eye(30)[groups] + 0.05 * rng.normal(size=(240, 30))).astype(np.float32)
    targets = one_hot(rng.integers(0, 2, 30)[groups], 2)
    accuracy = {}
    for apart in (None, groups):
        trained = train(features, targets, mean=np.zeros(1, np.float32), text_space="", seed=1, groups=apart)
        accuracy[apart is None] = (trained.out_of_fold.argmax(axis=1) == targets.argmax(axis=1)).mean()
    assert accuracy[True] > 0.95
    assert accuracy[False] < 0.7


def test_probabilities_out_of_fold_do_not_know_their_own_label() -> None:
    # Where labels are drawn by lot, a head that had seen an example would do better than chance on it.
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, WIDTH)).astype(np.float32)
    labels = rng.integers(0, 2, 200)
    proba = _train(features, labels, k=2).out_of_fold
    assert abs((proba.argmax(axis=1) == labels).mean() - 0.5) < 0.12
    # Nothing can be known, and the temperature says so.
    assert proba.max(axis=1).mean() < 0.65


def test_examples_that_contradict_each_other_make_it_unsure() -> None:
    features = np.repeat(np.eye(WIDTH, dtype=np.float32)[:2], 40, axis=0)
    labels = np.concatenate([np.zeros(40), np.tile([0, 1], 20)]).astype(np.int64)
    sure, torn = _train(features, labels, k=2).classifier.proba(np.eye(WIDTH, dtype=np.float32)[:2])
    assert sure[0] > 0.8
    assert abs(torn[0] - 0.5) < abs(sure[0] - 0.5)


NAMES = ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]
DEFINITIONS = [
    "화가 나고 짜증이 난다. 억울하고 분하다.",
    "기쁘고 즐겁다. 만족스럽고 고맙다.",
    "걱정되고 초조하다. 두렵고 긴장된다.",
    "뜻밖의 일에 놀라고 당황스럽다. 민망하다.",
    "슬프고 외롭다. 우울하고 눈물이 난다.",
    "특별한 감정 없이 담담하다.",
    "역겹고 싫다. 혐오스럽고 불쾌하다.",
]
OBVIOUS = [
    "동생이 내 물건을 또 망가뜨려서 너무 화가 났다. 짜증이 폭발했다.",
    "오늘은 정말 행복한 하루였다. 웃음이 멈추지 않고 모든 것이 고마웠다.",
    "내일 시험이 너무 걱정된다. 떨려서 잠이 안 오고 초조하다.",
    "갑자기 이름이 불려서 너무 놀라고 당황했다. 얼굴이 빨개졌다.",
    "강아지가 세상을 떠났다. 하루 종일 눈물이 나고 너무 슬프다.",
    "아침을 먹고 출근했다. 점심을 먹고 퇴근했다. 특별한 일은 없었다.",
    "하수구에서 벌레가 기어 나왔다. 역겹고 더러워서 토할 것 같았다.",
]


@pytest.mark.slow
def test_without_a_label_obvious_diaries_get_their_label_more_often_than_not(bundled: Encoder) -> None:
    vectors = bundled.encode(OBVIOUS).vectors
    classifier = zero_label(bundled, NAMES, DEFINITIONS, mean=vectors.mean(axis=0))
    answers = classifier.proba(classifier.features(vectors, None)).argmax(axis=1)
    # Chance gives one of seven.
    assert (answers == np.arange(7)).sum() >= 4


@pytest.mark.slow
def test_without_a_label_answers_are_cautious(bundled: Encoder) -> None:
    vectors = bundled.encode(OBVIOUS).vectors
    classifier = zero_label(bundled, NAMES, [""] * 7, mean=vectors.mean(axis=0))
    np.testing.assert_allclose(np.linalg.norm(classifier.weight, axis=1), ZERO_LABEL_SCALE, rtol=1e-4)
    proba = classifier.proba(classifier.features(vectors, None))
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    assert proba.max() < 0.95
    again = from_bytes(classifier.to_bytes())
    np.testing.assert_allclose(again.proba(again.features(vectors, None)), proba, atol=1e-6)
    assert again.text_space == ""


@pytest.mark.slow
def test_one_label_alone_has_all_the_probability(bundled: Encoder) -> None:
    vectors = bundled.encode(OBVIOUS[:2]).vectors
    classifier = zero_label(bundled, ["행복"], ["!?,."], mean=vectors.mean(axis=0))
    np.testing.assert_array_equal(classifier.proba(classifier.features(vectors, None)), [[1], [1]])


def test_shares_of_labels_are_learned_as_shares() -> None:
    features, labels = _examples([200, 200], spread=0.01)
    targets = np.where(one_hot(labels, 2) > 0, 0.7, 0.3).astype(np.float32)
    classifier = train(np.hstack([features] * 4), targets, mean=MEAN, text_space="", seed=0).classifier
    proba = classifier.proba(np.hstack([features] * 4))[np.arange(len(labels)), labels]
    assert proba.mean() == pytest.approx(0.7, abs=0.03)


def test_the_temperature_is_chosen_on_the_examples_that_are_named() -> None:
    features, labels = _examples([60, 60], spread=0.5)
    targets = one_hot(labels, 2)
    named = np.arange(120) < 40
    # Elsewhere the labels are turned round, so that there the classifier would have to doubt itself.
    targets[~named] = np.where(np.arange(80)[:, None] % 3 == 0, targets[~named][:, ::-1], targets[~named])
    all_of_them = train(features, targets, mean=MEAN, text_space="", seed=0)
    some = train(features, targets, mean=MEAN, text_space="", seed=0, calibrate_on=named)
    assert some.classifier.temperature < all_of_them.classifier.temperature
    np.testing.assert_array_equal(some.calibrated_on, named)
    too_few = train(features, targets, mean=MEAN, text_space="", seed=0, calibrate_on=np.arange(120) < 19)
    assert too_few.classifier.temperature == all_of_them.classifier.temperature
    assert too_few.calibrated_on.all()


def test_a_committee_is_kept_with_the_classifier() -> None:
    features, labels = _examples([30, 30])
    targets = one_hot(labels, 2)
    head = train(features, targets, mean=np.zeros(1, np.float32), text_space="", seed=0).classifier
    committee = bootstrap(features, targets, start=head, seed=1)
    assert len(committee) == COMMITTEE
    assert not np.allclose(committee[0][0], committee[1][0])
    kept = from_bytes(replace(head, committee=committee).to_bytes())
    for (weight, bias), (kept_weight, kept_bias) in zip(committee, kept.committee, strict=True):
        np.testing.assert_array_equal(weight, kept_weight)
        np.testing.assert_array_equal(bias, kept_bias)
