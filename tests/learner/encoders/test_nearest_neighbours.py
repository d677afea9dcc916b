from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.encoders.nearest_neighbours import similarities
from learner.encoders.vector_store import VectorFile

if TYPE_CHECKING:
    from pathlib import Path


def test_similarity_is_the_cosine_whatever_the_lengths(tmp_path: Path) -> None:
    vectors = np.array([[3, 0], [0, 0.1], [1, 1]], np.float32)
    VectorFile(tmp_path, width=2).write([1, 2, 4], vectors, np.ones(3, np.int32))
    cosines = similarities(tmp_path, 1)
    assert cosines[[0, 1, 3]] == pytest.approx([1, 0, np.sqrt(0.5)], abs=1e-6)
    assert cosines[2] == -1, "it has no vector"


def test_more_rows_than_a_block_are_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(0, 1, (5000, 8)).astype(np.float32)
    VectorFile(tmp_path, width=8).write(list(range(1, 5001)), vectors, np.ones(5000, np.int32))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert similarities(tmp_path, 17)[:5000] == pytest.approx(unit @ unit[16], abs=1e-5)


def test_without_vectors_nothing_is_similar_and_no_folder_is_made(tmp_path: Path) -> None:
    assert len(similarities(tmp_path / "none", 1)) == 0
    assert not (tmp_path / "none").exists()
    VectorFile(tmp_path, width=2)
    assert len(similarities(tmp_path, 1)) == 0
