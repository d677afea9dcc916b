"""The child that reads foreign files: what it may use, and what becomes of one that wants more."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from maeumgyeol.processes.child import Child, ChildError
from maeumgyeol.processes.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits(300_000_000, cpu_seconds=3, total_cpu_seconds=20, wait_seconds=20)

_ON_LINUX = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")


@pytest.fixture(autouse=True)
def _jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


def start(job: str, limits: Limits = LIMITS, *, files: tuple[int, ...] = (), **arguments: Any) -> Child:
    return Child(f"reading_jobs:{job}", arguments, limits, files=files)


def test_a_job_answers_request_after_request_also_from_its_threads() -> None:
    with start("answer") as child:
        assert int(child.receive()) == child.pid
        for request in (b"abc", b"", bytes(range(256)) * 4_000):
            child.send(request)
            assert child.receive() == request[::-1]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("abort", "ended"),
        ("crash", "ended"),
        ("leave", "ended"),
        ("killed", "ended"),
        ("killed by the kernel", "ended"),
        ("memory", "memory"),
        ("shared memory", "memory"),
        ("loop", "time"),
        ("deep recursion", "ended"),
        ("garbage", "garbage"),
        ("endless frame", "garbage"),
        ("strange error", "garbage"),
        ("error with a text", "ended"),
    ],
)
def test_whatever_a_job_does_it_ends_alone_and_with_a_reason(
    how: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with start("misbehave", how=how) as child, pytest.raises(ChildError) as caught:
        child.receive()
    assert caught.value.code == f"reader_{reason}"
    assert "diary" not in caplog.text
    assert not psutil.pid_exists(child.pid)


@pytest.mark.parametrize("how", ["sleep", "half a frame"])
def test_a_job_that_says_nothing_is_ended_by_the_clock(how: str) -> None:
    began = time.monotonic()
    with start("misbehave", replace(LIMITS, wait_seconds=1), how=how) as child, pytest.raises(ChildError) as caught:
        child.receive()
    assert caught.value.code == "reader_time"
    assert time.monotonic() - began < 30


def test_time_in_which_nothing_was_asked_is_not_counted() -> None:
    with start("answer", replace(LIMITS, wait_seconds=2)) as child:
        child.receive()
        time.sleep(3)
        child.send(b"ab")
        assert child.receive() == b"ba"


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


_WAYS_OUT = [
    "write a new file",
    "change a file",
    "remove a file",
    "rename a file",
    "make a folder",
    "open access to a file",
    "write to a file that it was handed",
    "connect",
    "run a program",
    "fork",
    "kill the parent",
]


@pytest.mark.parametrize("what", _WAYS_OUT)
@pytest.mark.parametrize(
    "below", [False, pytest.param(True, marks=pytest.mark.skipif(not _ON_LINUX, reason="seccomp"))]
)
def test_a_job_can_not_get_out_neither_by_python_nor_by_the_kernel(tmp_path: Path, what: str, below: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_text("as it was")
    before = path.stat().st_mode
    with path.open("r+b") as file, listening() as port:
        told = {"what": what, "below": below, "path": str(path), "file": file.fileno(), "port": port}
        with start("attempt", files=(file.fileno(),), **told) as child:
            assert child.receive() in (b"PermissionError", b"OSError", b"Operation not permitted", b"File too large")
    assert (path.read_text(), path.stat().st_mode) == ("as it was", before)
    assert list(tmp_path.iterdir()) == [path]


# A program that the kernel alone starts takes the place of the job, which then can't say so.
_REPORTED = [(what, below) for what in _WAYS_OUT for below in (False, True) if (what, below) != ("run a program", True)]


@pytest.mark.parametrize(("what", "below"), _REPORTED)
def test_without_the_seal_each_of_these_attempts_succeeds(tmp_path: Path, what: str, below: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_text("as it was")
    with path.open("r+b") as file, listening() as port:
        told = {"what": what, "below": below, "path": str(path), "file": file.fileno(), "port": port}
        with start("attempt", replace(LIMITS, is_sealed=False), files=(file.fileno(),), **told) as child:
            assert child.receive() == b"done"


def test_a_job_may_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    for below in (False, True):
        with start("attempt", what="read a file", below=below, path=str(tmp_path / "a.txt")) as child:
            assert child.receive() == b"done"


def test_a_child_that_is_killed_from_outside_is_noticed_at_once() -> None:
    with start("answer") as child:
        child.receive()
        threading.Timer(0.2, os.kill, (child.pid, signal.SIGKILL)).start()
        began = time.monotonic()
        with pytest.raises(ChildError) as caught:
            child.receive()
    assert caught.value.code == "reader_ended"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("how", ["sleep", "loop"])
def test_a_child_ends_with_its_parent_whatever_it_is_doing(how: str) -> None:
    script = (
        "import sys; from maeumgyeol.processes.child import Child; from maeumgyeol.processes.limits import Limits;"
        f"child = Child('reading_jobs:misbehave', {{'how': '{how}'}}, Limits(10**9, 600, 600, 600.0));"
        "print(child.pid, flush=True); child.receive()"
    )
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.5)
        parent.kill()
    assert child.wait(timeout=20) is None


def test_what_a_child_is_told_is_not_in_its_command_line() -> None:
    with start("answer", secret="이름.csv") as child:
        child.receive()
        assert "이름" not in " ".join(psutil.Process(child.pid).cmdline())


def test_a_child_leaves_no_file_open_and_no_process_behind() -> None:
    before = len(psutil.Process().open_files()), psutil.Process().num_fds(), len(psutil.Process().children())
    for how in ("abort", "garbage", "error with a text"):
        with start("misbehave", how=how) as child, pytest.raises(ChildError):
            child.receive()
    after = len(psutil.Process().open_files()), psutil.Process().num_fds(), len(psutil.Process().children())
    assert after == before
