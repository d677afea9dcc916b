"""The order of login attempts: few at once, one at a time for each name, slower after many wrong ones."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 2
"""Hashing takes 64 MiB and a core on purpose: many logins at once must not take all of either."""

MOST_WAITING = 256
MOST_WAITING_PER_PLACE = 64
"""A whole team behind one address may sign in at the same minute."""

PATIENCE_SECONDS = 20.0
_FORGET_SECONDS = 15 * 60.0


@dataclass(slots=True, eq=False)
class _Try:
    name: str
    place: str
    is_trusted: bool
    has_turn: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Slowed:
    pace: float
    next_at: float


@dataclass(slots=True)
class Turns:
    """The order of the login attempts of one process.

    Places, which are addresses or browsers, take turns, so that one that floods the login only delays itself. Attempts
    for one name never overlap: each is counted before the next is checked.
    """

    at_once: int = AT_ONCE
    patience: float = PATIENCE_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: list[_Try] = field(default_factory=list)
    _running: list[_Try] = field(default_factory=list)
    _slowed: dict[str, _Slowed] = field(default_factory=dict)
    _served: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def take(self, name: str, place: str, *, is_trusted: bool) -> Iterator[None]:
        """Hold a turn for the length of the block, after waiting for it.

        Args:
            is_trusted: a browser that has signed in by that name before: it does not wait where others are slowed.

        Raises:
            UserError: ``login_busy`` if too many wait, or it takes too long.
        """
        attempt = _Try(name, place, is_trusted)
        self._enter(attempt)
        self._wait(attempt)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(attempt)
                self._dispatch()

    def slow_down(self, key: str, seconds: float) -> None:
        """Space out the attempts of a name or place by at least so many seconds from now on; 0 lifts the limit."""
        with self._lock:
            if seconds:
                self._slowed[key] = _Slowed(seconds, time.monotonic() + seconds)
            else:
                self._slowed.pop(key, None)

    def _enter(self, attempt: _Try) -> None:
        with self._lock:
            of_place = sum(other.place == attempt.place for other in self._waiting)
            if len(self._waiting) >= MOST_WAITING or of_place >= MOST_WAITING_PER_PLACE:
                raise UserError("login_busy")
            self._waiting.append(attempt)
            self._dispatch()

    def _wait(self, attempt: _Try) -> None:
        deadline = time.monotonic() + self.patience
        while not attempt.has_turn.wait(self._seconds_to(attempt, deadline)):
            with self._lock:
                # The turn of a slowed attempt comes with time alone: nothing else would trigger it.
                self._dispatch()
                if not attempt.has_turn.is_set() and time.monotonic() >= deadline:
                    self._waiting.remove(attempt)
                    raise UserError("login_busy")

    def _seconds_to(self, attempt: _Try, deadline: float) -> float:
        """Return how long to wait, in seconds: until a slowed turn is due, else until the deadline."""
        now, ready_at = time.monotonic(), self._ready_at(attempt)
        return max(0.0, (ready_at if now < ready_at < deadline else deadline) - now)

    def _dispatch(self) -> None:
        """Give turns to those who are next, while there are any to give."""
        while len(self._running) < self.at_once and (chosen := self._next()) is not None:
            self._waiting.remove(chosen)
            self._running.append(chosen)
            self._note(chosen)
            chosen.has_turn.set()

    def _next(self) -> _Try | None:
        now, busy = time.monotonic(), {other.name for other in self._running}
        ready = [each for each in self._waiting if each.name not in busy and self._ready_at(each) <= now]
        # Of those of one place the first: `min` keeps the order of arrival.
        return min(ready, key=lambda each: self._served.get(each.place, 0.0), default=None)

    def _ready_at(self, each: _Try) -> float:
        """Return the time from which an attempt may have its turn; 0 if nothing slows it."""
        if each.is_trusted:
            return 0.0
        slowed = (self._slowed.get(key) for key in (each.name, each.place))
        return max((slowdown.next_at for slowdown in slowed if slowdown is not None), default=0.0)

    def _note(self, chosen: _Try) -> None:
        now = time.monotonic()
        self._served[chosen.place] = now
        for key in () if chosen.is_trusted else (chosen.name, chosen.place):
            if (slowed := self._slowed.get(key)) is not None:
                slowed.next_at = now + slowed.pace
        self._served = {place: at for place, at in self._served.items() if at > now - _FORGET_SECONDS}
        self._slowed = {key: slowed for key, slowed in self._slowed.items() if slowed.next_at > now - _FORGET_SECONDS}
