"""Upper layers that are trained whole answer as the encoder does, and what they learn is an adapter."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from learner.encoders import adapters, encoder
from learner.encoders.upper_layers import UpperLayers
from learner.errors import EncoderError
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from learner.encoders.encoder import Checkpoint

pytestmark = pytest.mark.slow

TEXTS = ["하루", "하루하루 나무", "나무", "비가 오는 하루", ""]
FULL_RANK = 32


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = write_tiny_encoder(tmp_path_factory.mktemp("tiny"), "하루나무비가오는", layers=3)
    return encoder.load_checkpoint(str(folder), cache=folder)


def _read(checkpoint: Checkpoint, layers: UpperLayers) -> np.ndarray:
    below = layers.read_below(checkpoint.tokenizer(TEXTS)["input_ids"], padding=checkpoint.tokenizer.pad_token_id)
    with torch.inference_mode():
        vectors: np.ndarray = layers.eval()(below, np.arange(len(TEXTS))).numpy()
    return vectors


def _encode(checkpoint: Checkpoint, model: object) -> np.ndarray:
    plain = encoder.Encoder("tiny", model, checkpoint.tokenizer, prefix="", digest="")
    return plain.encode(TEXTS).vectors


def _changed(layers: UpperLayers) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: each.detach() + 0.2 * torch.randn(each.shape, generator=generator)
        for name, each in layers.matrices().items()
    }


def test_untrained_layers_make_the_encoders_vectors_and_leave_the_model_alone(checkpoint: Checkpoint) -> None:
    before = {name: each.clone() for name, each in checkpoint.model.state_dict().items()}
    vectors = _read(checkpoint, UpperLayers(checkpoint.model, count=2, dropout=0.1))
    # Half precision on the way: three digits.
    assert np.abs(vectors - _encode(checkpoint, checkpoint.model)).max() < 0.02
    assert all(torch.equal(each, before[name]) for name, each in checkpoint.model.state_dict().items())


def test_what_the_layers_learned_is_an_adapter(checkpoint: Checkpoint) -> None:
    layers = UpperLayers(checkpoint.model, count=2, dropout=0.0)
    changed = _changed(layers)
    merged = adapters.merge(_copy(checkpoint), layers.to_adapter(changed, rank=FULL_RANK))
    for name, matrix in changed.items():
        layer, _, rest = name.partition(".")
        assert torch.allclose(merged.encoder.layer[1 + int(layer)].get_parameter(rest), matrix, atol=2e-3), name
    with torch.no_grad():
        for name, parameter in layers.matrices().items():
            parameter.copy_(changed[name])
    assert np.abs(_read(checkpoint, layers) - _encode(checkpoint, merged)).max() < 0.03
    assert np.abs(_encode(checkpoint, merged) - _encode(checkpoint, checkpoint.model)).max() > 0.1, "it has changed"


def test_a_lower_rank_keeps_most_of_the_change(checkpoint: Checkpoint) -> None:
    layers = UpperLayers(checkpoint.model, count=1, dropout=0.0)
    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(32, 2, generator=generator), torch.randn(2, 32, generator=generator)
    name = "0.attention.self.query.weight"
    changed = {name: layers.matrices()[name].detach() + left @ right}
    merged = adapters.merge(_copy(checkpoint), layers.to_adapter(changed, rank=2))
    kept = merged.encoder.layer[2].attention.self.query.weight
    assert torch.allclose(kept, changed[name], atol=0.02), "a change of rank two is whole"
    less = adapters.merge(_copy(checkpoint), layers.to_adapter(changed, rank=1))
    lost = (less.encoder.layer[2].attention.self.query.weight - changed[name]).norm()
    assert 0.05 < lost / (left @ right).norm() < 1


def test_two_adapters_are_added(checkpoint: Checkpoint) -> None:
    layers = UpperLayers(checkpoint.model, count=2, dropout=0.0)
    changed = _changed(layers)
    data = layers.to_adapter(changed, rank=4)
    twice = adapters.merge(_copy(checkpoint), adapters.add(data, layers.to_adapter(changed, rank=8)))
    path = "encoder.layer.2.output.dense.weight"
    original = checkpoint.model.get_parameter(path)
    parts = [
        adapters.merge(_copy(checkpoint), layers.to_adapter(changed, rank=rank)).get_parameter(path) - original
        for rank in (4, 8)
    ]
    assert torch.allclose(twice.get_parameter(path), original + parts[0] + parts[1], atol=2e-3)


def test_adapters_of_other_layers_are_not_added(checkpoint: Checkpoint) -> None:
    one, two = (UpperLayers(checkpoint.model, count=count, dropout=0.0) for count in (1, 2))
    first, second = (each.to_adapter(each.matrices(), rank=2) for each in (one, two))
    for pair in ((first, second), (second, first)):
        with pytest.raises(EncoderError) as caught:
            adapters.add(*pair)
        assert caught.value.code == "adapter_unloadable"


def _copy(checkpoint: Checkpoint) -> object:
    return copy.deepcopy(checkpoint.model)
