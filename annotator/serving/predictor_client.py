"""The app's end of the process that answers about texts that are tried: started when needed, ended when idle.

Why a process: what answers loads torch and an encoder, which the app's own process never does. A text goes to it
through a socket and is written nowhere. The other end is `annotator.serving.predictor_process`.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from queue import Empty, PriorityQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from annotator.errors import UserError
from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

_IDLE_SECONDS = 600.0
"""After this long without a question the child, which holds an encoder, ends."""

_START = "from annotator.serving.predictor_process import main; main()"
"""Not ``-m``: what the child sends would then be of its own kind, `__main__`, and could not be read here."""


_WARM_UP = ("load", "warm_up")
"""Methods of `annotator.serving.predictor_process.Desk` that load ahead: in steps, so that a question waits for one at
most."""


class _Question(NamedTuple):
    """What the child is asked; those of people go before what is loaded ahead, and earlier ones before later ones."""

    is_ahead: bool
    number: int
    future: Future[Any]
    name: str
    arguments: tuple[Any, ...]


class Child:
    """The child process of one database; questions are answered one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._questions: PriorityQueue[_Question] = PriorityQueue()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._warming: Future[Any] | None = None
        # A thread of a pool would hold up the end of the app until the answer is there.
        threading.Thread(target=self._serve, name="trying", daemon=True).start()

    @property
    def is_warm(self) -> bool:
        """Whether a question would be answered without loading anything first."""
        return self._runs and self._warming is not None and self._warming.done()

    @property
    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask(self, name: str, *arguments: Any) -> Future[Any]:
        """Ask a question, which is answered after those before it.

        Args:
            name: of a method of `annotator.serving.predictor_process.Desk`.
        """
        return self._put(name, arguments, is_ahead=False)

    def warm_up(self) -> None:
        """Begin to load what the first question will need, unless that has been done."""
        if self._warming is None or (self._warming.done() and not self._runs):
            for name in _WARM_UP:
                self._warming = self._put(name, (), is_ahead=True)

    def _put(self, name: str, arguments: tuple[Any, ...], *, is_ahead: bool) -> Future[Any]:
        future: Future[Any] = Future()
        self._questions.put(_Question(is_ahead, next(self._numbers), future, name, arguments))
        return future

    def _serve(self) -> None:
        while True:
            try:
                _, _, future, name, arguments = self._questions.get(timeout=_IDLE_SECONDS if self._runs else None)
            except Empty:
                self.end()
                continue
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._ask(name, arguments))
            except Exception as error:
                future.set_exception(error)

    def _ask(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if not self._runs:
            self._start()
        assert self._connection is not None
        try:
            self._connection.send((name, arguments))
            kind, value = self._connection.recv()
        except (EOFError, OSError) as error:
            # Ended from outside, perhaps for the memory it took; the next question starts another.
            self.end()
            raise UserError("trying_ended") from error
        if kind == "error":
            raise UserError(value["code"], **value["details"])
        return value

    def _start(self) -> None:
        self._connection, there = multiprocessing.Pipe()
        number = there.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, str(number), str(os.getpid()), str(self._path.resolve())],
            pass_fds=[number],
            cwd=ROOT,
            env={"HF_HUB_OFFLINE": "1", **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the parent; the child ends with it.
            process_group=0,
        )
        there.close()

    def end(self) -> None:
        """End the process; it holds nothing that could be lost."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
