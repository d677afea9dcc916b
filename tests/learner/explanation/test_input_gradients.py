from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from learner.classification.classifier import join_features
from learner.encoders import encoder as encoders
from learner.explanation import input_gradients
from learner.explanation.perturbations import sample_masks
from learner.explanation.ridge import linear_map
from learner.text import units
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from learner.encoders.encoder import Encoder

TEXT = "오늘은 눈물이 나서 혼자 집에 있었다"
LONG = (
    "아침에 버스를 놓쳐서 회사에 늦었다 점심에는 혼자 밥을 먹었는데 괜히 눈물이 났다 "
    "집에 와서 동생이 웃긴 이야기를 해 줘서 조금 나아졌다"
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny"), TEXT)
    return encoders.load(str(folder), cache=folder)


def words(text: str) -> list[tuple[tuple[int, int], ...]]:
    return [(span,) for span in units.eojeol(text)]


@pytest.mark.parametrize("parts", [1, 2])
def test_gradients_are_what_a_small_turn_of_a_gate_changes(encoder: Encoder, parts: int) -> None:
    rng = np.random.default_rng(0)
    directions, mean = (rng.normal(size=shape).astype(np.float32) for shape in ((3, encoder.width), (encoder.width,)))
    mean = 0.01 * mean.reshape(parts, -1)
    gradients = input_gradients.gradients(encoder, TEXT, words(TEXT), directions, mean=mean)
    assert gradients is not None
    ids, group_of = input_gradients._tokens(encoder, TEXT, words(TEXT))

    def scores(turned: int, by: float) -> np.ndarray:
        opened = torch.full((6,), input_gradients.GATE_OPENING)
        opened[turned] += by
        with torch.no_grad():
            vector = input_gradients._gated(encoder, ids, group_of, opened).numpy()
        return directions @ join_features(vector[None], None, mean=mean)[0]

    expected = [(scores(i, 0.01) - scores(i, -0.01)) / 0.02 for i in range(6)]
    np.testing.assert_allclose(gradients, expected, atol=0.02 * np.abs(expected).max())


def test_what_the_encoder_cuts_off_moves_nothing(encoder: Encoder) -> None:
    text = " ".join([TEXT] * 5)
    gradients = input_gradients.gradients(
        encoder, text, words(text), np.ones((1, encoder.width), np.float32), mean=np.zeros(32)
    )
    assert gradients is not None
    assert (gradients[:15] != 0).all()
    assert (gradients[-5:] == 0).all()


@pytest.mark.parametrize("text", ["", " ", "ㅋㅋㅋㅋ", "👩\u200d👧 \x00"])
def test_any_text_has_gradients(encoder: Encoder, text: str) -> None:
    groups = words(text)
    gradients = input_gradients.gradients(
        encoder, text, groups, np.ones((2, encoder.width), np.float32), mean=np.zeros(32)
    )
    assert gradients is not None
    assert gradients.shape == (len(groups), 2)
    assert np.isfinite(gradients).all()


class _Elsewhere(encoders.Encoder):
    """An encoder that does not run in torch."""


def test_an_encoder_that_runs_elsewhere_has_none(encoder: Encoder) -> None:
    other = _Elsewhere("x", encoder.model, encoder.tokenizer, prefix="", digest="x")
    assert input_gradients.has_gates(encoder)
    assert not input_gradients.has_gates(other)
    assert input_gradients.gradients(other, TEXT, words(TEXT), np.ones((1, 32), np.float32), mean=np.zeros(32)) is None


@pytest.mark.slow
def test_one_pass_tells_nearly_what_many_perturbed_texts_tell(bundled: Encoder) -> None:
    spans = units.eojeol(LONG)
    happy, sad = bundled.encode(["정말 행복하고 즐거웠다", "너무 슬프고 우울했다"]).vectors
    direction, mean = (sad - happy)[None], (sad + happy) / 2
    chosen = sample_masks(len(spans), budget=400, rng=np.random.default_rng(0))
    vectors = bundled.encode([units.without(LONG, spans, row) for row in chosen.keep.tolist()]).vectors - mean
    scores = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ direction[0]
    expected = linear_map(chosen.keep.astype(float), chosen.weights) @ scores
    gradients = input_gradients.gradients(bundled, LONG, words(LONG), direction, mean=mean)
    assert gradients is not None
    assert np.corrcoef(gradients[:, 0], expected)[0, 1] > 0.7
