"""Questions that wait for the model: bounded, and ordered so that one text never waits for a thousand."""

from __future__ import annotations

import heapq
import itertools
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS_AT_ONCE = 64
MOST_WAITING = 4000
"""Texts that may wait: about a minute and a half of work for one core."""

_HEAVY_WEIGHS = 64
_LET_BY = 8
"""Later requests that go before each further piece of a long one."""


class Question(NamedTuple):
    """A method of `annotator.serving.predictor.Predictor`, and what it is called with."""

    method: str
    arguments: tuple[Any, ...] = ()

    @property
    def weight(self) -> int:
        """How much work it takes, in texts."""
        return len(self.arguments[0]) if self.method in ("classify", "predict") else _HEAVY_WEIGHS


@dataclass(order=True)
class Piece:
    """A question that waits, perhaps a part of a long request; the lowest is next.

    Attributes:
        is_ahead: whether nobody waits for it, since it only loads what later questions will need.
        turn: place among those of its kind.
    """

    is_ahead: bool
    turn: int
    arrival: int
    question: Question = field(compare=False)
    done: Future[Any] = field(compare=False, default_factory=Future)

    @property
    def weight(self) -> int:
        """How much it adds to the weight of the queue."""
        return 0 if self.is_ahead else self.question.weight


class RequestQueue:
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

    def put(self, questions: Sequence[Question], *, is_ahead: bool = False) -> list[Piece]:
        """Add one request, whole or not at all.

        Raises:
            UserError: ``service_busy`` if too much waits already.
        """
        arrival = next(self._arrivals)
        pieces = [
            Piece(is_ahead, arrival + place * _LET_BY, arrival, question) for place, question in enumerate(questions)
        ]
        weight = sum(piece.weight for piece in pieces)
        if self.weight and self.weight + weight > MOST_WAITING:
            raise UserError("service_busy", waiting=self.weight)
        self.weight += weight
        for piece in pieces:
            heapq.heappush(self._pieces, piece)
        return pieces

    def take_batch(self) -> list[Piece]:
        """Return the next batch: texts to classify, up to `TEXTS_AT_ONCE`, or one other question."""
        pieces = [heapq.heappop(self._pieces)]
        weight = pieces[0].weight
        while self._pieces and _are_one_batch(pieces[0], self._pieces[0], weight):
            pieces.append(heapq.heappop(self._pieces))
            weight += pieces[-1].weight
        self.weight -= weight
        return pieces


def _are_one_batch(first: Piece, following: Piece, weight: int) -> bool:
    is_classified = first.question.method == following.question.method == "classify"
    return is_classified and weight + following.weight <= TEXTS_AT_ONCE
