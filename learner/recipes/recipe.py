"""Recipes: how a published emotion classifier was trained, as a readable file of settings.

The files in `learner/recipes/` hold what their write-ups state; what a write-up leaves open has the default given
here, which is that of the transformers Trainer.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Every = Literal["epoch"] | Count


class _Table(BaseModel):
    """A table of a recipe; a key that it doesn't know is an error, and so is a value of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(_Table):
    """What is read from a labelled file, and what is set aside to measure on.

    Rows without text or label are left out. White space around labels is stripped.

    Attributes:
        text: columns, joined with a space.
        encoding: of a CSV or TSV file; None finds it out.
        classes: in their order; none takes the labels in order of appearance.
        share: of each file, drawn with `seed` as pandas' `sample` does.
        trial_share, trial_rows: what a trial takes: a drawn share of the file, or its first rows.
        validation: a file of its own, or a random or stratified `validation_share` of the rows, drawn with `seed`.
    """

    text: Annotated[Names, Field(min_length=1)]
    label: str
    encoding: str | None = None
    classes: Names = ()
    share: Share = 1.0
    trial_share: Share | None = None
    trial_rows: Count | None = None
    validation: Literal["file", "random", "stratified"]
    validation_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @model_validator(mode="after")
    def _has_a_share(self) -> Data:
        if (self.validation == "file") != (self.validation_share is None):
            # pydantic makes a ValidationError of it.
            raise ValueError("validation_share goes with a random or stratified validation")
        return self


class Model(_Table):
    """Which checkpoint is used, and how.

    Attributes:
        checkpoint: hub name, folder or ``bundled``.
        max_tokens: longer texts are cut; None cuts at the model's maximum.
        dropout: before the head; None leaves it as the checkpoint has it.
    """

    checkpoint: str
    max_tokens: Annotated[int, Field(ge=3)] | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None


class Training(_Table):
    """How the whole checkpoint is trained.

    Attributes:
        optimizer: ``adamw``, or torch's plain ``adam``.
        weight_decay: on matrices, not on biases and LayerNorm.
        warmup_steps, warmup_share: steps, or share of them, in which the learning rate rises; at most one of the two.
        gradient_clip: largest norm of a gradient; 0 clips nothing.
        evaluate_every, save_every, log_every: steps, or each epoch.
        keep: checkpoints on disk at the same time.
        best_by: figure of the checkpoint that is reloaded at the end; None keeps the last weights.
        patience: evaluations without a gain above `threshold` after which training stops; None never stops.
        measure_training: measures the training texts at each evaluation, too.
    """

    epochs: Annotated[float, Field(gt=0)] = 3.0
    batch_size: Count = 8
    evaluation_batch_size: Count = 8
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["linear", "cosine", "cosine_with_restarts", "constant"] = "linear"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    gradient_clip: Annotated[float, Field(ge=0)] = 1.0
    evaluate_every: Every = "epoch"
    save_every: Every = "epoch"
    log_every: Every = "epoch"
    keep: Count = 1
    best_by: Literal["loss", "accuracy", "macro_f1", "micro_f1", "weighted_f1"] | None = None
    patience: Count | None = None
    threshold: Annotated[float, Field(ge=0)] = 0.0
    measure_training: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Training:
        if self.warmup_steps and self.warmup_share:
            raise ValueError("warmup_steps and warmup_share exclude each other")
        if self.patience and self.best_by is None:
            raise ValueError("patience needs best_by")
        if self.optimizer == "adam" and self.weight_decay:
            raise ValueError("weight_decay goes with adamw")
        if self.best_by is not None and not _meets(self.save_every, self.evaluate_every):
            raise ValueError("with best_by, save_every must be a multiple of evaluate_every")
        return self


def _meets(save: int | str, evaluate: int | str) -> bool:
    """Return whether every checkpoint is measured when it is written."""
    if isinstance(save, int) and isinstance(evaluate, int):
        return save % evaluate == 0
    return save == evaluate


class Features(_Table):
    """How a logistic regression is trained on frozen features.

    Attributes:
        iterations: most of the solver.
    """

    iterations: Count


class Example(_Table):
    """An unseen text that the trained model answers; `label` is what the write-up's model said."""

    text: str
    label: str | None = None


class Recipe(_Table):
    """One published classifier: exactly one of `training` and `features`.

    Attributes:
        seed: of everything that training draws.
        reported: figures of the write-up.
    """

    name: str
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    data: Data
    model: Model
    training: Training | None = None
    features: Features | None = None
    examples: Annotated[tuple[Example, ...], Field(strict=False)] = ()
    reported: dict[str, float] = {}

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Recipe:
        if (self.training is None) == (self.features is None):
            raise ValueError("a recipe has either [training] or [features]")
        return self


def list_names() -> list[str]:
    """Return the names of the recipes that come with the software, sorted."""
    return sorted(path.stem.upper() for path in FOLDER.glob("*.toml"))


def read_text(name: str) -> str:
    """Return the file of a recipe as it is.

    Args:
        name: of a recipe that comes with the software, in any case, or the path of a ``.toml`` file.

    Raises:
        LearnerError: `recipe_unknown`, or `recipe_unreadable` for a file that can't be read.
    """
    own = name.endswith(".toml")
    if not own and name.upper() not in list_names():
        raise LearnerError("recipe_unknown", name=name, known=", ".join(list_names()))
    path = Path(name) if own else FOLDER / f"{name.lower()}.toml"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise LearnerError("recipe_unreadable", name=path.name, reason=type(error).__name__) from error


def load(
    name: str, changes: dict[str, Any] | None = None, *, parse: Callable[[str], dict[str, Any]] = tomllib.loads
) -> Recipe:
    """Read and check a recipe.

    Args:
        name: as for `read_text`.
        changes: settings in place of the recipe's, by dotted key: ``{"training.epochs": 1}``.
        parse: reads TOML; raises ValueError for what is none.

    Raises:
        LearnerError: `recipe_invalid` names the first key that is unknown, missing or of a wrong kind.
    """
    try:
        table = parse(read_text(name))
    except ValueError as error:
        raise LearnerError("recipe_invalid", name=name, key="TOML", reason=str(error)) from error
    for key, value in (changes or {}).items():
        _put(table, key, value)
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "-"
        raise LearnerError("recipe_invalid", name=name, key=key, reason=first["msg"]) from error


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *outer, last = key.split(".")
    for part in outer:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise LearnerError("recipe_invalid", name=table.get("name", "-"), key=key, reason=part)
        table = inner
    table[last] = value


def read_change(change: str) -> tuple[str, Any]:
    """Read ``KEY=VALUE``; the value is written as in TOML, or is plain text.

    Raises:
        LearnerError: `recipe_change_unreadable` where there is no ``=``.
    """
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise LearnerError("recipe_change_unreadable", change=change[:60])
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value
