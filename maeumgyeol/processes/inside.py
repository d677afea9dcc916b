"""The child's side: takes its job, applies its limits to itself, and answers frame by frame.

A frame is a byte for its kind, four bytes for its length, and that many bytes. Nothing is unpickled, so that whatever
takes over a child can send nothing but bytes.
"""

from __future__ import annotations

import contextlib
import gc
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
        allowed: the limits, known once the job is.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = os.fdopen(requests, "rb")
        self._answers = os.fdopen(answers, "wb", buffering=0)
        self.allowed: Limits | None = None

    def receive(self) -> bytes | None:
        """Return the next request; None when the parent has no more."""
        length = self._requests.read(4)
        return self._requests.read(int.from_bytes(length, "big")) if len(length) == 4 else None

    def send(self, payload: bytes, kind: bytes = ANSWER) -> None:
        """Send one answer."""
        if self.allowed is not None:
            limits.allow_more_time(self.allowed)
        rest = memoryview(kind + len(payload).to_bytes(4, "big") + payload)
        while rest:
            rest = rest[self._answers.write(rest) :]

    def send_error(self, error: BaseException) -> None:
        """Send an error instead of an answer: code and details, or only its place, since its text may quote a diary."""
        if isinstance(error, AppError):
            report = {"kind": type(error).__name__, "code": error.code, "details": error.details}
            self.send(json.dumps(report).encode(), ERROR)
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
    # There is nothing to clean up, and what foreign code left behind is not worth waiting for.
    os._exit(0)


def _do(channel: Channel, first_request: dict[str, Any]) -> None:
    allowed = limits.Limits(**first_request["limits"])
    limits.apply(allowed)
    channel.allowed = allowed
    module, _, function = first_request["job"].partition(":")
    do = getattr(importlib.import_module(module), function)
    for name in first_request["libraries"]:
        with contextlib.suppress(ImportError, OSError):  # the job says what is missing
            importlib.import_module(name)
    gc.enable()  # again, after everything is loaded
    channel.send(b"", READY)
    if allowed.is_sealed:
        limits.stop_writing()
        sandbox.seal()
    do(channel, first_request["arguments"])
