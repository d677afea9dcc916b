"""Training by a recipe on a very small checkpoint: its schedule, its optimizer, when it stops, what it measures."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from learner.classification import metrics
from learner.errors import LearnerError
from learner.recipes import checkpoint as recipe_checkpoint
from learner.recipes import data, frozen_features, recipe, report
from learner.recipes.data import Part, Row
from learner.recipes.recipe import Model
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from learner.recipes.checkpoint import Checkpoint
    from learner.recipes.data import Prepared
    from learner.recipes.trained import Trained

pytestmark = pytest.mark.slow

HAPPY, SAD = "기쁘고 즐거운 하루", "슬프고 눈물이 난 하루"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"), HAPPY + SAD + "0123456789번째 .")


def _rows(count: int, *, turned: bool = False) -> list[Row]:
    return [Row(i + 2, f"{i}번째 {(HAPPY, SAD)[i % 2]}", ("행복", "슬픔")[(i + turned) % 2]) for i in range(count)]


def _loaded(
    name: str, tiny: Path, *, measured: list[Row] | None = None, **changes: Any
) -> tuple[recipe.Recipe, Checkpoint, Prepared]:
    loaded_recipe = recipe.load(name, {"model.checkpoint": str(tiny), **changes})
    given = (measured or _rows(8)) if loaded_recipe.data.validation == "file" or measured else None
    prepared = data.prepare(_rows(32), given, loaded_recipe.data)
    return loaded_recipe, _checkpoint(loaded_recipe.model, prepared.classes), prepared


def _checkpoint(model: Model, classes: tuple[str, ...] | None) -> Checkpoint:
    from learner.encoders.encoder import default_cache

    return recipe_checkpoint.load(model, cache=default_cache(), seed=0, classes=classes)


def _train(*what: Any, **how: Any) -> Trained:
    # Not imported while tests are collected: the Trainer takes seconds.
    from learner.recipes import training

    return training.train(*what, **how)


def _trainer(name: str, tiny: Path, folder: Path, **changes: Any) -> Any:
    loaded_recipe, checkpoint, prepared = _loaded(name, tiny, **changes)
    from learner.recipes import training

    assert loaded_recipe.training is not None
    return training._trainer(loaded_recipe, loaded_recipe.training, checkpoint, prepared, folder)


def _rates(trainer: Any, steps: int) -> list[float]:
    trainer.create_optimizer_and_scheduler(num_training_steps=steps)
    rates = []
    for _ in range(steps):
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    return rates


def test_b1_warms_up_for_a_tenth_of_the_steps_and_falls_as_a_cosine(tiny: Path, tmp_path: Path) -> None:
    rates = _rates(_trainer("B1", tiny, tmp_path), 100)
    assert int(np.argmax(rates)) == 10
    assert max(rates) == pytest.approx(5e-5)
    assert rates[5] == pytest.approx(2.5e-5)
    assert rates[55] == pytest.approx(5e-5 * 0.5 * (1 + math.cos(math.pi * 0.5)), rel=1e-6)


def test_d3_warms_up_for_300_steps_and_falls_as_a_cosine_with_restarts(tiny: Path, tmp_path: Path) -> None:
    trainer = _trainer("D3", tiny, tmp_path)
    rates = _rates(trainer, 700)
    assert int(np.argmax(rates)) == 300
    assert max(rates) == pytest.approx(3e-5)
    assert rates[500] == pytest.approx(1.5e-5, rel=1e-3)
    assert trainer.lr_scheduler.lr_lambdas[0].func.__name__.startswith("_get_cosine_with_hard_restarts")


def test_biases_and_layer_norms_have_no_weight_decay(tiny: Path, tmp_path: Path) -> None:
    trainer = _trainer("B1", tiny, tmp_path)
    optimizer = trainer.create_optimizer()
    assert type(optimizer) is torch.optim.AdamW
    name_of = {id(parameter): name for name, parameter in trainer.model.named_parameters()}
    decayed = {name_of[id(p)] for g in optimizer.param_groups if g["weight_decay"] for p in g["params"]}
    spared = {name_of[id(p)] for g in optimizer.param_groups if not g["weight_decay"] for p in g["params"]}
    assert {g["weight_decay"] for g in optimizer.param_groups} == {0.01, 0.0}
    assert all("bias" in name or "LayerNorm" in name for name in spared)
    assert not any("bias" in name or "LayerNorm" in name for name in decayed)


def test_e1_is_torchs_plain_adam_at_a_constant_rate_without_clipping(tiny: Path, tmp_path: Path) -> None:
    trainer = _trainer("E1", tiny, tmp_path)
    assert set(_rates(trainer, 20)) == {1e-5}
    assert type(trainer.create_optimizer()) is torch.optim.Adam
    assert (trainer.args.max_grad_norm, trainer.args.per_device_train_batch_size) == (0.0, 2)


def test_the_dropout_before_the_head_is_set_and_that_of_the_encoder_is_not(tiny: Path) -> None:
    model = _checkpoint(Model(checkpoint=str(tiny), dropout=0.5), ("가", "나")).model
    assert model.dropout.p == 0.5
    assert model.bert.embeddings.dropout.p == 0.0


def test_what_a_checkpoint_lacks_is_named_and_drawn_from_the_seed(tiny: Path) -> None:
    first, again = (_checkpoint(Model(checkpoint=str(tiny)), ("가", "나", "다")) for _ in range(2))
    assert {"classifier.weight", "classifier.bias"} <= set(first.new_weights)
    assert torch.equal(first.model.classifier.weight, again.model.classifier.weight)
    assert first.model.config.id2label == {0: "가", 1: "나", 2: "다"}


def test_texts_are_cut_at_what_the_recipe_says_and_never_above_the_models_maximum(tiny: Path) -> None:
    assert _checkpoint(Model(checkpoint=str(tiny), max_tokens=16), None).max_tokens == 16
    assert _checkpoint(Model(checkpoint=str(tiny), max_tokens=256), None).max_tokens == 64
    assert _checkpoint(Model(checkpoint=str(tiny)), None).max_tokens == 64


def test_kobert_reads_korean_words_with_cls_first_also_after_it_was_saved(tmp_path: Path) -> None:
    """KoBERT is a BERT with the tokenizer of XLNet, which does neither."""
    from transformers import AutoTokenizer, BertConfig, BertModel, XLNetTokenizer

    specials = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [(piece, 0.0) for piece in specials] + [("▁", -4.0), ("▁하루", -1.0), ("였", -2.0), ("어", -2.0)]
    named = dict(zip(("unk_token", "pad_token", "cls_token", "sep_token", "mask_token"), specials, strict=True))
    XLNetTokenizer(vocab=pieces, bos_token="[CLS]", eos_token="[SEP]", **named).save_pretrained(tmp_path)
    config = BertConfig(vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path)
    mended = _checkpoint(Model(checkpoint=str(tmp_path)), None).tokenizer
    mended.save_pretrained(tmp_path / "saved")
    for tokenizer in (mended, AutoTokenizer.from_pretrained(tmp_path / "saved")):
        ids = tokenizer(["하루", "하루였어"], padding=True)["input_ids"]
        assert ids == [[2, 6, 3, 1, 1], [2, 6, 7, 8, 3]]


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_checkpoint_that_asks_to_run_code_is_refused_and_nothing_is_run(
    tiny: Path, tmp_path: Path, file: str
) -> None:
    for source in tiny.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    trap = tmp_path / "ran"
    (tmp_path / "trap.py").write_text(f"open({str(trap)!r}, 'w').close()\nclass Trap: pass\n")
    settings = json.loads((tmp_path / file).read_text("utf-8"))
    brought = {"AutoConfig": "trap.Trap", "AutoModel": "trap.Trap", "AutoTokenizer": ["trap.Trap", None]}
    (tmp_path / file).write_text(json.dumps({**settings, "auto_map": brought}), "utf-8")
    with pytest.raises(LearnerError) as caught:
        _checkpoint(Model(checkpoint=str(tmp_path)), ("가", "나"))
    assert caught.value.code == "checkpoint_wants_code"
    assert not trap.exists()


def test_a_checkpoint_that_is_not_here_or_damaged_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match="checkpoint_missing"):
        _checkpoint(Model(checkpoint="klue/roberta-large"), ("가", "나"))
    for source in tiny.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(LearnerError, match="checkpoint_unloadable"):
        _checkpoint(Model(checkpoint=str(tmp_path)), ("가", "나"))


FAST = {
    "training.learning_rate": 1e-2,
    "training.warmup_steps": 0,
    "training.evaluate_every": 4,
    "training.save_every": 4,
}


def test_training_stops_early_and_reloads_the_best_weights(tiny: Path, tmp_path: Path) -> None:
    loaded_recipe, checkpoint, prepared = _loaded("D3", tiny, measured=_rows(8, turned=True), **FAST)
    trained = _train(loaded_recipe, checkpoint, prepared, folder=tmp_path)
    measured = [row["validation_loss"] for row in trained.curve if "validation_loss" in row]
    assert len(measured) == int(np.argmin(measured)) + 1 + 3, "three evaluations without a better one end it"
    right = trained.validation[np.arange(8), prepared.validation.labels]
    assert -np.log(right).mean() == pytest.approx(min(measured), rel=1e-3)
    assert len(list(tmp_path.glob("checkpoint-*"))) <= 5


def test_a_run_that_was_stopped_goes_on_where_it_was(tiny: Path, tmp_path: Path) -> None:
    changes = {**FAST, "training.epochs": 3}
    loaded_recipe, checkpoint, prepared = _loaded("D3", tiny, **changes)
    stopped = _train(loaded_recipe, checkpoint, prepared, folder=tmp_path, on_progress=lambda share: share < 0.5)
    assert stopped.stopped
    shares: list[float] = []
    loaded_recipe, checkpoint, prepared = _loaded("D3", tiny, **changes)
    ended = _train(
        loaded_recipe,
        checkpoint,
        prepared,
        folder=tmp_path,
        resume=True,
        on_progress=lambda share: shares.append(share) is None,
    )
    assert shares[0] > 0.5
    assert not ended.stopped
    assert ended.validation.shape == (8, 2)
    measured = [row["step"] for row in ended.curve if "validation_loss" in row]
    assert measured[0] == 4, "what was measured before the stop is still known"
    assert measured == sorted(set(measured))


def test_a_loss_that_is_no_number_ends_in_a_sentence(tiny: Path, tmp_path: Path) -> None:
    loaded_recipe, checkpoint, prepared = _loaded("C2", tiny)
    with torch.no_grad():
        checkpoint.model.classifier.weight.fill_(math.nan)
    with pytest.raises(LearnerError, match="tuning_diverged"):
        _train(loaded_recipe, checkpoint, prepared, folder=tmp_path)


def test_frozen_features_are_the_first_tokens_hidden_state_whatever_stands_beside_it(tiny: Path) -> None:
    checkpoint = _checkpoint(Model(checkpoint=str(tiny)), None)
    features, stopped = frozen_features.first_tokens(
        checkpoint, [SAD + SAD, "하루", HAPPY], on_progress=lambda share: True
    )
    assert not stopped
    for row, text in zip(features, [SAD + SAD, "하루", HAPPY], strict=True):
        with torch.inference_mode():
            alone = checkpoint.model(**checkpoint.tokenizer(text, return_tensors="pt")).last_hidden_state[0, 0]
        np.testing.assert_allclose(row, alone.numpy(), atol=1e-5)


def test_token_lengths_count_the_texts_that_the_model_cuts(tiny: Path) -> None:
    checkpoint = _checkpoint(Model(checkpoint=str(tiny), max_tokens=10), None)
    # Two special tokens and a token for each character that is no space: 10, 11 and 4.
    lengths = report.token_lengths(checkpoint, ["기쁘고 즐거운 하루", "슬프고 눈물이 난 하루", "하루"])
    assert (lengths["longer"], lengths["longest"], lengths["median"]) == (1, 11, 10)
    assert lengths["share"] == pytest.approx(1 / 3)


PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], np.float32)
TRUTH = np.array([0, 0, 1, 1])


def test_texts_come_with_their_cross_entropy_highest_first() -> None:
    part = Part(("가", "나", "다", "라"), TRUTH, np.array([2, 3, 4, 5]))
    losses = report.losses(PROBA, part, ("기쁨", "슬픔"))
    assert [row["row"] for row in losses] == [3, 4, 5, 2]
    assert losses[0] == {"row": 3, "loss": round(-math.log(0.2), 4), "label": "기쁨", "answer": "슬픔", "text": "나"}


def test_the_confusion_matrix_is_normalised_by_truth() -> None:
    matrix = report.confusion(PROBA, TRUTH, ("기쁨", "슬픔"))
    assert matrix["counts"] == [[1, 1], [2, 0]]
    assert matrix["shares"] == [[0.5, 0.5], [1.0, 0.0]]


def test_figures_are_scikit_learns_and_lie_in_their_intervals() -> None:
    from sklearn.metrics import f1_score

    draw = np.random.default_rng(3)
    proba = draw.dirichlet([1, 1, 1], 60).astype(np.float32)
    truth = np.where(draw.random(60) < 0.6, proba.argmax(axis=1), draw.integers(0, 3, 60))
    figures = report.measure(proba, truth, seed=0)
    for name in ("macro", "micro", "weighted"):
        figure = figures[f"{name}_f1"]
        assert figure["value"] == pytest.approx(f1_score(truth, proba.argmax(axis=1), average=name))
        assert figure["low"] < figure["value"] < figure["high"]
    assert figures["accuracy"]["value"] == pytest.approx(float((proba.argmax(axis=1) == truth).mean()))
    assert figures["commonest_class"] == np.bincount(truth).max() / 60


def test_weighted_f1_counts_each_label_as_often_as_it_is_the_truth() -> None:
    # F1 of the labels: 2*3/(3+3+1) and 2*0/1; three of the three truths are the first label.
    assert metrics.weighted_f1_of(np.array([[3, 1], [0, 0]])) == pytest.approx(6 / 7)
