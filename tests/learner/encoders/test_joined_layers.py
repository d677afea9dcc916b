from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from learner.encoders import bf16, emotion_adapter, emotion_editions, onnx_int8
from learner.encoders import encoder as encoders
from learner.encoders.precision import digest_of
from learner.explanation import input_gradients
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.encoders.encoder import Encoder

TEXTS = ["오늘은 눈물이 나서 혼자 집에 있었다", "집에 있었다", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"), TEXTS[0], layers=3)


@pytest.fixture(scope="module")
def joined(folder: Path) -> Encoder:
    return encoders.load(str(folder), cache=folder, joined_layer=1)


def test_a_vector_holds_the_mean_states_of_the_last_layer_and_of_the_joined_one(folder: Path, joined: Encoder) -> None:
    plain = encoders.load(str(folder), cache=folder)
    ids = plain.tokenizer(plain.prefix + TEXTS[0], return_tensors="pt")
    with torch.inference_mode():
        states = plain.model(**ids, output_hidden_states=True).hidden_states
    expected = torch.cat([states[3], states[1]], dim=-1)[0].mean(dim=0).numpy()
    assert joined.width == 2 * plain.width == len(expected)
    np.testing.assert_allclose(joined.encode(TEXTS).vectors[0], expected / np.linalg.norm(expected), atol=1e-5)


def test_a_checkpoint_that_names_parts_has_one(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "odd")
    config = json.loads((tmp_path / "odd" / "config.json").read_text())
    (tmp_path / "odd" / "config.json").write_text(json.dumps({**config, "parts": 5}))
    encoder = encoders.load(str(tmp_path / "odd"), cache=tmp_path)
    assert encoder.by_parts(encoder.encode(TEXTS).vectors).shape == (3, 1, encoder.width)


def test_vectors_of_other_layers_have_other_identities(folder: Path, joined: Encoder) -> None:
    others = {encoders.load(str(folder), cache=folder, joined_layer=layer).hash for layer in (None, 2)}
    assert len(others | {joined.hash}) == 3


def test_a_text_has_the_same_vector_alone_and_beside_longer_ones(joined: Encoder) -> None:
    alone = np.concatenate([joined.encode([text]).vectors for text in TEXTS])
    np.testing.assert_allclose(joined.encode(TEXTS).vectors, alone, atol=1e-5)


def test_its_faster_forms_give_nearly_the_same_vectors(joined: Encoder, tmp_path: Path) -> None:
    onnx_int8.export(joined, tmp_path / "int8")
    forms = [
        bf16.in_bf16(joined, "joined-bf16"),
        onnx_int8.load(tmp_path / "int8", "joined-int8", digest=digest_of(joined.hash, "int8")),
    ]
    exact = joined.encode(TEXTS).vectors
    for form in forms:
        assert form.width == joined.width
        assert (form.encode(TEXTS).vectors * exact).sum(axis=1).min() > 0.98


def test_explanations_find_its_gradients(joined: Encoder) -> None:
    assert input_gradients.has_gates(joined)


def test_what_an_edition_saw_is_known_and_no_edition_saw_nothing() -> None:
    first, second = (set(emotion_adapter.tuned_on([name]).tolist()) for name in emotion_editions.FOLDERS)
    assert first < second, "the second one goes on from the first"
    assert not len(emotion_adapter.tuned_on([]))


@pytest.mark.slow
@pytest.mark.parametrize(("edition", "width"), [(emotion_editions.FIRST, 384), (emotion_editions.SECOND, 768)])
def test_an_edition_has_its_own_vectors_and_a_tuned_encoder_on_top_has_ordinary_ones(edition: str, width: int) -> None:
    cache = encoders.default_cache()
    encoder = encoders.load(edition, cache=cache)
    other = next(name for name in emotion_editions.FOLDERS if name != edition)
    assert encoder.width == encoder.encode(["기쁘다"]).vectors.shape[1] == width
    assert encoder.hash != encoders.load(other, cache=cache).hash
    adapter = (emotion_editions.FOLDERS[emotion_editions.FIRST] / "adapter.safetensors").read_bytes()
    assert encoders.load(edition, cache=cache, adapter=adapter, called="adapter-1").width == 384
