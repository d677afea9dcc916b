"""Training an encoder itself, by the transformers Trainer: with a LoRA adapter, or all of its weights.

What is trained is the encoder with one linear layer on its mean-pooled vectors. The layer is thrown away
afterwards: the head that serves is fitted anew on the tuned vectors, like any other
    (`learner.classification.classifier`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from learner.encoders import trainer_checkpoints
from learner.encoders.pooled_encoder import PooledEncoder
from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import TrainingArguments

    from learner.encoders.pooled_encoder import Loss

    FloatArray = NDArray[np.float32]


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
        most_seconds: training that would take longer, by the time that its first steps took, is given up.
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
    most_seconds: float = 6 * 3600


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
        LearnerError: ``device_memory_full`` where a GPU runs out of memory, ``tuning_too_slow`` where it would take
            longer than it may, ``tuning_diverged`` for a loss of NaN.
        MemoryError: where the computer runs out of it.
    """
    # The Trainer takes seconds, and brings all that it could train: only whoever trains waits for it.
    from transformers import EarlyStoppingCallback, PrinterCallback, Trainer

    from learner.encoders.trainer_progress import Deadline, Progress, memory_watched

    torch.manual_seed(seed)
    model = PooledEncoder(_prepared(encoder, settings), training.targets.shape[1], loss)
    if (ended := trainer_checkpoints.find_end(folder)) is not None:
        trainer_checkpoints.load_weights(model, ended.checkpoint)
        return Tuned(model.eval(), ended.losses, stopped=False)
    progress, deadline = Progress(on_progress), Deadline(settings.most_seconds)
    with memory_watched(settings.batch_size):
        trainer = Trainer(
            model=model,
            args=_arguments(settings, folder, seed=seed, evaluated=validation is not None),
            train_dataset=_dataset(tokenizer, training, settings, prefix),
            eval_dataset=None if validation is None else _dataset(tokenizer, validation, settings, prefix),
            data_collator=_Collator(tokenizer.pad_token_id or 0),
            callbacks=[
                progress,
                deadline,
                *([EarlyStoppingCallback(settings.patience)] if validation is not None else []),
            ],
        )
        # It would print every figure to the standard output, which belongs to the command line.
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=trainer_checkpoints.find_newest(folder))
    losses = _losses(trainer.state.log_history)
    if progress.diverged:
        raise LearnerError("tuning_diverged", rate=settings.learning_rate)
    if deadline.passed:
        raise LearnerError("tuning_too_slow", minutes=deadline.minutes, most=settings.most_seconds / 60)
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
    from transformers import TrainingArguments

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
        bf16=torch.cuda.is_bf16_supported() if on_gpu else bool(torch.cpu.get_capabilities().get("avx512_bf16")),
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
