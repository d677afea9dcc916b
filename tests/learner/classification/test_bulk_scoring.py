"""Scores of a whole pool out of its files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.classification.bulk_scoring import predict_arrays, predict_rows
from learner.classification.classifier import Classifier
from learner.classification.unlearned import Unlearned
from learner.encoders.vector_store import VectorFile
from learner.errors import LearnerError

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, TEXT_WIDTH, K = 48, 16, 5


def _classifier(*, text: bool = True, temperature: float = 0.7, parts: int = 1) -> Classifier:
    rng = np.random.default_rng(3)
    return Classifier(
        mean=rng.normal(1, 0.2, WIDTH).astype(np.float32).reshape(parts, -1),
        weight=rng.normal(0, 3, (K, WIDTH + TEXT_WIDTH * text)).astype(np.float32),
        bias=rng.normal(0, 1, K).astype(np.float32),
        temperature=temperature,
        text_space="space" if text else "",
    )


def _file(folder: Path, width: int, count: int, *, seed: int) -> VectorFile:
    """Write rows that lie near one another, as those of an encoder do."""
    file = VectorFile(folder, width=width)
    vectors = np.random.default_rng(seed).normal(1, 0.3, (count, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    file.write(range(1, count + 1), vectors, np.ones(count, np.int32))
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[VectorFile, VectorFile]:
    """Vectors and text features of 3,000 diaries: several blocks, the last one not full."""
    return _file(tmp_path / "a", WIDTH, 3000, seed=1), _file(tmp_path / "t", TEXT_WIDTH, 3000, seed=2)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_scores_are_those_of_the_classifier(files: tuple[VectorFile, VectorFile], parts: int) -> None:
    ids, classifier = np.arange(1, 3001), _classifier(parts=parts)
    expected = classifier.proba(classifier.features(files[0].read(ids), files[1].read(ids)))
    proba = predict_rows(classifier, *files, stop=3000)
    assert proba.dtype == np.float32
    np.testing.assert_allclose(proba, expected, atol=1e-5)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("parts", [1, 2])
def test_labels_without_examples_keep_their_share_in_a_pool(files: tuple[VectorFile, VectorFile], parts: int) -> None:
    rng = np.random.default_rng(4)
    first = rng.normal(0, 3, (K, WIDTH)).astype(np.float32), rng.normal(0, 1, K).astype(np.float32)
    kept = Unlearned(np.array([1, 4]), *first, np.array([0.2, 0.5], np.float32))
    classifier = replace(_classifier(parts=parts), unlearned=kept)
    ids = np.arange(1, 3001)
    vectors, texts = files[0].read(ids), files[1].read(ids)
    expected = classifier.proba(classifier.features(vectors, texts))
    assert 0 < expected[:, 1].mean() < expected[:, 4].mean() < 0.25
    np.testing.assert_allclose(predict_rows(classifier, *files, stop=3000), expected, atol=1e-5)
    np.testing.assert_allclose(predict_arrays(classifier, vectors, texts), expected, atol=1e-5)


def test_no_row_has_no_score() -> None:
    classifier = _classifier(parts=2)
    nothing = np.zeros((0, WIDTH), np.float32), np.zeros((0, TEXT_WIDTH), np.float32)
    assert classifier.features(*nothing).shape == (0, WIDTH + TEXT_WIDTH)
    assert predict_arrays(classifier, *nothing).shape == (0, K)


def test_a_vector_at_the_mean_is_scored_as_the_classifier_does(files: tuple[VectorFile, VectorFile]) -> None:
    classifier = _classifier()
    near = np.concatenate([classifier.mean, classifier.mean + 1e-4]).astype(np.float32)
    files[0].write([7, 8], near, np.ones(2, np.int32))
    expected = classifier.proba(classifier.features(near, files[1].read([7, 8])))
    np.testing.assert_allclose(predict_rows(classifier, *files, stop=10)[6:8], expected, atol=1e-5)


def test_a_classifier_without_text_features_reads_vectors_only(files: tuple[VectorFile, VectorFile]) -> None:
    classifier = _classifier(text=False)
    expected = classifier.proba(classifier.features(files[0].read(range(1, 3001)), None))
    np.testing.assert_allclose(predict_rows(classifier, files[0], None, stop=3000), expected, atol=1e-5)


def test_a_run_of_rows_is_that_part_of_the_whole(files: tuple[VectorFile, VectorFile]) -> None:
    whole = predict_rows(_classifier(), *files, stop=3000)
    np.testing.assert_allclose(predict_rows(_classifier(), *files, start=700, stop=2500), whole[700:2500], atol=1e-6)
    assert predict_rows(_classifier(), *files, start=5, stop=5).shape == (0, K)


def test_rows_that_one_file_lacks_have_no_score(tmp_path: Path) -> None:
    vectors = _file(tmp_path / "a", WIDTH, 2000, seed=1)
    text = VectorFile(tmp_path / "t", width=TEXT_WIDTH)
    text.write([3, 1500], np.ones((2, TEXT_WIDTH), np.float32), np.ones(2, np.int32))
    scored = ~np.isnan(predict_rows(_classifier(), vectors, text, stop=9000)).any(axis=1)
    assert (np.flatnonzero(scored) + 1).tolist() == [3, 1500]
    empty = VectorFile(tmp_path / "e", width=WIDTH)
    assert np.isnan(predict_rows(_classifier(), empty, text, stop=100)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_no_number_is_an_error_not_a_score(
    files: tuple[VectorFile, VectorFile], tmp_path: Path, value: float
) -> None:
    raw = np.memmap(tmp_path / "a" / "vectors.f32", np.float32, "r+").reshape(-1, WIDTH)
    raw[41, 3] = raw[2100, 0] = value
    with pytest.raises(LearnerError) as caught:
        predict_rows(_classifier(), *files, stop=3000)
    assert (caught.value.code, caught.value.details) == ("vectors_not_finite", {"count": 2})


def test_a_broken_row_that_counts_as_missing_harms_nobody(tmp_path: Path) -> None:
    vectors = VectorFile(tmp_path / "a", width=WIDTH)
    vectors.write([1, 3], np.ones((2, WIDTH), np.float32), np.ones(2, np.int32))
    np.memmap(tmp_path / "a" / "vectors.f32", np.float32, "r+").reshape(-1, WIDTH)[1] = np.nan
    proba = predict_rows(_classifier(text=False), vectors, None, stop=3)
    assert np.isnan(proba).any(axis=1).tolist() == [False, True, False]
