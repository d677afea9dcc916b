"""The child's side of `annotator.serving.sound`: the one place where recordings are decoded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from learner.speech import read

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel

_PART_SAMPLES = 4_000_000


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Send the samples in parts, an empty one at the end."""
    number = arguments["file"]
    samples = read(os.pread(number, os.fstat(number).st_size, 0))
    for at in range(0, len(samples), _PART_SAMPLES):
        channel.send(samples[at : at + _PART_SAMPLES].tobytes())
    channel.send(b"")
