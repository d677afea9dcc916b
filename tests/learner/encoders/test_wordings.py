"""What labels and emotions are called is encoded once, and for each encoder by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.encoders import wordings
from learner.encoders.encoder import default_cache, load
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.encoders.encoder import Encoder

pytestmark = pytest.mark.slow

WORDINGS = [["기쁨"], ["슬픔", "서러움"]]


@pytest.fixture(params=[1, 2])
def encoder(tmp_path: Path, request: pytest.FixtureRequest) -> Encoder:
    folder = write_tiny_encoder(tmp_path / "tiny", "기쁨슬픔서러움화남", layers=request.param)
    return load(str(folder), cache=default_cache())


def test_a_wording_is_the_mean_of_its_texts_whatever_stands_beside_it(encoder: Encoder) -> None:
    means = wordings.mean_vectors(encoder, [*WORDINGS, ["화남"]])
    np.testing.assert_array_equal(means[1], encoder.encode(["슬픔", "서러움"]).vectors.mean(axis=0))
    np.testing.assert_array_equal(means[:2], wordings.mean_vectors(encoder, WORDINGS))


def test_it_is_encoded_once_and_anew_by_another_encoder(encoder: Encoder, tmp_path: Path) -> None:
    calls: list[list[str]] = []
    encode = encoder.encode
    encoder.encode = lambda texts: calls.append(list(texts)) or encode(texts)  # type: ignore[func-returns-value,method-assign]
    first = wordings.mean_vectors(encoder, WORDINGS)
    again = wordings.mean_vectors(encoder, WORDINGS[::-1])
    assert calls == WORDINGS
    np.testing.assert_array_equal(first, again[::-1])
    other = load(str(write_tiny_encoder(tmp_path / "other", "기쁨슬픔서러움화남", layers=3)), cache=default_cache())
    assert not np.array_equal(wordings.mean_vectors(other, WORDINGS), first)
    np.testing.assert_array_equal(wordings.mean_vectors(other, WORDINGS[:1])[0], other.encode(["기쁨"]).vectors[0])


def test_no_more_than_some_hundred_are_kept(encoder: Encoder) -> None:
    many = [["기" * (1 + i % 30), str(i)] for i in range(wordings._MOST_KEPT + 2)]
    wordings.mean_vectors(encoder, many)
    wordings.mean_vectors(encoder, WORDINGS)
    assert len(wordings._known[encoder]) == len(WORDINGS)
