"""Upper layers learn emotions of comments and graded ratings of reviews."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch

from learner.encoders import emotion_adapter, encoder, graded_tuning, rated_reviews
from learner.encoders.graded_tuning import GradedSettings, GradedTexts
from learner.encoders.text_hashes import hashes_of
from learner.encoders.upper_layers import UpperLayers
from learner.errors import LearnerError
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {1: "나쁘다", 5: "그저", 10: "좋다"}


def test_a_near_rating_is_nearly_right() -> None:
    classes = graded_tuning.grade(torch.tensor([1, 7]), spread=1.0)
    assert torch.allclose(classes.sum(1), torch.ones(2))
    assert classes.argmax(1).tolist() == [0, 6]
    assert classes[1, 5] == pytest.approx(float(classes[1, 7]))
    assert classes[1, 7] > classes[1, 8] > classes[1, 0]
    assert graded_tuning.grade(torch.tensor([7]), spread=0.3)[0, 6] > classes[1, 6], "a narrow bell is surer"


@pytest.mark.slow
def test_texts_of_a_rating_and_of_an_emotion_come_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = write_tiny_encoder(tmp_path / "tiny", "나쁘다그저좋슬픔기쁨가마바사아자")
    checkpoint = encoder.load_checkpoint(str(folder), cache=tmp_path)
    feels = np.arange(40) % 2
    comments = [f"{_filler(rng)} {('슬픔', '기쁨')[each]}" for each in feels]
    ratings = np.array([1, 5, 10] * 20)
    reviews = [f"{WORDS[each]} {_filler(rng)}" for each in ratings]
    layers = UpperLayers(checkpoint.model, count=1, dropout=0.0)
    ids = checkpoint.tokenizer([*comments, *reviews])["input_ids"]
    below = layers.read_below(ids, padding=checkpoint.tokenizer.pad_token_id)
    texts = GradedTexts(below, np.eye(2, dtype=np.float32)[feels], ratings)
    told: list[float] = []

    def apart() -> tuple[float, float]:
        with torch.inference_mode():
            vectors = layers.eval()(below, np.arange(len(ids))).numpy()
        return _separation(vectors[:40], feels), _separation(vectors[40:], ratings)

    before = apart()
    settings = GradedSettings(layers=1, steps=60, comments=8, reviews=12, learning_rate=3e-3, averaging=0.5)
    tuned = graded_tuning.tune(layers, texts, settings, seed=0, on_progress=told.append)
    with torch.no_grad():
        for name, parameter in layers.matrices().items():
            parameter.copy_(tuned[name])
    after = apart()
    assert after[0] > before[0] + 0.1, "by emotion"
    assert after[1] > before[1] + 0.1, "by rating"
    assert told == sorted(told)
    assert told[-1] == 1.0


def _filler(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("가마바사아자"), 4))


def _separation(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Return by how much texts of a label are nearer to each other than to the rest, as a cosine around their mean."""
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    same = labels[:, None] == labels[None]
    cosines = centred @ centred.T
    others = ~np.eye(len(labels), dtype=bool)
    return float(cosines[same & others].mean() - cosines[~same].mean())


def _reviews(path: Path, count: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ratings = rng.choice([1, 5, 10], count, p=[0.1, 0.1, 0.8])
    frame = pd.DataFrame({"document": [f"영화 감상 {i}번째" for i in range(count)], "rating": ratings})
    frame.to_parquet(path)
    return frame


def test_reviews_are_drawn_by_rating_put_together_and_half_of_all_stay_unseen(tmp_path: Path) -> None:
    frame = _reviews(tmp_path / "r.parquet")
    read = rated_reviews.read(tmp_path / "r.parquet", count=600, seed=0)
    unseen = frame["document"][hashes_of(frame["document"]) % 1000 < 500]
    assert not set(hashes_of(unseen)) & set(read.hashes.tolist())
    assert len(set(read.hashes.tolist())) == 600
    rating_of = dict(zip(frame["document"], frame["rating"], strict=True))
    pieces = [[f"영화 {part.strip()}" for part in text.split("영화 ")[1:]] for text in read.texts]
    assert sum(map(len, pieces)) == 600, "each review is in one text"
    assert all(
        {rating_of[each] for each in some} == {rating} for some, rating in zip(pieces, read.ratings, strict=True)
    )
    together = sum(len(some) for some in pieces if len(some) > 1)
    assert 0.3 < together / 600 < 0.5
    assert max(map(len, pieces)) <= 5
    drawn = [rating_of[each] for some in pieces for each in some]
    assert drawn.count(1) / 600 > 0.15, "rare ratings are drawn more often than they are"
    again = rated_reviews.read(tmp_path / "r.parquet", count=600, seed=0)
    assert again.texts == read.texts


@pytest.mark.parametrize(
    "rows",
    [
        {"document": ["짧다"], "rating": [3]},
        {"document": ["별점이 열 개를 넘는 영화 감상"] * 2, "rating": [0, 11]},
        {"document": ["별점이 글자인 영화 감상"], "rating": ["좋음"]},
        {"text": ["칸 이름이 다른 영화 감상"], "rating": [3]},
        None,
    ],
)
def test_a_file_without_reviews_is_refused(tmp_path: Path, rows: dict[str, list[object]] | None) -> None:
    path = tmp_path / "r.parquet"
    if rows is None:
        path.write_text("document,rating\n")
    else:
        pd.DataFrame(rows).to_parquet(path)
    with pytest.raises(LearnerError) as caught:
        rated_reviews.read(path, count=10, seed=0)
    assert caught.value.code == "corpus_empty"


@pytest.mark.parametrize("content", [b"a\tb\n1\t2\n", b"text\tkote_labels\n", b"\xff\xfe\x00", b""])
def test_a_file_without_comments_is_refused_before_anything_is_tuned(tmp_path: Path, content: bytes) -> None:
    _reviews(tmp_path / "r.parquet", 200)
    (tmp_path / "k.tsv").write_bytes(content)
    with pytest.raises(LearnerError) as caught:
        emotion_adapter.run(
            tmp_path / "k.tsv",
            tmp_path / "r.parquet",
            tmp_path / "out",
            work=tmp_path / "work",
            cache=tmp_path,
            kote_share=0.5,
            review_count=30,
            rated_count=10,
            on_progress=lambda share: pytest.fail("it has begun"),
        )
    assert caught.value.code == "corpus_empty"


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_tuning_and_few_texts_do_not(tmp_path: Path) -> None:
    checkpoint = encoder.load_checkpoint(str(write_tiny_encoder(tmp_path / "tiny", "가나다")), cache=tmp_path)
    layers = UpperLayers(checkpoint.model, count=1, dropout=0.0)
    below = layers.read_below(checkpoint.tokenizer(["가", "나다"])["input_ids"], padding=1)
    texts = GradedTexts(below, np.ones((1, 2), np.float32), np.array([3]))
    tuned = graded_tuning.tune(layers, texts, GradedSettings(layers=1, steps=3), seed=0)
    assert all(bool(torch.isfinite(each).all()) for each in tuned.values()), "one text of each kind"
    broken = replace(texts, below=replace(below, states=torch.full_like(below.states, torch.nan)))
    with pytest.raises(LearnerError) as caught:
        graded_tuning.tune(layers, broken, GradedSettings(layers=1, steps=3), seed=0)
    assert caught.value.code == "tuning_diverged"
