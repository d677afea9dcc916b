"""How each deeper tier of a round tunes an encoder: with which loss and settings, on which weights of the examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from learner.encoders import fine_tuning
from learner.encoders.fine_tuning import TuningSet, TuningSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from learner.encoders.encoder import Checkpoint
    from learner.encoders.fine_tuning import Tuned
    from learner.encoders.pooled_encoder import Loss

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

STEPS = {"adapter": 48, "full": 240}
"""Steps of tuning below which a hundred labels change an encoder too little to be seen; more epochs make up for it."""

MOST_SECONDS = {"adapter": 3600.0, "full": 6 * 3600.0}
"""Ten times what a tier takes on two ordinary cores: on a slower computer tuning is given up."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a tier tunes.

    Attributes:
        loss: what the texts are taught.
        stops_early: whether the examples kept from tuning decide when it ends; otherwise it runs to its end.
    """

    settings: TuningSettings
    loss: Loss
    stops_early: bool


def way_of(tier: str, count: int) -> Way:
    """Return how a tier tunes on so many examples."""
    if tier == "full":
        # All weights of a layer move, so each step has to be smaller than an adapter's.
        settings = TuningSettings(adapter_rank=0, learning_rate=5e-5, patience=3, most_seconds=MOST_SECONDS[tier])
        return Way(_for_steps(settings, STEPS[tier], count, least=3), "softmax", stops_early=True)
    # A text is held against all others of its step, so more of them at once tell it more.
    settings = TuningSettings(adapted_layers=4, learning_rate=1e-3, batch_size=32, most_seconds=MOST_SECONDS[tier])
    return Way(_for_steps(settings, STEPS[tier], count, least=4), "contrast", stops_early=False)


def _for_steps(settings: TuningSettings, steps: int, count: int, *, least: int) -> TuningSettings:
    epochs = np.clip(np.ceil(steps / max(1, -(-count // settings.batch_size))), least, 20)
    return replace(settings, epochs=float(epochs))


def tune(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    targets: FloatArray,
    tuned_rows: IntArray,
    kept_rows: IntArray,
    way: Way,
    *,
    counted: FloatArray | None = None,
    folder: Path,
    seed: int,
    on_progress: Callable[[float], bool] = lambda share: True,
) -> Tuned:
    """Tune the encoder of a checkpoint on examples; see `learner.encoders.fine_tuning.tune`.

    Args:
        texts, targets: n examples, and (n, k) how sure each is of each label.
        counted: (n,) how much each example counts; None for 1.
        tuned_rows, kept_rows: places of the examples that it is tuned on, and of those kept from it.
    """

    def examples(rows: IntArray) -> TuningSet:
        weights = weigh(targets[rows], None if counted is None else counted[rows])
        return TuningSet([texts[i] for i in rows], targets[rows], weights)

    return fine_tuning.tune(
        checkpoint.model,
        checkpoint.tokenizer,
        examples(tuned_rows),
        examples(kept_rows) if way.stops_early and len(kept_rows) else None,
        way.settings,
        prefix=checkpoint.prefix,
        loss=way.loss,
        folder=folder,
        seed=seed,
        on_progress=on_progress,
    )


def weigh(targets: FloatArray, counted: FloatArray | None = None) -> FloatArray:
    """Return weights, (n,) of mean 1, by which each label counts the same in total, up to a factor of ten.

    Args:
        counted: (n,) how much each example counts to begin with; None for 1.
    """
    own = np.ones(len(targets), np.float32) if counted is None else counted
    weights = (targets / np.maximum((targets * own[:, None]).sum(axis=0), 1e-9)).sum(axis=1)
    weights = np.minimum(weights, 10 * weights.min(initial=np.inf)) * own
    return np.asarray(weights / weights.mean(), np.float32)
