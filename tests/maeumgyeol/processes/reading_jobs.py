"""Jobs of a child process that do what a parser does that a file has taken over."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel


def answer(channel: Channel, arguments: dict[str, Any]) -> None:
    """Answer as a good job does, by threads of its own too."""
    channel.send(str(os.getpid()).encode())
    while (request := channel.receive()) is not None:
        thread = threading.Thread(target=channel.send, args=(request[::-1],))
        thread.start()
        thread.join()


def misbehave(channel: Channel, arguments: dict[str, Any]) -> None:
    """End badly, or never."""
    _MISDEEDS[arguments["how"]](channel)


def attempt(channel: Channel, arguments: dict[str, Any]) -> None:
    """Answer with what came of an attempt to get out: ``done``, or the kind of the error."""
    if arguments["below"]:  # as foreign code does, which Python's own checks don't see
        result = _LIBC[arguments["what"]](arguments)
        channel.send(b"done" if result != -1 else os.strerror(ctypes.get_errno()).encode())
        return
    try:
        _ATTEMPTS[arguments["what"]](arguments)
    except OSError as error:
        channel.send(type(error).__name__.encode())
    else:
        channel.send(b"done")


def _flood(channel: Channel) -> None:
    kept = []
    while True:
        kept.append(b"x" * 50_000_000)


def _flood_shared(channel: Channel) -> None:
    # Shared pages are none of those that the kernel's limit counts.
    with mmap.mmap(-1, 3_000_000_000) as pages:
        for place in range(0, len(pages), 4096):
            pages[place] = 1
        time.sleep(60)


def _loop(channel: Channel) -> None:
    while True:
        pass


def _drip(channel: Channel) -> None:
    os.write(_answers(channel), b"a\0\0")
    time.sleep(600)


def _raise_secret(channel: Channel) -> None:
    raise KeyError("the text of a diary")


def _raise_strange(channel: Channel) -> None:
    channel.send(b'{"kind": "user", "code": ["x"], "details": {"a": [1]}}', b"e")


def _answers(channel: Channel) -> int:
    return channel._answers.fileno()


_MISDEEDS = {
    "abort": lambda channel: os.abort(),
    "crash": lambda channel: ctypes.string_at(0),
    "leave": lambda channel: os._exit(0),
    "killed": lambda channel: os.kill(os.getpid(), signal.SIGKILL),
    "killed by the kernel": lambda channel: ctypes.CDLL(None).kill(os.getpid(), signal.SIGKILL),
    "memory": _flood,
    "shared memory": _flood_shared,
    "loop": _loop,
    "sleep": lambda channel: time.sleep(600),
    "half a frame": _drip,
    "deep recursion": lambda channel: sys.setrecursionlimit(1 << 30) or json.loads("[" * 10_000_000),
    "garbage": lambda channel: os.write(_answers(channel), b"\x80\x04cos\nsystem\n" * 1000) and time.sleep(60),
    "endless frame": lambda channel: os.write(_answers(channel), b"a\xff\xff\xff\xff" + b"x" * 1000) and time.sleep(60),
    "strange error": _raise_strange,
    "error with a text": _raise_secret,
}


def _connect(arguments: dict[str, Any]) -> None:
    with socket.create_connection(("127.0.0.1", arguments["port"]), timeout=5):
        pass


_ATTEMPTS = {
    "write a new file": lambda told: Path(told["path"] + ".new").write_text("a"),
    "change a file": lambda told: Path(told["path"]).write_text("a"),
    "remove a file": lambda told: Path(told["path"]).unlink(),
    "rename a file": lambda told: Path(told["path"]).rename(told["path"] + ".gone"),
    "make a folder": lambda told: Path(told["path"] + ".folder").mkdir(),
    "open access to a file": lambda told: Path(told["path"]).chmod(0o777),
    "write to a file that it was handed": lambda told: os.write(told["file"], b"changed"),
    "connect": _connect,
    "run a program": lambda told: subprocess.run(["/bin/true"], check=False),
    "fork": lambda told: os._exit(0) if os.fork() == 0 else None,
    "kill the parent": lambda told: os.kill(os.getppid(), 0),
    "read a file": lambda told: Path(told["path"]).read_text(),
}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


_LIBC = {
    "write a new file": lambda told: _libc().open((told["path"] + ".new").encode(), os.O_WRONLY | os.O_CREAT, 0o600),
    "change a file": lambda told: _libc().open(told["path"].encode(), os.O_RDWR),
    "remove a file": lambda told: _libc().unlink(told["path"].encode()),
    "rename a file": lambda told: _libc().rename(told["path"].encode(), (told["path"] + ".gone").encode()),
    "make a folder": lambda told: _libc().mkdir((told["path"] + ".folder").encode(), 0o700),
    "open access to a file": lambda told: _libc().chmod(told["path"].encode(), 0o777),
    "write to a file that it was handed": lambda told: _libc().write(told["file"], b"changed", 7),
    "connect": lambda told: _libc().socket(socket.AF_INET, socket.SOCK_STREAM, 0),
    "run a program": lambda told: _libc().execv(b"/bin/true", (ctypes.c_char_p * 2)(b"true", None)),
    "fork": lambda told: _libc().fork(),
    "kill the parent": lambda told: _libc().kill(os.getppid(), 0),
    "read a file": lambda told: _libc().open(told["path"].encode(), os.O_RDONLY),
}
