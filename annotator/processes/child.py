"""A child process with limits: the parent's side.

The child does one job, a function of a module, and answers requests in order; see `annotator.processes.inside`. Its
answers are bytes that anything may have written, so whoever reads them checks them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import psutil

from annotator.errors import UserError
from annotator.processes.inside import ANSWER, ERROR, FAULT, READY
from learner.errors import LearnerError
from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.processes.limits import Limits

logger = logging.getLogger(__name__)

Reason = Literal["memory", "time", "ended", "garbage"]

MOST_ANSWER_BYTES = 1 << 27
"""A longer answer is none of ours, and is not read."""

_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from annotator.processes.inside import main; main()"
_WATCH_SECONDS = 0.2
_START_SECONDS = 60.0
"""By the clock, until the job begins: what is loaded until then is ours, and a cold disk is slow."""

_KINDS = (READY, ANSWER, ERROR, FAULT)
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE")
_ENVIRONMENT = {
    # One thread each: a reader works beside the app, and every thread takes memory.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_ARENA_MAX": "2",
    # Arrow's own allocator takes memory that the kernel's limit does not see as such.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONIOENCODING": "utf-8",
}


class ChildError(Exception):
    """A child ended without an answer.

    Args:
        reason: it took too much ``memory`` (detail: the limit in MB) or ``time``, ``ended`` by itself, or what it sent
            was ``garbage``.

    Attributes:
        code: of the sentence for people, which names the file as well.
    """

    def __init__(self, reason: Reason, **details: int) -> None:
        super().__init__(f"{reason} {details}" if details else reason)
        self.code = f"reader_{reason}"
        self.details = details


class Child:
    """A child that does one job; killed when the block ends, or with the thread that started it.

    Args:
        job: ``module:function``, called in the child with a `Channel` and the arguments.
        files: open files that the child inherits under the same numbers.
        libraries: loaded before the child is sealed, for those that can't be loaded afterwards.
    """

    def __init__(
        self,
        job: str,
        arguments: dict[str, Any],
        limits: Limits,
        *,
        files: Sequence[int] = (),
        libraries: Sequence[str] = (),
    ) -> None:
        self._limits = limits
        self._asked_at: float | None = None
        self._patience = max(_START_SECONDS, limits.wait_seconds)
        self._reason: Reason | None = None
        their_requests, requests = os.pipe()
        answers, their_answers = os.pipe()
        self._requests = os.fdopen(requests, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        try:
            self._process = self._start([their_requests, their_answers], files)
        finally:
            os.close(their_requests)
            os.close(their_answers)
        threading.Thread(target=self._watch, name="watch-child", daemon=True).start()
        # Not in the command line, which every account of the computer can see.
        told = {"job": job, "arguments": arguments, "limits": asdict(limits), "libraries": libraries}
        self.send(json.dumps(told).encode())

    def _start(self, pipes: list[int], files: Sequence[int]) -> subprocess.Popen[bytes]:
        paths = json.dumps([str(ROOT), *filter(None, sys.path)])
        sealed = self._limits.is_sealed
        kept = {key: os.environ[key] for key in _PASSED_ON if key in os.environ} if sealed else os.environ
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, paths, *map(str, (*pipes, os.getpid()))],
            pass_fds=[*pipes, *files],
            cwd="/",
            env={**kept, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # What foreign code says may quote a diary.
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the parent; the child ends with it.
            process_group=0,
        )

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def send(self, request: bytes) -> None:
        """Send a request; one that can't be delivered is noticed by `receive`."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(len(request).to_bytes(4, "big") + request)

    def receive(self) -> bytes:
        """Return the next answer.

        Raises:
            UserError, LearnerError: what the job raised.
            ChildError: if there is no answer.
        """
        self._asked_at = time.monotonic()
        try:
            kind, payload = self._frame()
            if kind == READY:  # only now does the job begin
                self._asked_at, self._patience = time.monotonic(), self._limits.wait_seconds
                kind, payload = self._frame()
        finally:
            self._asked_at = None
        if kind == ANSWER:
            return payload
        if kind == ERROR:
            raise _told(payload)
        if kind == FAULT and payload == b"memory":
            raise self._error("memory")
        logger.warning("A reading process failed: %s", payload[:60].decode("ascii", "replace"))
        raise ChildError("ended" if kind == FAULT else "garbage")

    def _frame(self) -> tuple[bytes, bytes]:
        head = self._answers.read(5)
        length = int.from_bytes(head[1:], "big")
        if len(head) == 5 and (length > MOST_ANSWER_BYTES or head[:1] not in _KINDS):
            raise ChildError("garbage")
        payload = self._answers.read(length) if len(head) == 5 else b""
        if len(head) < 5 or len(payload) < length:
            raise self._end()
        return head[:1], payload

    def _end(self) -> ChildError:
        """Return why there is no answer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self.close()
        status = self._process.returncode
        if self._reason is None and status == -signal.SIGXCPU:
            self._reason = "time"
        # No warning: whoever chose the file is told in a sentence, which is all that a command may say.
        logger.info("A reading process ended with %s (%s)", status, self._reason or "by itself")
        return self._error(self._reason or "ended")

    def _error(self, reason: Reason) -> ChildError:
        return ChildError(reason, **({"limit": self._limits.memory_bytes // 1_000_000} if reason == "memory" else {}))

    def _watch(self) -> None:
        """Kill a child that lets the parent wait for too long, or takes what the kernel's limit doesn't count."""
        while self._process.poll() is None:
            asked_at = self._asked_at
            if asked_at is not None and time.monotonic() - asked_at > self._patience:
                self._kill("time")
            elif _memory_of(self.pid) > self._limits.memory_bytes:
                self._kill("memory")
            time.sleep(_WATCH_SECONDS)

    def _kill(self, reason: Reason) -> None:
        self._reason = self._reason or reason
        self._process.kill()

    def close(self) -> None:
        """End the child, whatever it is doing: it holds nothing that could be lost."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._answers.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _memory_of(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _told(payload: bytes) -> Exception:
    """Return the error that a job raised; what doesn't look like one is garbage."""
    try:
        told = json.loads(payload)
        code, details = told["code"], told["details"]
        kinds = {"user": UserError, "learner": LearnerError}
        if not all(isinstance(value, str | int | float) for value in details.values()):
            return ChildError("garbage")
        return kinds[told["kind"]](str(code), **details)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ChildError("garbage")
