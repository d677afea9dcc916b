"""Tuning a very small encoder: it learns, stops early, goes on after a cut, and fails in words."""

from __future__ import annotations

import gc
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from learner.encoders import adapters
from learner.encoders.fine_tuning import TuningSet, TuningSettings, tune
from learner.errors import EncoderError, LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from learner.encoders.fine_tuning import Tuned
    from learner.encoders.pooled_encoder import Loss

pytestmark = pytest.mark.slow

SETTINGS = TuningSettings(adapter_rank=4, adapted_layers=2, epochs=3, learning_rate=1e-2, batch_size=4, max_tokens=16)

HAPPY, SAD = "기쁘고 즐거운 하루", "슬프고 눈물이 난 하루"


@pytest.fixture(autouse=True, scope="module")
def _imported_for_good() -> Iterator[None]:
    """Spare what was imported when the trainer collects garbage, as it does at each start: a fifth of all the time."""
    from transformers import Trainer  # noqa: F401 - imported when it is first asked for

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of two layers with a tokenizer of single characters, as a transformers folder."""
    from tests.learner.tiny import write_tiny_encoder

    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"), HAPPY + SAD + "0123456789번째 .")


def _loaded(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    return AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def _examples(count: int, *, sure: float = 1.0) -> TuningSet:
    places = np.arange(count) % 2
    targets = np.full((count, 2), 1 - sure, np.float32)
    targets[np.arange(count), places] = sure
    return TuningSet([f"{i}번째 {(HAPPY, SAD)[i % 2]}" for i in range(count)], targets, np.ones(count, np.float32))


def _tune(
    tiny: Path,
    folder: Path,
    *,
    training: TuningSet | None = None,
    validation: TuningSet | None = None,
    settings: TuningSettings = SETTINGS,
    loss: Loss = "softmax",
    on_progress: Callable[[float], bool] = lambda share: True,
) -> Tuned:
    encoder, tokenizer = _loaded(tiny)
    return tune(
        encoder,
        tokenizer,
        training or _examples(16),
        validation,
        settings,
        prefix="",
        loss=loss,
        folder=folder,
        seed=0,
        on_progress=on_progress,
    )


def _weights(tuned: Tuned) -> dict[str, torch.Tensor]:
    # The checkpoint has no pooler: transformers makes one at random at each load, and nothing reads it.
    return {name: value for name, value in tuned.model.state_dict().items() if "pooler" not in name}


def _same(left: Tuned, right: Tuned) -> bool:
    ours, theirs = _weights(left), _weights(right)
    return all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)


@pytest.mark.parametrize("rank", [4, 0])
def test_an_encoder_learns_to_tell_two_moods_apart(tiny: Path, tmp_path: Path, rank: int) -> None:
    settings = replace(SETTINGS, adapter_rank=rank, epochs=15)
    tuned = _tune(tiny, tmp_path, validation=_examples(8), settings=settings)
    measured = [value for _, _, value in tuned.losses if value is not None]
    assert min(measured) < 0.5 * math.log(2)
    assert not tuned.stopped


def test_token_embeddings_and_lower_layers_stay_as_they_were(tiny: Path, tmp_path: Path) -> None:
    tuned = _tune(tiny, tmp_path, settings=replace(SETTINGS, adapter_rank=0, adapted_layers=1))
    before, _ = _loaded(tiny)
    after = tuned.model.encoder.state_dict()
    kept = {name: value for name, value in before.state_dict().items() if "pooler" not in name}
    changed = {name for name, value in kept.items() if not torch.equal(value, after[name])}
    assert changed
    assert all("layer.1." in name for name in changed)


def test_a_run_that_was_cut_off_goes_on_and_ends_like_one_that_was_not(tiny: Path, tmp_path: Path) -> None:
    whole = _tune(tiny, tmp_path / "whole", validation=_examples(8))
    shares: list[float] = []

    def until_half(share: float) -> bool:
        shares.append(share)
        return share < 0.5

    cut = _tune(tiny, tmp_path / "cut", validation=_examples(8), on_progress=until_half)
    assert cut.stopped
    assert shares[-1] == pytest.approx(0.5)
    resumed_at: list[float] = []
    resumed = _tune(
        tiny, tmp_path / "cut", validation=_examples(8), on_progress=lambda share: resumed_at.append(share) is None
    )
    assert resumed_at[0] > 0.5, "what was done is not done again"
    assert not resumed.stopped
    # Where it was cut in the middle of an epoch only the dropout is drawn anew.
    assert resumed.losses[-1][2] == pytest.approx(whole.losses[-1][2], rel=0.05)


def test_a_checkpoint_that_was_only_half_written_is_passed_over(tiny: Path, tmp_path: Path) -> None:
    _tune(tiny, tmp_path, on_progress=lambda share: share < 0.5)
    broken = tmp_path / "checkpoint-999"
    broken.mkdir()
    (broken / "trainer_state.json").write_text('{"global_step": 99')
    assert not _tune(tiny, tmp_path).stopped


def test_a_run_that_has_ended_gives_the_same_encoder_again_without_training(tiny: Path, tmp_path: Path) -> None:
    first = _tune(tiny, tmp_path, validation=_examples(8))
    said: list[float] = []
    again = _tune(tiny, tmp_path, validation=_examples(8), on_progress=lambda share: said.append(share) is None)
    assert said == []
    assert again.losses == first.losses
    assert _same(again, first)


def test_training_stops_when_the_validation_loss_no_longer_falls(tiny: Path, tmp_path: Path) -> None:
    contrary = _examples(8)
    opposite = TuningSet(contrary.texts, 1 - contrary.targets, contrary.weights)
    tuned = _tune(tiny, tmp_path, validation=opposite, settings=replace(SETTINGS, epochs=12, patience=2))
    measured = [value for _, _, value in tuned.losses if value is not None]
    assert len(measured) < 12
    assert int(np.argmin(measured)) == len(measured) - 3, "two evaluations without a better one end it"


def test_soft_targets_are_learned_as_shares(tiny: Path, tmp_path: Path) -> None:
    training = _examples(16, sure=0.7)
    tuned = _tune(tiny, tmp_path, training=training, settings=replace(SETTINGS, epochs=15))
    _, tokenizer = _loaded(tiny)
    batch = tokenizer(list(training.texts), return_tensors="pt", padding=True)
    with torch.inference_mode():
        logits = tuned.model(batch["input_ids"], batch["attention_mask"])["logits"]
    proba = torch.softmax(logits, 1).numpy()[np.arange(16), np.arange(16) % 2]
    assert proba.mean() == pytest.approx(0.7, abs=0.08)


def test_a_loss_that_is_no_number_ends_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    training = _examples(16)
    broken = TuningSet(training.texts, np.full_like(training.targets, np.nan), training.weights)
    with pytest.raises(LearnerError, match="tuning_diverged"):
        _tune(tiny, tmp_path, training=broken)


def test_a_device_without_memory_ends_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    def full(share: float) -> bool:
        raise torch.OutOfMemoryError

    with pytest.raises(LearnerError) as caught:
        _tune(tiny, tmp_path, on_progress=full)
    assert (caught.value.code, caught.value.details) == ("device_memory_full", {"batch": 4})


def test_a_computer_without_memory_is_told_from_a_fault(tiny: Path, tmp_path: Path) -> None:
    def full(share: float) -> bool:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes.")

    with pytest.raises(MemoryError):
        _tune(tiny, tmp_path, on_progress=full)


def test_another_error_of_torch_is_not_called_a_lack_of_memory(tiny: Path, tmp_path: Path) -> None:
    def broken(share: float) -> bool:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        _tune(tiny, tmp_path, on_progress=broken)


def test_tuning_that_would_take_too_long_is_given_up_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(LearnerError) as caught:
        _tune(tiny, tmp_path, settings=replace(SETTINGS, epochs=15, most_seconds=0))
    assert caught.value.code == "tuning_too_slow"
    assert caught.value.details["minutes"] > 0
    assert not (tmp_path / "ended.json").exists(), "what was tuned so far is not taken for the result"


def test_contrast_brings_texts_of_a_label_together(tiny: Path, tmp_path: Path) -> None:
    training = _examples(16)
    tuned = _tune(tiny, tmp_path, training=training, loss="contrast", settings=replace(SETTINGS, epochs=15))
    within, between = _distances(tuned.model.encoder, tiny, training)
    before = _distances(_loaded(tiny)[0].eval(), tiny, training)
    assert within / between < 0.5 * before[0] / before[1]


def _distances(encoder: Any, folder: Path, examples: TuningSet) -> tuple[float, float]:
    """Return the mean distance of the vectors of texts of one mood, and of different moods."""
    batch = _loaded(folder)[1](list(examples.texts), return_tensors="pt", padding=True)
    with torch.inference_mode():
        hidden = encoder(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    distances = torch.cdist(vectors, vectors).numpy()
    is_same = np.equal.outer(examples.targets.argmax(1), examples.targets.argmax(1))
    apart = ~np.eye(len(vectors), dtype=np.bool_)
    return float(distances[is_same & apart].mean()), float(distances[~is_same].mean())


@pytest.fixture(scope="module")
def adapted(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return _tune(tiny, tmp_path_factory.mktemp("adapted"), settings=replace(SETTINGS, epochs=1))


def test_an_adapter_worked_into_the_weights_gives_the_tuned_vectors(tiny: Path, adapted: Tuned) -> None:
    data = adapters.to_bytes(adapted.model.encoder)
    encoder, tokenizer = _loaded(tiny)
    batch = tokenizer([HAPPY, SAD], return_tensors="pt", padding=True)
    with torch.inference_mode():
        plain = encoder.eval()(**batch).last_hidden_state
        merged = adapters.merge(encoder, data).eval()(**batch).last_hidden_state
        tuned = adapted.model.encoder(**batch).last_hidden_state
    assert not torch.allclose(plain, tuned, atol=1e-2)
    torch.testing.assert_close(merged, tuned, atol=5e-3, rtol=5e-3)


def test_an_adapter_with_a_tensor_too_few_or_too_many_is_refused(tiny: Path, adapted: Tuned) -> None:
    data = adapters.to_bytes(adapted.model.encoder)
    tensors, header = load(data), {"lora": json.dumps(adapters._lora_of(data))}
    name = next(iter(tensors))
    for changed in (
        {**tensors, "strange": tensors[name].clone()},
        {key: tensors[key] for key in tensors if key != name},
    ):
        encoder = _loaded(tiny)[0]
        before = {key: value.clone() for key, value in encoder.state_dict().items()}
        with pytest.raises(EncoderError, match="adapter_unloadable"):
            adapters.merge(encoder, save(changed, metadata=header))
        torch.testing.assert_close(dict(encoder.state_dict()), before, atol=0, rtol=0)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-40], lambda data: b"\0" * 64])
def test_damaged_adapter_bytes_are_refused(tiny: Path, adapted: Tuned, damage: Callable[[bytes], bytes]) -> None:
    data = adapters.to_bytes(adapted.model.encoder)
    with pytest.raises(EncoderError, match="adapter_unloadable"):
        adapters.merge(_loaded(tiny)[0], damage(data))
