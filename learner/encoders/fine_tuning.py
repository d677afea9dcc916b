"""Training an encoder itself, by the transformers Trainer: with a LoRA adapter, or all of its weights.

What is trained is the encoder with one linear layer on its mean-pooled vectors. The layer is thrown away
afterwards: the head that serves is fitted anew on the tuned vectors, like any other
    (`learner.classification.classifier`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from learner.encoders import trainer_checkpoints
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

Loss = Literal["softmax", "sigmoid"]


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How an encoder is tuned.

    Attributes:
        adapter_rank: rank of the LoRA adapter; 0 trains every weight but the token embeddings.
        adapted_layers: how many of the upper layers the adapter or the training changes; the lower ones stay.
        epochs: most passes over the examples; training stops early when the validation loss no longer falls.
        learning_rate: largest step, reached after the warm-up.
        schedule: falls as a cosine, once or with hard restarts.
        warmup_share: share of the steps during which the learning rate rises.
        weight_decay: on matrices, not on biases and layer norms.
        gradient_clip: largest norm of a gradient.
        batch_size: texts in a step.
        max_tokens: longer texts are cut in training.
        patience: evaluations without a better validation loss after which training stops.
        kept_checkpoints: on disk at the same time, the best one among them.
    """

    adapter_rank: int = 16
    adapted_layers: int = 8
    epochs: float = 4
    learning_rate: float = 5e-4
    schedule: Literal["cosine", "cosine_with_restarts"] = "cosine"
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    batch_size: int = 16
    max_tokens: int = 128
    patience: int = 2
    kept_checkpoints: int = 2


@dataclass(frozen=True, slots=True)
class TuningSet:
    """What an encoder is tuned on.

    Attributes:
        texts: n texts.
        targets: (n, k) in [0, 1]; NaN where nothing is known (only with the sigmoid loss). Rows of soft labels
            sum to 1 with the softmax loss.
        weights: (n,) how much each text counts.
    """

    texts: Sequence[str]
    targets: FloatArray
    weights: FloatArray


class PooledEncoder(nn.Module):
    """An encoder with one linear layer on the mean of its last hidden states, scaled to length 1."""

    SCALE = 10.0
    """Vectors have length 1; scaled up, a layer of ordinary size can tell them apart."""

    def __init__(self, encoder: Any, k: int, loss: Loss) -> None:
        super().__init__()
        self.encoder = encoder
        self.layer = nn.Linear(int(encoder.config.hidden_size), k)
        self.loss = loss

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return logits, (n, k), and the loss where targets are given."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        vectors = nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
        logits = self.layer(self.SCALE * vectors)
        if labels is None or weights is None:
            return {"logits": logits}
        losses = _softmax_loss(logits, labels) if self.loss == "softmax" else _sigmoid_loss(logits, labels)
        return {"loss": (losses * weights).sum() / weights.sum(), "logits": logits}


def _softmax_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits.float(), targets, reduction="none")


def _sigmoid_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    is_known = ~torch.isnan(targets)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits.float(), torch.where(is_known, targets, torch.zeros_like(targets)), reduction="none"
    )
    return (losses * is_known).sum(1) / is_known.sum(1).clamp(min=1)


class _Collator:
    """Pads a batch of token ids, cut to the longest of them."""

    def __init__(self, padding: int) -> None:
        self._padding = padding

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        padded = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=self._padding)
        lengths = torch.tensor([len(row) for row in ids])
        return {
            "input_ids": padded,
            "attention_mask": (torch.arange(padded.shape[1]) < lengths[:, None]).long(),
            "labels": torch.tensor(np.array([row["labels"] for row in rows], np.float32)),
            "weights": torch.tensor([row["weights"] for row in rows], dtype=torch.float32),
        }


class Progress(TrainerCallback):  # type: ignore[misc]
    """Reports progress, and stops training on request or when the loss is no longer a number."""

    def __init__(self, on_progress: Callable[[float], bool]) -> None:
        self._on_progress = on_progress
        self.stopped = False
        self.diverged = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not self._on_progress(state.global_step / max(1, state.max_steps)):
            self.stopped = True
            control.should_training_stop = True
            control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        values = [value for name, value in (logs or {}).items() if name in ("loss", "eval_loss", "grad_norm")]
        if not all(math.isfinite(float(value)) for value in values):
            self.diverged = True
            control.should_training_stop = True


@dataclass(frozen=True, slots=True)
class Tuned:
    """The result of tuning.

    Attributes:
        model: the encoder with the weights of its best evaluation.
        losses: (step, training loss or None, validation loss or None), as logged.
        stopped: whether it was told to stop before its end.
    """

    model: PooledEncoder
    losses: tuple[tuple[int, float | None, float | None], ...]
    stopped: bool


