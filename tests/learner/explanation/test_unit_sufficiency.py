from __future__ import annotations

import numpy as np
import pytest

from learner.explanation import unit_sufficiency
from learner.explanation.feature_cache import FeatureCache
from learner.explanation.local_surrogate import fit_chunks
from learner.explanation.perturbations import FEW, Neighbourhood
from learner.text import units

LONG = "어제 산 우산을 오늘 버스에 두고 내려서 하루 종일 몹시 슬픔 속에 앉아 비가 그치기를 기다렸다"


def words(text: str) -> list[tuple[tuple[int, int], ...]]:
    return [(span,) for span in units.eojeol(text)]


def test_each_word_is_asked_about_and_a_negation_as_a_whole() -> None:
    text = "밥을 안 먹었다 그래도 울지 않았다"
    phrases = unit_sufficiency.find_phrases(text, words(text))
    assert list(phrases.values()) == [(0,), (1, 2), (3,), (4, 5)]
    assert unit_sufficiency.texts(text, phrases) == ["밥을", "안 먹었다", "그래도", "울지 않았다", ""]


def test_a_word_is_the_mean_of_what_it_adds_and_what_it_says() -> None:
    text = "밥을 안 먹었다 그래도"
    matrix = np.array([[1.0], [2.0], [3.0], [4.0]])
    joined = unit_sufficiency.join(
        matrix, unit_sufficiency.find_phrases(text, words(text)), np.array([[10.0], [8.0], [0.5], [0.5]])
    )
    weighed = 4 * matrix[:, 0] + unit_sufficiency.WEIGHT * np.array([9.5, 7.5 / 2, 7.5 / 2, 0])
    np.testing.assert_allclose(joined[:, 0], weighed / (4 + unit_sufficiency.WEIGHT))


def test_words_far_apart_are_not_read_as_one_text() -> None:
    text = "밥을 먹고 잤다 또"
    a, b, c, d = (span for (span,) in words(text))
    groups = [(a, d), (b,), (c,)]
    phrases = unit_sufficiency.find_phrases(text, groups)
    assert unit_sufficiency.texts(text, phrases) == ["먹고", "잤다", ""]
    joined = unit_sufficiency.join(np.ones((3, 1)), phrases, np.zeros((3, 1)))
    assert joined[0, 0] == 1 > joined[1, 0]


def test_of_two_words_that_add_as_much_the_one_that_says_it_alone_weighs_more() -> None:
    def said(texts: list[str]) -> np.ndarray:
        return np.array([[("슬픔" in text) + (text.startswith("어제") and " " in text)] for text in texts], np.float32)

    groups = words(LONG)
    assert len(groups) > FEW
    model = fit_chunks(Neighbourhood(LONG, tuple(groups), FeatureCache(said), seed=1), chunks=8)
    weight = dict(zip(LONG.split(), model.matrix[:, 0], strict=True))
    assert weight["슬픔"] > weight["어제"] > 0.5
    assert weight["슬픔"] == pytest.approx(1, abs=0.1)
