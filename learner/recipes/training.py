"""Training a whole checkpoint by a recipe, with the transformers Trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import (
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from learner.classification import metrics
from learner.encoders import trainer_checkpoints
from learner.encoders.trainer_progress import Progress, memory_watched
from learner.errors import LearnerError
from learner.recipes.trained import Trained
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.recipes.checkpoint import Checkpoint
    from learner.recipes.data import Part, Prepared
    from learner.recipes.recipe import Recipe, Training
    from learner.recipes.trained import Figures

    FloatArray = NDArray[np.float32]

_PARTS = ("validation", "training")


class _Log(TrainerCallback):  # type: ignore[misc]
    """Passes on what the Trainer logs."""

    def __init__(self, logged: Callable[[Figures], None]) -> None:
        self._logged = logged

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs:
            self._logged(_figures({**logs, "step": state.global_step}))


@private_files.umask()
def train(
    recipe: Recipe,
    checkpoint: Checkpoint,
    prepared: Prepared,
    *,
    folder: Path,
    resume: bool = False,
    on_progress: Callable[[float], bool] = lambda share: True,
    logged: Callable[[Figures], None] = lambda figures: None,
) -> Trained:
    """Train a checkpoint, which is changed, and answer the validation texts and the recipe's examples.

    Args:
        folder: holds the Trainer's checkpoints.
        resume: goes on from the newest of them.
        on_progress: is called with the share of the steps that is done; returns False to stop after writing a
            checkpoint.
        logged: is called with what is measured, as soon as it is measured.

    Raises:
        LearnerError: `device_memory_full`, or `tuning_diverged` for a loss that is no number.
        MemoryError: where the computer runs out of it.
    """
    settings = recipe.training
    assert settings is not None
    set_seed(recipe.seed)
    progress = Progress(on_progress)
    trainer = _trainer(recipe, settings, checkpoint, prepared, folder)
    trainer.add_callback(progress)
    trainer.add_callback(_Log(logged))
    with memory_watched(settings.batch_size):
        trainer.train(resume_from_checkpoint=trainer_checkpoints.find_newest(folder) if resume else None)
        curve = tuple(map(_figures, trainer.state.log_history))
        if progress.diverged:
            raise LearnerError("tuning_diverged", rate=settings.learning_rate)
        if progress.stopped:
            nothing = np.zeros((0, len(prepared.classes)), np.float32)
            return Trained(nothing, nothing, curve, stopped=True)
        answered = trainer.predict(_encoded(checkpoint, prepared.validation)).predictions
        examples = [example.text for example in recipe.examples]
        return Trained(_softmax(answered), _answer(trainer, checkpoint, examples), curve, stopped=False)


def _trainer(recipe: Recipe, settings: Training, checkpoint: Checkpoint, prepared: Prepared, folder: Path) -> Trainer:
    training = _encoded(checkpoint, prepared.training)
    measured = {"validation": _encoded(checkpoint, prepared.validation)}
    if settings.measure_training:
        measured["training"] = training
    trainer = Trainer(
        model=checkpoint.model,
        args=_arguments(settings, folder, seed=recipe.seed),
        train_dataset=training,
        eval_dataset=measured,
        data_collator=DataCollatorWithPadding(checkpoint.tokenizer),
        compute_metrics=_measure,
        # A plain loop is torch's own Adam; without a scheduler the Trainer makes the one that the settings name.
        optimizers=(_adam(checkpoint.model, settings) if settings.optimizer == "adam" else None, None),
        callbacks=[EarlyStoppingCallback(settings.patience, settings.threshold)] if settings.patience else [],
    )
    # It would print every figure to the standard output, which belongs to the command line.
    trainer.remove_callback(PrinterCallback)
    return trainer


def _adam(model: Any, settings: Training) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=settings.learning_rate)


def _arguments(settings: Training, folder: Path, *, seed: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.evaluation_batch_size,
        learning_rate=settings.learning_rate,
        optim="adamw_torch",
        # The Trainer leaves biases and layer norms out of the decay by itself.
        weight_decay=settings.weight_decay,
        lr_scheduler_type=settings.schedule,
        # Below 1 it is a share of the steps.
        warmup_steps=settings.warmup_steps or settings.warmup_share,
        max_grad_norm=settings.gradient_clip,
        **_when("eval", settings.evaluate_every),
        **_when("save", settings.save_every),
        **_when("logging", settings.log_every),
        save_total_limit=settings.keep,
        load_best_model_at_end=settings.best_by is not None,
        metric_for_best_model=settings.best_by and f"eval_validation_{settings.best_by}",
        greater_is_better=settings.best_by not in (None, "loss"),
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        # Otherwise a loss of NaN is left out of the log, and nobody sees that training went astray.
        logging_nan_inf_filter=False,
        # The patience that is used up counts on after a resume, too.
        restore_callback_states_from_checkpoint=True,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _when(what: str, every: int | str) -> dict[str, Any]:
    if isinstance(every, int):
        return {f"{what}_strategy": "steps", f"{what}_steps": every}
    return {f"{what}_strategy": every}


def _encoded(checkpoint: Checkpoint, part: Part) -> list[dict[str, Any]]:
    if not part.texts:
        return []
    tokens = checkpoint.tokenizer(list(part.texts), truncation=True, max_length=checkpoint.max_tokens)
    names = list(tokens.keys())
    return [{**{name: tokens[name][i] for name in names}, "labels": int(label)} for i, label in enumerate(part.labels)]


def _measure(prediction: Any) -> Figures:
    """Return the figures by which a checkpoint can be the best; micro F1 of one answer a text is its accuracy."""
    truth, k = np.asarray(prediction.label_ids, np.int64), prediction.predictions.shape[1]
    cells = truth * k + prediction.predictions.argmax(axis=1)
    confusion = np.bincount(cells, minlength=k * k).reshape(k, k)
    accuracy = float(np.trace(confusion) / max(1, confusion.sum()))
    return {
        "accuracy": accuracy,
        "micro_f1": accuracy,
        "macro_f1": float(metrics.macro_f1_of(confusion)),
        "weighted_f1": float(metrics.weighted_f1_of(confusion)),
    }


def _answer(trainer: Trainer, checkpoint: Checkpoint, texts: Sequence[str]) -> FloatArray:
    if not texts:
        return np.zeros((0, checkpoint.model.config.num_labels), np.float32)
    tokens = checkpoint.tokenizer(list(texts), truncation=True, max_length=checkpoint.max_tokens)
    rows = [{name: tokens[name][i] for name in tokens} for i in range(len(texts))]
    return _softmax(trainer.predict(rows).predictions)


def _softmax(logits: Any) -> FloatArray:
    return np.asarray(torch.softmax(torch.as_tensor(logits, dtype=torch.float32), dim=1).numpy(), np.float32)


def _figures(row: dict[str, Any]) -> Figures:
    """Return a row of the Trainer's log under the names that reports use."""
    training_figures = {"step", "epoch", "loss", "learning_rate", "grad_norm"}
    figures: Figures = {}
    for name, value in row.items():
        plain = name.removeprefix("eval_")
        measured = plain.startswith(_PARTS) and not plain.endswith(("_runtime", "_per_second", "_preparation_time"))
        if name in training_figures or (name != plain and measured):
            figures[plain] = float(value)
    return figures