@private_files.umask()
def tune(
    encoder: Any,
    tokenizer: Any,
    training: TuningSet,
    validation: TuningSet | None,
    settings: TuningSettings,
    *,
    prefix: str,
    loss: Loss,
    folder: Path,
    seed: int,
    on_progress: Callable[[float], bool] = lambda share: True,
) -> Tuned:
    """Tune an encoder on labelled texts, taking up a run that was cut off in the same folder.

    A run goes on from its newest whole checkpoint, one an epoch and one where it was told to stop; a folder whose
    run has ended gives the same result again. The folder belongs to these examples and settings alone.

    Args:
        encoder, tokenizer: a transformers model that returns hidden states, and its tokenizer.
        validation: decides which checkpoint is best and when to stop; None trains to the end.
        prefix: put before every text.
        folder: holds the checkpoints.
        on_progress: is called with the share of the work that is done, in [0, 1]; returns False to stop.

    Raises:
        LearnerError: ``device_memory_full`` where a GPU runs out of memory; `tuning_diverged` for a loss of NaN.
    """
    torch.manual_seed(seed)
    model = PooledEncoder(_prepared(encoder, settings), training.targets.shape[1], loss)
    if (ended := trainer_checkpoints.find_end(folder)) is not None:
        trainer_checkpoints.load_weights(model, ended.checkpoint)
        return Tuned(model.eval(), ended.losses, stopped=False)
    progress = Progress(on_progress)
    try:
        trainer = Trainer(
            model=model,
            args=_arguments(settings, folder, seed=seed, evaluated=validation is not None),
            train_dataset=_dataset(tokenizer, training, settings, prefix),
            eval_dataset=None if validation is None else _dataset(tokenizer, validation, settings, prefix),
            data_collator=_Collator(tokenizer.pad_token_id or 0),
            callbacks=[progress, *([EarlyStoppingCallback(settings.patience)] if validation is not None else [])],
        )
        # It would print every figure to the standard output, which belongs to the command line.
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=trainer_checkpoints.find_newest(folder))
    except torch.OutOfMemoryError as error:
        raise LearnerError("device_memory_full", batch=settings.batch_size) from error
    losses = _losses(trainer.state.log_history)
    if progress.diverged:
        raise LearnerError("tuning_diverged", rate=settings.learning_rate)
    if not progress.stopped:
        trainer_checkpoints.note_end(folder, trainer.state.best_model_checkpoint, losses)
    return Tuned(model.eval().cpu(), losses, progress.stopped)


def _prepared(encoder: Any, settings: TuningSettings) -> Any:
    """Freeze what stays: token embeddings always, and all but the uppermost layers."""
    if settings.adapter_rank:
        from learner.encoders import adapters

        return adapters.attach(encoder, rank=settings.adapter_rank, layers=settings.adapted_layers)
    first = int(encoder.config.num_hidden_layers) - settings.adapted_layers
    for name, parameter in encoder.named_parameters():
        layer = next((int(part) for part in name.split(".") if part.isdigit()), -1)
        parameter.requires_grad_(layer >= first)
    return encoder


def _arguments(settings: TuningSettings, folder: Path, *, seed: int, evaluated: bool) -> TrainingArguments:
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=2 * settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        lr_scheduler_kwargs={"num_cycles": 2} if settings.schedule == "cosine_with_restarts" else {},
        warmup_steps=settings.warmup_share,
        # The Trainer leaves biases and layer norms out of the decay by itself.
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.gradient_clip,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch" if evaluated else "no",
        save_strategy="epoch",
        save_total_limit=settings.kept_checkpoints,
        load_best_model_at_end=evaluated,
        metric_for_best_model="eval_loss" if evaluated else None,
        greater_is_better=False,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        fp16=on_gpu and not torch.cuda.is_bf16_supported(),
        use_cpu=not on_gpu,
        seed=seed,
        logging_steps=5,
        # Otherwise a loss of NaN is left out of the log, and nobody sees that training went astray.
        logging_nan_inf_filter=False,
        # The patience that is used up counts on after a resume, too.
        restore_callback_states_from_checkpoint=True,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
    )


def _dataset(tokenizer: Any, examples: TuningSet, settings: TuningSettings, prefix: str) -> Any:
    from datasets import Dataset

    ids = tokenizer(
        [prefix + text for text in examples.texts],
        truncation=True,
        max_length=settings.max_tokens,
        return_attention_mask=False,
    )["input_ids"]
    return Dataset.from_dict(
        {
            "input_ids": ids,
            "labels": list(np.asarray(examples.targets, np.float32)),
            "weights": np.asarray(examples.weights, np.float32),
            "length": [len(row) for row in ids],
        }
    )


def _losses(history: list[dict[str, Any]]) -> tuple[tuple[int, float | None, float | None], ...]:
    rows = [row for row in history if "loss" in row or "eval_loss" in row]
    return tuple((int(row["step"]), row.get("loss"), row.get("eval_loss")) for row in rows)
