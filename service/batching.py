"""Asking the model: many small requests become batches for one process, and what can't be done soon is refused."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.errors import AppError, UserError, where
from annotator.serving.answers import Classified
from service import batching_child
from service.request_queue import TEXTS_AT_ONCE, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from service.request_queue import Piece, Question

logger = logging.getLogger(__name__)

WAIT_SECONDS = 120.0


class Engine:
    """Gathers what is asked and hands it to a process of its own, which is started by the first question.

    Args:
        on_batch: told how many texts were classified together.
    """

    def __init__(self, database: Path, *, on_batch: Callable[[int], None] = lambda count: None) -> None:
        self._database = database
        self._on_batch = on_batch
        self._pool: ProcessPoolExecutor | None = None
        self._line = Line()
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many texts wait; an explanation counts for many."""
        return self._line.weight

    async def classify(self, texts: Sequence[str]) -> Classified:
        """Return what one model says of texts, (n, m), n >= 1.

        Raises:
            UserError: ``service_busy`` if too much waits already or it takes too long, or why the model can't answer.
        """
        for _ in range(3):
            parts = await self._ask(
                [(list(texts[at : at + TEXTS_AT_ONCE]), None) for at in range(0, len(texts), TEXTS_AT_ONCE)]
            )
            if len({part.model_id for part in parts}) == 1:
                return Classified(parts[0].model_id, np.concatenate([part.proba for part in parts]))
            # Another model has begun to serve half-way: its columns may be others.
        raise UserError("service_busy", waiting=self.waiting)

    def warm_up(self) -> None:
        """Start the process and load the model now, so that the first question does not wait for it."""
        self._enter([(["."], None)])

    async def explain(self, diary_id: int) -> None:
        """Let the explanation of a diary be computed and kept.

        Raises:
            UserError: as `classify` does.
            NotFoundError: for a diary that does not exist.
        """
        await self._ask([([], diary_id)])

    async def _ask(self, questions: Sequence[Question]) -> list[Any]:
        futures = [asyncio.wrap_future(piece.done) for piece in self._enter(questions)]
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return list(await asyncio.gather(*futures))
        except TimeoutError:
            raise UserError("service_busy", waiting=self.waiting) from None
        finally:
            for future in futures:  # nobody waits for them any more; those that are done stay so
                future.cancel()

    def _enter(self, questions: Sequence[Question]) -> list[Piece]:
        with self._changed:
            if self._is_closed:
                raise UserError("service_restarts")
            pieces = self._line.enter(questions)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
                self._thread.start()
            self._changed.notify()
        return pieces

    def _run(self) -> None:
        while (pieces := self._next()) is not None:
            pieces = [piece for piece in pieces if piece.done.set_running_or_notify_cancel()]
            try:
                self._answer(pieces)
            except BrokenProcessPool:
                # Killed, for instance for want of memory. The next question starts another one.
                logger.error("The process of the encoder has ended")
                self._pool = None
                self._fail(pieces, UserError("service_restarts"))
            except Exception as error:
                if not isinstance(error, AppError):
                    logger.error("Answering failed: %s", where(error))
                self._fail(pieces, error)

    def _next(self) -> list[Piece] | None:
        """Return what goes together next, once there is something; None at the end."""
        with self._changed:
            while not self._line and not self._is_closed:
                self._changed.wait()
            return None if self._is_closed else self._line.leave()

    def _answer(self, pieces: Sequence[Piece]) -> None:
        if not pieces:
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, batching_child.begin, (self._database,))
        if (diary_id := pieces[0].diary_id) is not None:
            pieces[0].done.set_result(self._pool.submit(batching_child.explain, diary_id).result())
            return
        texts = [text for piece in pieces for text in piece.texts]
        said: Classified = self._pool.submit(batching_child.classify, texts).result()
        self._on_batch(len(texts))
        at = 0
        for piece in pieces:
            piece.done.set_result(Classified(said.model_id, said.proba[at : at + len(piece.texts)]))
            at += len(piece.texts)

    def _fail(self, pieces: Sequence[Piece], error: BaseException) -> None:
        for piece in pieces:
            if not piece.done.done():
                piece.done.set_exception(error)

    def close(self) -> None:
        """Finish what runs, refuse what waits, and end the process."""
        with self._changed:
            self._is_closed = True
            while self._line:
                self._fail(self._line.leave(), UserError("service_restarts"))
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=30)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
