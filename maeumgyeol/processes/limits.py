"""What a child process may use, and the kernel's part in enforcing it.

Imported by the child before anything else, so it uses only the standard library.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass

_OPEN_FILES = 1_024
_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use; None for no limit.

    Attributes:
        memory_bytes: private memory.
        cpu_seconds: processor time from one answer to the next.
        total_cpu_seconds: processor time over its whole life.
        wait_seconds: wall-clock time that the parent waits for one answer.
        is_sealed: no network, no writing, no other process; see `maeumgyeol.processes.sandbox`.
    """

    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    total_cpu_seconds: int | None = None
    wait_seconds: float | None = None
    is_sealed: bool = True


OWN = Limits(is_sealed=False)
"""Of a child that does our own work on our own data: it is a process for its memory's sake, or for its duration's."""


def apply(limits: Limits) -> None:
    """Apply the limits to this process; those of the kernel can't be raised again."""
    # A core dump would leave diaries on the disk.
    _set("RLIMIT_CORE", 0)
    if limits.memory_bytes is not None:
        _set("RLIMIT_NOFILE", _OPEN_FILES)
        # Not RLIMIT_AS: libraries reserve far more addresses than they use. macOS ignores both; the watchdog doesn't.
        _set("RLIMIT_DATA", limits.memory_bytes)
    if limits.total_cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (limits.total_cpu_seconds, limits.total_cpu_seconds))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+") as file:
        file.write("1000")  # if memory runs out, this process is killed, not the app


def stop_writing() -> None:
    """Stop this process from growing or changing any file, even those already open; pipes still work."""
    _set("RLIMIT_FSIZE", 0)


def allow_more_time(limits: Limits) -> None:
    """Restart the processor time that is allowed until the next answer."""
    if limits.cpu_seconds is None or limits.total_cpu_seconds is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + limits.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (min(until, limits.total_cpu_seconds), limits.total_cpu_seconds))


def die_with_parent(parent: int) -> None:
    """End this process when the one that started it ends, whatever it is doing.

    On Linux the kernel does so even while foreign code holds the interpreter; there, the thread that started this
    process counts as its parent.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _set(name: str, most: int) -> None:
    kind = getattr(resource, name)
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):  # the system has the name only; the watchdog remains
        resource.setrlimit(kind, (most, most))
