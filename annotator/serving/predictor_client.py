"""The one process of a database that answers with the model, for pages and service; the first question starts it.

Why a process: answering takes torch and an encoder of a gigabyte, which processes that serve people never load. A text
goes to it through a pipe and is written nowhere. The other end is `annotator.serving.predictor_job`.
"""

from __future__ import annotations

import logging
import pickle
import threading
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.serving.answers import Classified
from annotator.serving.request_queue import Question, RequestQueue
from maeumgyeol.processes.child import Child, ChildError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from annotator.serving.request_queue import Piece

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""After this long without a question the child, which holds an encoder, ends."""

_JOB = "annotator.serving.predictor_job:serve"
WARM_UP = ("load", "warm_up")
"""Methods of `Predictor` that load ahead: in steps, so that a question waits for one at most."""

_END_SECONDS = 30.0


class PredictorClient:
    """Asks the predictor of a database, question after question, from any thread.

    Attributes:
        idle_seconds: after so long without a question the process ends; None for never.
        on_batch: told how many texts were classified together.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.idle_seconds: float | None = IDLE_SECONDS
        self.on_batch: Callable[[int], None] = lambda count: None
        self._queue = RequestQueue()
        self._changed = threading.Condition()
        self._is_closed = False
        self._warming: Future[Any] | None = None
        self._child: Child | None = None
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many texts wait; an explanation counts for many."""
        return self._queue.weight

    @property
    def is_warm(self) -> bool:
        """Whether a question would be answered without loading anything first."""
        return self._is_running and self._warming is not None and self._warming.done()

    @property
    def pid(self) -> int | None:
        """The process id of the child; None while there is none."""
        child = self._child
        return None if child is None else child.pid

    @property
    def _is_running(self) -> bool:
        child = self._child
        return child is not None and child.is_running

    def ask(self, questions: Sequence[Question]) -> list[Future[Any]]:
        """Queue all questions of one request, or none; each is answered when its turn comes.

        Raises:
            UserError: ``service_busy`` if too much waits already, ``predictor_ended`` at the end of this process.
        """
        with self._changed:
            return [piece.done for piece in self._put(questions)]

    def warm_up(self, methods: Sequence[str] = WARM_UP) -> None:
        """Begin to load what the first question will need, unless it is loaded.

        Args:
            methods: some of `WARM_UP`.
        """
        with self._changed:
            if self._warming is None or (self._warming.done() and not self._is_running):
                for method in methods:
                    self._warming = self._put([Question(method)], is_ahead=True)[0].done

    def _put(self, questions: Sequence[Question], *, is_ahead: bool = False) -> list[Piece]:
        if self._is_closed:
            raise UserError("predictor_ended")
        pieces = self._queue.put(questions, is_ahead=is_ahead)
        if self._thread is None:
            # It lives as long as this process, and so does the child. A pool's thread would delay the process's end.
            self._thread = threading.Thread(target=self._run, name="predictor", daemon=True)
            self._thread.start()
        self._changed.notify()
        return pieces

    def _run(self) -> None:
        while (pieces := self._next()) is not None:
            pieces = [piece for piece in pieces if piece.done.set_running_or_notify_cancel()]
            try:
                if pieces:
                    self._answer(pieces)
            except Exception as error:
                _fail(pieces, error)
        self._drop_child()

    def _next(self) -> list[Piece] | None:
        """Return the next batch, once there is one; None at the end."""
        with self._changed:
            while not self._queue and not self._is_closed:
                if not self._changed.wait(None if self._child is None else self.idle_seconds):
                    self._drop_child()
            return None if self._is_closed else self._queue.take_batch()

    def _answer(self, pieces: Sequence[Piece]) -> None:
        question = pieces[0].question
        if question.method != "classify":
            pieces[0].done.set_result(self._call(question))
            return
        texts = [text for piece in pieces for text in piece.question.arguments[0]]
        classified: Classified = self._call(Question("classify", (texts,)))
        self.on_batch(len(texts))
        at = 0
        for piece in pieces:
            proba = classified.proba[at : at + piece.question.weight]
            piece.done.set_result(Classified(classified.model_id, proba))
            at += piece.question.weight

    def _call(self, question: Question) -> Any:
        try:
            if not self._is_running:
                self._drop_child()
                self._child = Child(_JOB, {"database": str(self._path)})
            assert self._child is not None
            self._child.send(pickle.dumps(tuple(question)))
            return pickle.loads(self._child.receive())  # noqa: S301 - of our own child
        except UserError as error:
            if error.code == "fault":
                logger.error("Answering failed: %s", error.details["kind"])
            raise
        except (ChildError, OSError) as error:
            # Killed from outside, perhaps for its memory use; the next question starts another.
            logger.error("The process of the encoder has ended")
            self._drop_child()
            raise UserError("predictor_ended") from error

    def _drop_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None

    def close(self) -> None:
        """Finish the running question, refuse waiting and new ones, and end the process."""
        with self._changed:
            self._is_closed = True
            while self._queue:
                _fail(self._queue.take_batch(), UserError("predictor_ended"))
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)
        if (child := self._child) is not None:  # it took too long
            child.kill()


def _fail(pieces: Sequence[Piece], error: Exception) -> None:
    for piece in pieces:
        if not piece.done.done():
            piece.done.set_exception(error)


_clients: dict[Path, PredictorClient] = {}
_lock = threading.Lock()


def client_of(path: Path) -> PredictorClient:
    """Return the client of a database: only one in each process, so that there is only one encoder."""
    with _lock:
        return _clients.setdefault(path.resolve(), PredictorClient(path.resolve()))


def close(path: Path) -> None:
    """Close the client of a database, if there is one; a later `client_of` returns another."""
    with _lock:
        client = _clients.pop(path.resolve(), None)
    if client is not None:
        client.close()
