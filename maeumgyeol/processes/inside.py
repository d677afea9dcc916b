"""The child's side: takes its job, puts itself under its limits, and answers frame by frame.

A frame is a byte that says what it is, four bytes of length, and as many bytes. Nothing is unpickled here: whatever
has taken over a child can send no more than bytes.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from maeumgyeol.errors import AppError, where
from maeumgyeol.processes import limits, sandbox

if TYPE_CHECKING:
    from maeumgyeol.processes.limits import Limits

READY, ANSWER, ERROR, FAULT = b"r", b"a", b"e", b"f"


class Channel:
    """The pipes to the parent.

    Attributes:
        allowed: what may be used, known once the job is.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = os.fdopen(requests, "rb")
        self._answers = os.fdopen(answers, "wb", buffering=0)
        self.allowed: Limits | None = None

    def receive(self) -> bytes | None:
        """Return the next request, None when the parent has no more."""
        length = self._requests.read(4)
        return self._requests.read(int.from_bytes(length, "big")) if len(length) == 4 else None

    def send(self, payload: bytes, kind: bytes = ANSWER) -> None:
        """Send one answer."""
        if self.allowed is not None:
            limits.allow_more_time(self.allowed)
        left = memoryview(kind + len(payload).to_bytes(4, "big") + payload)
        while left:
            left = left[self._answers.write(left) :]

    def send_error(self, error: BaseException) -> None:
        """Send an error in the place of an answer: never its text, which may quote a diary, but where it has a code."""
        if isinstance(error, AppError):
            told = {"kind": type(error).__name__, "code": error.code, "details": error.details}
            self.send(json.dumps(told).encode(), ERROR)
        else:
            self.send(b"memory" if isinstance(error, MemoryError) else where(error).encode("utf-8", "replace"), FAULT)


def main() -> None:
    """Do the job that the first request names."""
    requests, answers, parent = map(int, sys.argv[2:])
    limits.die_with_parent(parent)
    channel = Channel(requests, answers)
    try:
        _do(channel, json.loads(channel.receive() or b""))
    except BrokenPipeError:
        pass
    except BaseException as error:
        channel.send_error(error)
    # Nothing is left to be tidied up, and what foreign code left behind is not worth waiting for.
    os._exit(0)


def _do(channel: Channel, told: dict[str, Any]) -> None:
    allowed = limits.Limits(**told["limits"])
    limits.apply(allowed)
    channel.allowed = allowed
    module, _, function = told["job"].partition(":")
    do = getattr(importlib.import_module(module), function)
    for name in told["libraries"]:
        with contextlib.suppress(ImportError, OSError):  # the job says what is missing
            importlib.import_module(name)
    channel.send(b"", READY)
    if allowed.is_sealed:
        limits.stop_writing()
        sandbox.seal()
    do(channel, told["arguments"])
