from __future__ import annotations

import numpy as np

from learner.classification.classifier import Classifier
from learner.classification.first_answers import with_emotions
from learner.encoders.emotion_head import EmotionHead

WIDTH = 4
SAMPLE = np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32)
HEAD = EmotionHead(np.eye(WIDTH, dtype=np.float32)[:3], np.array([0.4, 0.1, 0.1], np.float32))


def _plain(k: int) -> Classifier:
    weight = np.random.default_rng(1).normal(size=(k, WIDTH)).astype(np.float32)
    return Classifier(SAMPLE.mean(axis=0), weight, np.zeros(k, np.float32), 1.0, "")


def _shares(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_label_is_answered_where_its_emotion_is_strong() -> None:
    first = with_emotions(_plain(2), HEAD, _shares((0, 1, 0), (0, 0, 1)), SAMPLE)
    features = np.array([[0, 1, -1, 0], [0, -1, 1, 0]], np.float32)
    assert first.proba(features).argmax(axis=1).tolist() == [0, 1]


def test_labels_of_common_emotions_are_likelier_beforehand() -> None:
    first = with_emotions(_plain(2), HEAD, _shares((1, 0, 0), (0, 0.5, 0.5)), SAMPLE)
    np.testing.assert_allclose(first.bias, [np.log(4) / 2, -np.log(4) / 2], rtol=1e-5)


def test_a_label_without_emotions_keeps_its_wording_with_the_spread_of_the_others() -> None:
    plain = _plain(2)
    first = with_emotions(plain, HEAD, _shares((0, 1, 0), (0, 0, 0)), SAMPLE)
    features = first.features(SAMPLE, None)
    by_name = features @ plain.weight.T
    by_label = features @ first.weight.T
    assert np.corrcoef(by_label[:, 1], by_name[:, 1])[0, 1] > 0.9999
    assert np.corrcoef(by_label[:, 0], features[:, 1])[0, 1] > np.corrcoef(by_label[:, 0], by_name[:, 0])[0, 1]
    np.testing.assert_allclose(by_label[:, 1].std(), 1, atol=0.1)
    assert first.bias[1] == 0


def test_a_pool_of_diaries_that_are_alike_does_not_blow_scores_up() -> None:
    alike = np.repeat(SAMPLE[:1], 12, axis=0)
    first = with_emotions(_plain(2), HEAD, _shares((0, 1, 0), (0, 0, 1)), alike)
    spread = with_emotions(_plain(2), HEAD, _shares((0, 1, 0), (0, 0, 1)), SAMPLE)
    assert np.abs(first.weight).max() < 2 * np.abs(spread.weight).max()


def test_labels_that_the_emotions_know_nothing_of_leave_the_names_as_they_are() -> None:
    plain = _plain(2)
    assert with_emotions(plain, HEAD, _shares((0, 0, 0), (0, 0, 0)), SAMPLE) is plain
