from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from learner.classification import ngram_features
from learner.classification.classifier import Classifier
from learner.classification.unlearned import Unlearned
from learner.encoders import encoder as encoders
from learner.encoders import onnx_int8
from learner.encoders.precision import digest_of
from learner.errors import EncoderError
from learner.publishing import example, onnx, tokenizer
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.classification.ngram_features import NgramFeatures
    from learner.encoders.encoder import Encoder

pytestmark = pytest.mark.slow

POOL = [f"{i}번째 날은 {mood} 하루였다. {mood} ㅋㅋ" for i in range(150) for mood in ("기쁜", "슬픈")]
TEXTS = ["기쁜 하루였다", "슬픈   하루\n\n ㅋㅋㅋㅋ", "ABC Éclair 😀", "Z", "기쁜 날 " * 60]
NAMES = ["기쁨", "슬픔", "중립"]


@pytest.fixture(scope="module", params=[None, 1], ids=["one layer", "two layers"])
def encoder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Encoder:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", "".join(POOL[:2]) + "0123456789")
    return encoders.load(str(folder), cache=folder, joined_layer=request.param)


@pytest.fixture(scope="module")
def space() -> NgramFeatures:
    return ngram_features.fit(POOL, seed=0)


def _head(encoder: Encoder, space: NgramFeatures | None) -> Classifier:
    draw = np.random.default_rng(0)
    width = encoder.width + (space.width if space else 0)
    mean = encoder.by_parts(encoder.encode(POOL[:20]).vectors.mean(axis=0))
    weight = draw.normal(scale=3, size=(3, width)).astype(np.float32)
    return Classifier(mean, weight, np.array([0.5, 0, -0.5], np.float32), 0.8, "space" if space else "")


def _write(encoder: Encoder, head: Classifier, space: NgramFeatures | None, folder: Path) -> None:
    folder.mkdir()
    onnx.write(encoder, head, space, folder / "model.onnx", about={"labels": NAMES})
    tokenizer.write(encoder, folder)


@pytest.mark.parametrize("with_grams", [True, False])
def test_the_graph_answers_as_the_classifier_does(
    encoder: Encoder, space: NgramFeatures, tmp_path: Path, with_grams: bool
) -> None:
    mine = space if with_grams else None
    head = _head(encoder, mine)
    _write(encoder, head, mine, tmp_path / "out")
    names, proba = example.predict(TEXTS, tmp_path / "out")
    features = head.features(encoder.encode(TEXTS).vectors, mine.transform(TEXTS) if mine else None)
    assert names == NAMES
    assert np.ptp(proba, axis=0).max() > 0.2, "the texts are told apart"
    np.testing.assert_allclose(proba, head.proba(features), atol=1e-5)


@pytest.mark.parametrize("with_grams", [True, False])
def test_labels_without_examples_have_the_same_share_in_the_graph(
    encoder: Encoder, space: NgramFeatures, tmp_path: Path, with_grams: bool
) -> None:
    mine = space if with_grams else None
    draw = np.random.default_rng(1)
    weight, bias = draw.normal(scale=3, size=(3, encoder.width)), draw.normal(size=3)
    kept = Unlearned(
        np.array([1]), weight.astype(np.float32), bias.astype(np.float32), scale=np.array([0.7], np.float32)
    )
    head = replace(_head(encoder, mine), unlearned=kept)
    _write(encoder, head, mine, tmp_path / "out")
    features = head.features(encoder.encode(TEXTS).vectors, mine.transform(TEXTS) if mine else None)
    expected = head.proba(features)
    assert np.abs(expected - replace(head, unlearned=None).proba(features)).max() > 0.01
    np.testing.assert_allclose(example.predict(TEXTS, tmp_path / "out")[1], expected, atol=1e-5)


def test_a_text_without_known_characters_is_answered_by_its_vector(
    encoder: Encoder, space: NgramFeatures, tmp_path: Path
) -> None:
    assert not space.transform(["Z"]).any()
    head = _head(encoder, space)
    _write(encoder, head, space, tmp_path / "out")
    proba = example.predict(["Z"], tmp_path / "out")[1]
    features = head.features(encoder.encode(["Z"]).vectors, space.transform(["Z"]))
    np.testing.assert_allclose(proba, head.proba(features), atol=1e-5)


def test_an_encoder_without_its_common_direction_is_traced_without_it(encoder: Encoder, tmp_path: Path) -> None:
    common = encoder.encode(POOL[:20]).vectors.mean(axis=0)
    common /= np.linalg.norm(common)
    tuned = encoders.Encoder("", encoder.model, encoder.tokenizer, prefix="", digest="", common=common)
    np.testing.assert_allclose(tuned.encode(TEXTS).vectors @ common, 0, atol=1e-5)
    head = _head(encoder, None)
    _write(tuned, head, None, tmp_path / "out")
    expected = head.proba(head.features(tuned.encode(TEXTS).vectors, None))
    np.testing.assert_allclose(example.predict(TEXTS, tmp_path / "out")[1], expected, atol=1e-5)


def test_the_same_version_gives_the_same_bytes_and_no_path_of_the_machine(
    encoder: Encoder, space: NgramFeatures, tmp_path: Path
) -> None:
    head = _head(encoder, space)
    for name in ("first", "second"):
        _write(encoder, head, space, tmp_path / name)
    first, second = ((tmp_path / name / "model.onnx").read_bytes() for name in ("first", "second"))
    assert first == second
    assert b".py" not in first


def test_an_int8_version_keeps_its_int8_encoder(encoder: Encoder, tmp_path: Path) -> None:
    onnx_int8.export(encoder, tmp_path / "int8")
    small = onnx_int8.load(tmp_path / "int8", "tiny-int8", digest=digest_of(encoder.hash, "int8"))
    head = _head(encoder, None)
    _write(small, head, None, tmp_path / "out")
    # Alone, since what int8 answers depends on the texts beside.
    proba = np.concatenate([example.predict([text], tmp_path / "out")[1] for text in TEXTS])
    vectors = np.concatenate([small.encode([text]).vectors for text in TEXTS])
    np.testing.assert_allclose(proba, head.proba(head.features(vectors, None)), atol=1e-4)


def test_an_encoder_that_cannot_be_traced_is_refused_with_its_name(encoder: Encoder, tmp_path: Path) -> None:
    broken = encoders.Encoder("broken", encoder.model, encoder.tokenizer, prefix="", digest="")
    broken.model = None
    with pytest.raises(EncoderError) as raised:
        onnx.write(broken, _head(encoder, None), None, tmp_path / "model.onnx", about={})
    assert (raised.value.code, raised.value.details["name"]) == ("model_unexportable", "broken")
