"""Audio of a recording, decoded in a child process like all untrusted input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from annotator.errors import UserError
from annotator.formats import source
from maeumgyeol.processes.child import Child, ChildError
from maeumgyeol.processes.limits import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_JOB = "annotator.serving.sound_job:serve"
_LIBRARIES = ("soundfile",)
_LIMITS = Limits(memory_bytes=3_000_000_000, cpu_seconds=60, total_cpu_seconds=120, wait_seconds=120)
"""Half an hour in two channels takes a gigabyte while its rate is changed, and some seconds."""


def read(data: bytes) -> NDArray[np.float32]:
    """Return audio as `learner.speech.read` does.

    Raises:
        LearnerError: as that does.
        UserError: if its reader had to be stopped.
    """
    file = source.keep(data)
    parts = []
    try:
        arguments = {"file": file.number}
        with Child(_JOB, arguments, _LIMITS, files=[file.number], libraries=_LIBRARIES) as child:
            while part := child.receive():
                parts.append(np.frombuffer(part, np.float32))
    except (ChildError, ValueError) as error:
        raise UserError("sound_unreadable") from error
    return np.concatenate(parts)
