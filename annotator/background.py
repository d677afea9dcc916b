"""A job of ours that takes minutes and runs beside the app, in a niced child process that is watched and stopped.

It ends with the app's process, and gets its input as values and open files.
"""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator.errors import AppError, UserError
from annotator.messages import explain
from maeumgyeol.processes.child import Child, ChildError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.messages import Language
    from maeumgyeol.processes.inside import Channel

_NICENESS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: the step (None before the first) and its share in [0, 1]."""

    step: str | None
    share: float


class Job:
    """One job, which begins at once.

    Args:
        function: ``module:function``, which calls `work` in the child.
        files: open files that the child inherits under the same numbers.
        stopped: code of the sentence for a child that ended without a result.

    Attributes:
        child: the process.
        result: its result, as JSON values; None until it is done.
        problem: a sentence that says what went wrong; None if nothing did.
    """

    def __init__(
        self,
        function: str,
        arguments: dict[str, Any],
        *,
        files: Sequence[int] = (),
        stopped: str,
        language: Language,
    ) -> None:
        self.result: Any = None
        self.problem: str | None = None
        self._stopped, self._language = stopped, language
        self._progress = Progress(None, 0.0)
        self._has_ended = threading.Event()
        started: Future[Child] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started, function, arguments, files), name="background", daemon=True
        )
        self._thread.start()
        self.child = started.result()

    def poll(self) -> Progress | None:
        """Return its progress; None once it has ended, with `result` or `problem`."""
        return None if self._has_ended.is_set() else self._progress

    def stop(self) -> None:
        """End the child, if it still runs."""
        self.child.kill()
        self._thread.join()

    def _run(self, started: Future[Child], function: str, arguments: dict[str, Any], files: Sequence[int]) -> None:
        # A child ends with the thread that started it, so that thread must not be the one that serves a page.
        try:
            child = Child(function, arguments, files=files)
        except OSError as error:
            started.set_exception(error)
            return
        with child:
            started.set_result(child)
            try:
                while self.result is None:
                    self._take(json.loads(child.receive()))
            except (AppError, ChildError) as error:
                app_error = error if isinstance(error, AppError) else UserError(self._stopped)
                self.problem = explain(app_error, self._language)
        self._has_ended.set()

    def _take(self, message: dict[str, Any]) -> None:
        if "result" in message:
            self.result = message["result"]
        else:
            self._progress = Progress(message["step"], message["share"])


def work(channel: Channel, do: Callable[[Callable[[str, float], None]], Any]) -> None:
    """Do a job in the child: report its progress, and its result at the end.

    Args:
        do: gets a function to which it reports its step and its share, and returns JSON values, not None.
    """
    os.nice(_NICENESS)
    last: tuple[str, int] | None = None

    def tell(step: str, share: float) -> None:
        nonlocal last
        if last != (last := (step, int(100 * share))):
            channel.send(json.dumps({"step": step, "share": min(1.0, max(0.0, share))}).encode())

    channel.send(json.dumps({"result": do(tell)}).encode())
