"""Asking the model: long requests are split into parts that queue up, and requests that would wait long are refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.errors import UserError
from annotator.serving import predictor_client
from annotator.serving.answers import Classified
from annotator.serving.request_queue import TEXTS_AT_ONCE, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

WAIT_SECONDS = 120.0


class Engine:
    """The predictor of a database, called from an event loop; pages beside the service use the same one.

    Args:
        on_batch: called with the number of texts that were classified together.
    """

    def __init__(self, database: Path, *, on_batch: Callable[[int], None] = lambda count: None) -> None:
        self._database = database
        self._client = predictor_client.client_of(database)
        self._client.on_batch = on_batch

    @property
    def waiting(self) -> int:
        """How many texts are waiting; an explanation counts for many."""
        return self._client.waiting

    async def classify(self, texts: Sequence[str]) -> Classified:
        """Return one model's probabilities for texts, (n, m), n >= 1.

        Raises:
            UserError: ``service_busy`` if too much waits already or it takes too long, or why the model can't answer.
        """
        starts = range(0, len(texts), TEXTS_AT_ONCE)
        questions = [Question("classify", (list(texts[at : at + TEXTS_AT_ONCE]),)) for at in starts]
        for _ in range(3):
            parts = await self._ask(questions)
            if len({part.model_id for part in parts}) == 1:
                return Classified(parts[0].model_id, np.concatenate([part.proba for part in parts]))
            # Another model began to serve half-way, and its columns may differ.
        raise UserError("service_busy", waiting=self.waiting)

    async def explain(self, diary_id: int) -> None:
        """Compute and store the explanation of a diary.

        Raises:
            UserError: as `classify` does.
            NotFoundError: for a diary that does not exist.
        """
        await self._ask([Question("explain_diary", (diary_id,))])

    async def vector(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a text, as those of the diaries. Raises as `classify` does."""
        (answer,) = await self._ask([Question("vector", (text,))])
        vector: NDArray[np.float32] = answer
        return vector

    async def _ask(self, questions: Sequence[Question]) -> list[Any]:
        futures = [asyncio.wrap_future(future) for future in self._client.ask(questions)]
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return list(await asyncio.gather(*futures))
        except TimeoutError:
            raise UserError("service_busy", waiting=self.waiting) from None
        finally:
            for future in futures:  # nobody waits for them any more; finished ones are not affected
                future.cancel()

    def keep_warm(self) -> None:
        """Load the model now, and keep it loaded while nobody asks: this process serves nothing else."""
        self._client.idle_seconds = None
        self._client.warm_up(["load"])

    def close(self) -> None:
        """Finish what is running, refuse what is waiting, and end the process."""
        predictor_client.close(self._database)
