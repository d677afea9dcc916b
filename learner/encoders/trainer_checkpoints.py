"""The folder in which the Trainer keeps its checkpoints: where to resume, and which run has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maeumgyeol import private_files

if TYPE_CHECKING:
    from torch import nn

    Losses = tuple[tuple[int, float | None, float | None], ...]

_END = "ended.json"
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class End:
    """How a run of training ended.

    Attributes:
        checkpoint: folder of its best weights.
        losses: (step, training loss or None, validation loss or None), as logged.
    """

    checkpoint: Path
    losses: Losses


def find_newest(folder: Path) -> str | None:
    """Return the newest checkpoint that was written to its end; the Trainer writes its state last."""
    checkpoints = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_whole(path)]
    return str(max(checkpoints, key=lambda path: int(path.name.split("-")[1]))) if checkpoints else None


def _is_whole(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except ValueError:
        return False
    return True


def note_end(folder: Path, best: str | None, losses: Losses) -> None:
    """Note that a run has ended; without the note, an early stop would be followed by more training.

    Args:
        best: folder of the best checkpoint; None takes the newest.
    """
    checkpoint = best or find_newest(folder)
    if checkpoint is None:
        return
    written = folder / f"{_END}.part"
    private_files.write_text(written, json.dumps({"checkpoint": Path(checkpoint).name, "losses": losses}))
    # Renamed when whole, so that a note is never cut off.
    written.replace(folder / _END)


def find_end(folder: Path) -> End | None:
    """Return how the run of this folder ended, or None while it has not."""
    try:
        note = json.loads((folder / _END).read_text())
    except (OSError, ValueError):
        return None
    checkpoint = folder / note["checkpoint"]
    if not (checkpoint / _WEIGHTS).is_file():
        return None
    return End(checkpoint, tuple((int(step), trained, measured) for step, trained, measured in note["losses"]))


def load_weights(model: nn.Module, checkpoint: Path) -> None:
    """Put the weights of a checkpoint into a model."""
    from safetensors.torch import load_file

    # Tensors that share memory are stored once, so that not every name is there.
    model.load_state_dict(load_file(checkpoint / _WEIGHTS), strict=False)
