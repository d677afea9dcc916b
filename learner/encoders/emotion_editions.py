"""The editions of the emotion-aware encoder: the bundled one with an adapter that was tuned on Korean emotions.

A project stays with the edition that it began with, since another one has other vectors: when the program is updated,
nothing is encoded anew and every version goes on answering.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

FIRST = "bundled-emotion"
SECOND = "bundled-emotion-2"

FOLDERS = {FIRST: _HERE / "emotion", SECOND: _HERE / "emotion_2"}
"""Where each is shipped: ``adapter.safetensors``, its head, the hashes of the texts that it saw, and its card."""

JOINED_LAYERS = {SECOND: 8}
"""The layer whose states stand beside those of the last one; see `learner.encoders.joined_layers`."""
