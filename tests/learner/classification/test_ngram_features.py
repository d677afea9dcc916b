from __future__ import annotations

import csv

import numpy as np
import pytest

from learner.classification.ngram_features import FEWEST_TEXTS, WIDTH, NgramFeatures, fit, from_bytes
from tests.conftest import ROOT

DIARIES = ROOT / "annotator" / "demo" / "diaries.csv"


@pytest.fixture(scope="module")
def texts() -> list[str]:
    with DIARIES.open(encoding="utf-8-sig", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)][: FEWEST_TEXTS + 40]


@pytest.fixture(scope="module")
def space(texts: list[str]) -> NgramFeatures:
    return fit(texts[:FEWEST_TEXTS], seed=1)


def test_features_have_length_one(space: NgramFeatures, texts: list[str]) -> None:
    features = space.transform(texts)
    assert features.shape == (len(texts), space.width)
    assert features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_there_are_at_most_half_as_many_dimensions_as_texts(space: NgramFeatures) -> None:
    assert space.width == min(WIDTH, FEWEST_TEXTS // 2)


def test_features_are_centred_on_the_texts_of_the_fit(space: NgramFeatures, texts: list[str]) -> None:
    # Before each is scaled they sum to nothing, so what is left of their mean is small.
    assert np.linalg.norm(space.transform(texts[:FEWEST_TEXTS]).mean(axis=0)) < 0.1


@pytest.mark.parametrize("text", ["", "\ue000\ue001", "漢字"])
def test_a_text_without_known_grams_has_zeros(space: NgramFeatures, text: str) -> None:
    features = space.transform([text, "오늘은 좋았다"])
    assert not features[0].any()
    assert np.linalg.norm(features[1]) == pytest.approx(1, abs=1e-5)


def test_no_text_has_no_features(space: NgramFeatures) -> None:
    assert space.transform([]).shape == (0, space.width)


def test_what_was_kept_gives_the_same_features(space: NgramFeatures, texts: list[str]) -> None:
    again = from_bytes(space.to_bytes())
    assert again.width == space.width
    np.testing.assert_allclose(again.transform([*texts, ""]), space.transform([*texts, ""]), atol=1e-6)
    assert again.to_bytes() == space.to_bytes()


def test_the_same_seed_gives_the_same_bytes(space: NgramFeatures, texts: list[str]) -> None:
    assert fit(texts[:FEWEST_TEXTS], seed=1).to_bytes() == space.to_bytes()


def test_a_text_has_the_same_features_in_any_company(space: NgramFeatures, texts: list[str]) -> None:
    alone = np.vstack([space.transform([text]) for text in texts[:5]])
    np.testing.assert_allclose(space.transform(texts)[:5], alone, atol=1e-6)


def test_spelling_brings_texts_together(space: NgramFeatures) -> None:
    laugh, laugh_more, cry = space.transform(["진짜 웃기다 ㅋㅋㅋㅋ", "완전 웃겨 ㅋㅋㅋㅋㅋ", "너무 슬프다 ㅠㅠㅠㅠ"])
    assert laugh @ laugh_more > laugh @ cry
