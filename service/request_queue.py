"""The line of questions before the encoder: bounded, and so ordered that one text never waits for a thousand."""

from __future__ import annotations

import heapq
import itertools
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS_AT_ONCE = 64
MOST_WAITING = 4000
"""Texts that may wait: about a minute and a half of work for one core."""

_EXPLANATION_WEIGHS = 64
_LET_BY = 8
"""Later requests that go before each further piece of a long one."""

Question = tuple[list[str], int | None]
"""Texts to classify, or none and the diary to explain."""


@dataclass(order=True)
class Piece:
    """A question, or a part of a long one; the lowest `turn` is next."""

    turn: int
    arrival: int
    texts: list[str] = field(compare=False)
    diary_id: int | None = field(compare=False)
    done: Future[Any] = field(compare=False, default_factory=Future)

    @property
    def weight(self) -> int:
        """How much work it is, in texts."""
        return len(self.texts) if self.diary_id is None else _EXPLANATION_WEIGHS


class Line:
    """Pieces that wait. Not safe for several threads at once.

    Attributes:
        weight: texts that wait; an explanation counts for many.
    """

    def __init__(self) -> None:
        self.weight = 0
        self._pieces: list[Piece] = []
        self._arrivals = itertools.count()

    def __len__(self) -> int:
        return len(self._pieces)

    def enter(self, questions: Sequence[Question]) -> list[Piece]:
        """Put one request in the line, whole or not at all.

        Raises:
            UserError: ``service_busy`` if too much waits already.
        """
        arrival = next(self._arrivals)
        pieces = [
            Piece(arrival + place * _LET_BY, arrival, texts, diary_id)
            for place, (texts, diary_id) in enumerate(questions)
        ]
        weight = sum(piece.weight for piece in pieces)
        if self.weight and self.weight + weight > MOST_WAITING:
            raise UserError("service_busy", waiting=self.weight)
        self.weight += weight
        for piece in pieces:
            heapq.heappush(self._pieces, piece)
        return pieces

    def leave(self) -> list[Piece]:
        """Return what goes together next: an explanation alone, or texts up to `TEXTS_AT_ONCE`."""
        pieces = [heapq.heappop(self._pieces)]
        weight = pieces[0].weight
        while self._pieces and weight + self._pieces[0].weight <= TEXTS_AT_ONCE:
            pieces.append(heapq.heappop(self._pieces))
            weight += pieces[-1].weight
        self.weight -= weight
        return pieces
