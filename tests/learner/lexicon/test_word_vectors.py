from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.errors import LearnerError
from learner.lexicon import word_vectors
from learner.lexicon.word_vectors import WordVectors
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SAD, HAPPY = 5, 2


def _words(**vectors: tuple[float, float]) -> WordVectors:
    return WordVectors(tuple(vectors), np.array(list(vectors.values()), np.float32))


def test_related_words_come_with_their_nearest_and_its_label() -> None:
    words = _words(슬프다=(1, 0), 울다=(0.8, 0.6), 기쁘다=(0, 1), 웃다=(0.28, 0.96), 책상=(-1, 0))
    relations = word_vectors.related(words, {"슬프다": SAD, "기쁘다": HAPPY}, leave_out=(), limit=5)
    assert [(r.form, r.label, r.nearest) for r in relations] == [("웃다", HAPPY, "기쁘다"), ("울다", SAD, "슬프다")]
    assert relations[0].similarity == pytest.approx(0.96)


def test_a_negation_is_not_related_to_what_it_negates() -> None:
    words = WordVectors(("웃다", "안 웃다", "안 좋다"), np.array([[1, 0], [1, 0], [0.9, 0.1]], np.float32))
    assert word_vectors.related(words, {"웃다": HAPPY}, leave_out=(), limit=5) == []
    relations = word_vectors.related(words, {"안 좋다": SAD}, leave_out=(), limit=5)
    assert [(r.form, r.label) for r in relations] == [("안 웃다", SAD)]


def test_words_that_are_decided_and_those_without_a_vector_are_passed_over() -> None:
    words = _words(슬프다=(1, 0), 울다=(0.8, 0.6))
    assert word_vectors.related(words, {"슬프다": SAD}, leave_out={"울다"}, limit=5) == []
    assert word_vectors.related(words, {"없다": SAD}, leave_out=(), limit=5) == []
    assert word_vectors.related(_words(슬프다=(1, 0)), {"슬프다": SAD}, leave_out=(), limit=5) == []


def test_the_encoders_vectors_are_centred() -> None:
    words = word_vectors.of_encoder(["가", "나"], np.array([[1.0, 10.0], [-1.0, 10.0]], np.float32))
    assert words.vectors == pytest.approx(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert word_vectors.of_encoder([], np.zeros((0, 1), np.float32)).forms == ()


def test_only_words_that_occur_three_times_are_in_the_vocabulary() -> None:
    assert word_vectors.vocabulary([["나", "가"], ["나", "가"], ["가", "나", "다"]]) == ("가", "나")


def test_vectors_are_kept_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "own.npz"
    assert word_vectors.load(file) is None
    word_vectors.store(file, _words(슬프다=(1, 0)), {"diaries": 3})
    loaded = word_vectors.load(file)
    assert loaded is not None
    assert (loaded[0].forms, loaded[0].vectors.tolist(), loaded[1]) == (("슬프다",), [[1, 0]], {"diaries": 3})
    file.write_bytes(file.read_bytes()[:40])
    assert word_vectors.load(file) is None


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("in the way")
    with pytest.raises(LearnerError, match="vectors_unwritable"):
        word_vectors.store(tmp_path / "words" / "own.npz", _words(가=(1, 0)), {})


_TRAIN = """
import hashlib
from learner.lexicon import word_vectors
sentences = [["슬프다", "눈물", "울다"], ["기쁘다", "웃다", "좋다"]] * 40
training = word_vectors.train(sentences, seed=7)
shares = []
while True:
    try:
        shares.append(next(training))
    except StopIteration as ended:
        words = ended.value
        break
assert shares == sorted(shares) and shares[-1] == 1
print(words.forms, hashlib.sha256(words.vectors.tobytes()).hexdigest())
"""


def test_training_gives_the_same_vectors_in_every_process() -> None:
    def run(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", _TRAIN], cwd=ROOT, capture_output=True, text=True, check=True,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed, "PATH": "/usr/bin:/bin"},
        ).stdout  # fmt: skip

    assert run("1") == run("2")


def test_too_few_words_are_said() -> None:
    with pytest.raises(LearnerError, match="words_too_few"):
        next(word_vectors.train([["가", "나"]], seed=0))
