"""A child process that does one job: the parent's side, and the one way to start one.

The job is a function of a module; it answers requests in order, see `maeumgyeol.processes.inside`. A child that reads
foreign files is sealed and limited, and its answers may be any bytes, so whoever reads them must check them. A child
that runs only our own work is neither; it is a process of its own because of its memory or its duration.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from maeumgyeol import private_files
from maeumgyeol.errors import AppError
from maeumgyeol.location import ROOT
from maeumgyeol.processes.inside import ANSWER, ERROR, FAULT, READY
from maeumgyeol.processes.limits import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from maeumgyeol.processes.limits import Limits

logger = logging.getLogger(__name__)

Reason = Literal["memory", "time", "ended", "garbage"]

MOST_ANSWER_BYTES = 1 << 27
"""A longer answer is none of ours, and is not read."""

_START = (
    "import gc, sys, json; gc.disable(); sys.path[:] = json.loads(sys.argv[1]); "
    "from maeumgyeol.processes.inside import main; main()"
)
"""Loading modules makes no garbage worth looking for: the cycle collector took a fifth of a start."""

_PART_BYTES = 1 << 20
_WATCH_SECONDS = 0.2
_START_SECONDS = 60.0
"""By the clock, until the job begins: what is loaded until then is ours, and a cold disk is slow."""

_KINDS = (READY, ANSWER, ERROR, FAULT)
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "HF_HOME", "HF_DATASETS_CACHE", "HF_HUB_OFFLINE")
_OF_READERS = {
    # One thread each: a reader runs beside the app, and every thread takes memory.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MALLOC_ARENA_MAX": "2",
    # Arrow's own allocator takes memory that the kernel's limit does not count.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONIOENCODING": "utf-8",
}


class ChildError(Exception):
    """A child ended without an answer.

    Args:
        reason: it took too much ``memory`` (detail: the limit in MB) or ``time``, ``ended`` by itself, or what it sent
            was ``garbage``.

    Attributes:
        code: of the message about a file that was being read, which names the file as well.
    """

    def __init__(self, reason: Reason, **details: int) -> None:
        super().__init__(f"{reason} {details}" if details else reason)
        self.code = f"reader_{reason}"
        self.details = details


class Child:
    """A child process that does one job; killed when the block ends, or with the thread that started it.

    Args:
        job: ``module:function``, called in the child with a `Channel` and the arguments.
        files: open files that the child inherits under the same numbers.
        libraries: modules to load before the child is sealed, because they can't be loaded afterwards.
        environment: variables of the child in addition to those that it inherits.
    """

    def __init__(
        self,
        job: str,
        arguments: dict[str, Any],
        limits: Limits = OWN,
        *,
        files: Sequence[int] = (),
        libraries: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._limits = limits
        self._is_ready = False
        self._reason: Reason | None = None
        their_requests, requests = os.pipe()
        answers, their_answers = os.pipe()
        self._requests = os.fdopen(requests, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb", buffering=0)
        try:
            self._process = self._start([their_requests, their_answers], files, environment or {})
        finally:
            os.close(their_requests)
            os.close(their_answers)
        if limits.memory_bytes is not None:
            threading.Thread(target=self._watch, args=(limits.memory_bytes,), name="watch-child", daemon=True).start()
        # Not on the command line, which every account of the computer can see.
        first_request = {"job": job, "arguments": arguments, "limits": asdict(limits), "libraries": libraries}
        self.send(json.dumps(first_request).encode())

    def _start(self, pipes: list[int], files: Sequence[int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        paths = json.dumps([str(ROOT), *filter(None, sys.path)])
        is_own = self._limits == OWN
        # Without -I, which would also make Python ignore its environment variables.
        flags = ["-P"] if is_own else ["-I", "-S"]
        return subprocess.Popen(
            [sys.executable, *flags, "-c", _START, paths, *map(str, (*pipes, os.getpid()))],
            pass_fds=[*pipes, *files],
            cwd="/",
            env={**(_environment_of_own() if is_own else self._environment_of_readers()), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Output of foreign code may quote a diary.
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the parent, and the child ends with the parent.
            process_group=0,
            umask=private_files.OTHERS,
        )

    def _environment_of_readers(self) -> dict[str, str]:
        variables = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
        return {**(variables if self._limits.is_sealed else os.environ), **_OF_READERS}

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def send(self, request: bytes) -> None:
        """Send a request; `receive` notices if it could not be delivered."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(len(request).to_bytes(4, "big") + request)

    def receive(self, *, wait_seconds: float | None = None) -> bytes:
        """Return the next answer.

        Args:
            wait_seconds: wall-clock time that the child may take; None for that of its limits.

        Raises:
            AppError: if the job raised one; of the same class if that is known here.
            ChildError: if there is no answer.
        """
        patience = wait_seconds or self._limits.wait_seconds or math.inf
        if not self._is_ready:  # only then does the job begin
            kind, payload = self._frame(max(_START_SECONDS, patience))
            self._is_ready = kind == READY
        if self._is_ready:
            kind, payload = self._frame(patience)
        if kind == ANSWER:
            return payload
        if kind == ERROR:
            raise _error_of(payload)
        if kind == FAULT and payload == b"memory":
            raise self._error("memory")
        logger.warning("A child process failed: %s", payload[:60].decode("ascii", "replace"))
        raise ChildError("ended" if kind == FAULT else "garbage")

    def _frame(self, patience: float) -> tuple[bytes, bytes]:
        until = time.monotonic() + patience
        head = self._read(5, until)
        length = int.from_bytes(head[1:], "big")
        if len(head) == 5 and (length > MOST_ANSWER_BYTES or head[:1] not in _KINDS):
            raise ChildError("garbage")
        payload = self._read(length, until) if len(head) == 5 else b""
        if len(head) < 5 or len(payload) < length:
            raise self._end()
        return head[:1], payload

    def _read(self, count: int, until: float) -> bytes:
        """Return `count` bytes; fewer if the child ends, or is killed because it takes too long."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        data = bytearray()
        while len(data) < count:
            remaining_seconds = until - time.monotonic()
            if not poll.poll(None if remaining_seconds == math.inf else max(0.0, 1000 * remaining_seconds)):
                self._kill("time")
                break
            part = self._answers.read(min(count - len(data), _PART_BYTES))
            if not part:
                break
            data += part
        return bytes(data)

    def _end(self) -> ChildError:
        """Return why there is no answer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self.close()
        status = self._process.returncode
        if self._reason is None and status == -signal.SIGXCPU:
            self._reason = "time"
        # No warning: whoever chose the file gets a message, which is all that a command may print.
        logger.info("A child process ended with %s (%s)", status, self._reason or "by itself")
        return self._error(self._reason or "ended")

    def _error(self, reason: Reason) -> ChildError:
        limit = self._limits.memory_bytes
        return ChildError(reason, **({"limit": limit // 1_000_000} if reason == "memory" and limit else {}))

    def _watch(self, most_bytes: int) -> None:
        """Kill the child if it takes too much memory, including memory that the kernel's limit doesn't count."""
        while self.is_running:
            if _memory_of(self.pid) > most_bytes:
                self._kill("memory")
            time.sleep(_WATCH_SECONDS)

    def _kill(self, reason: Reason) -> None:
        self._reason = self._reason or reason
        self._process.kill()

    def kill(self) -> None:
        """End the process, from any thread; a thread that waits in `receive` gets an error."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the child, whatever it is doing: it holds nothing that could be lost."""
        self.kill()
        self._requests.close()
        self._answers.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _environment_of_own() -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "1", **os.environ}


def _memory_of(pid: int) -> int:
    # Here, since most commands start no child whose memory is limited.
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _error_of(payload: bytes) -> Exception:
    """Return the error that a job raised; what doesn't look like one is garbage."""
    try:
        report = json.loads(payload)
        kind, code, details = report["kind"], report["code"], report["details"]
        if not all(isinstance(value, str | int | float) for value in (kind, code, *details.values())):
            return ChildError("garbage")
        kinds = {each.__name__: each for each in _kinds_below(AppError)}
        return kinds.get(kind, AppError)(str(code), **details)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ChildError("garbage")


def _kinds_below(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds_below(each)
