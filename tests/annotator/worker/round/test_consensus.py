from __future__ import annotations

import numpy as np

from annotator.training.examples import examples_of, votes_of
from annotator.worker.round import consensus
from annotator.worker.round.gathering import Gathered
from db.answers.training_data import LabelledDiaries

LABELS = (4, 7)


def _gathered(diary_ids: np.ndarray, columns: np.ndarray, people: np.ndarray) -> Gathered:
    label_ids = np.array(LABELS)[columns]
    labelled = LabelledDiaries(np.arange(1, len(diary_ids) + 1), diary_ids, label_ids, people, np.zeros_like(people))
    training = examples_of(labelled, LABELS)
    return Gathered(labelled, training, training, np.zeros(0, np.int64), is_patterned=False)


def _features(truth: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 0.2, (len(truth), 2))
    return (np.eye(2)[truth] + noise).astype(np.float32)


def _settle(gathered: Gathered, features: np.ndarray, untouched: np.ndarray | None = None) -> np.ndarray:
    groups = np.arange(len(features))
    return consensus.settle(gathered, LABELS, features, untouched=untouched, groups=groups, seed=0).targets


def _one_always_says_the_first() -> tuple[Gathered, np.ndarray]:
    truth = np.random.default_rng(0).integers(0, 2, 120)
    people = np.arange(120) % 3
    return _gathered(np.arange(1, 121), np.where(people == 2, 0, truth), people), truth


def test_who_says_the_same_of_every_diary_is_believed_less_although_nobody_shares_one() -> None:
    gathered, truth = _one_always_says_the_first()
    targets = _settle(gathered, _features(truth))
    wrong = (np.arange(120) % 3 == 2) & (truth == 1)
    assert targets[wrong, 0].mean() < 0.4 < gathered.training.targets[wrong, 0].mean()
    assert gathered.training.columns[wrong].tolist() == [0] * wrong.sum(), "what is served is what somebody said"


def test_diaries_that_the_encoder_was_tuned_on_get_nothing_from_the_model() -> None:
    gathered, truth = _one_always_says_the_first()
    wrong = (np.arange(120) % 3 == 2) & (truth == 1)
    asked, left = (_settle(gathered, _features(truth), untouched) for untouched in (None, ~wrong))
    assert left[wrong, 0].min() > asked[wrong, 0].max()


def test_one_person_alone_is_believed_whatever_the_model_says() -> None:
    truth = np.arange(40) % 2
    gathered = _gathered(np.arange(1, 41), truth, np.zeros(40, np.int64))
    np.testing.assert_array_equal(_settle(gathered, _features(1 - truth)), np.eye(2)[truth])


def test_with_few_labels_the_model_is_not_asked() -> None:
    gathered = _gathered(np.array([1, 1, 2]), np.array([0, 1, 1]), np.array([0, 1, 0]))
    np.testing.assert_array_equal(_settle(gathered, np.zeros((2, 2), np.float32)), gathered.training.targets)


def test_a_test_diary_has_what_people_said_each_counting_the_same() -> None:
    labelled = LabelledDiaries(
        np.arange(1, 5), np.array([1, 1, 1, 2]), np.array([4, 7, 7, 4]), np.array([0, 1, 2, 0]), np.zeros(4, np.int64)
    )
    votes = votes_of(labelled, LABELS)
    np.testing.assert_allclose(votes.targets, [[1 / 3, 2 / 3], [1, 0]], rtol=1e-6)
    assert votes.columns.tolist() == [1, 0]
    assert votes.decision_ids.tolist() == [3, 4]
