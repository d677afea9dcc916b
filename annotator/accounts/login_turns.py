"""Whose try to sign in is looked at next: few at once, each name by itself, slower where many were wrong."""

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
    """Order of the tries to sign in of one process.

    Places, which are addresses or browsers, take turns, so that one that floods the login delays itself alone. Tries
    of one name never overlap: each is counted before the next is looked at.
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
        mine = _Try(name, place, is_trusted)
        self._enter(mine)
        self._wait(mine)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(mine)
                self._dispatch()

    def slow_down(self, key: str, seconds: float) -> None:
        """Let the tries of a name or place follow each other no faster than this from now on; 0 lifts it."""
        with self._lock:
            if seconds:
                self._slowed[key] = _Slowed(seconds, time.monotonic() + seconds)
            else:
                self._slowed.pop(key, None)

    def _enter(self, mine: _Try) -> None:
        with self._lock:
            of_place = sum(other.place == mine.place for other in self._waiting)
            if len(self._waiting) >= MOST_WAITING or of_place >= MOST_WAITING_PER_PLACE:
                raise UserError("login_busy")
            self._waiting.append(mine)
            self._dispatch()

    def _wait(self, mine: _Try) -> None:
        deadline = time.monotonic() + self.patience
        while not mine.has_turn.wait(self._seconds_to(mine, deadline)):
            with self._lock:
                # A turn that was slowed has come with time: nobody else would notice.
                self._dispatch()
                if not mine.has_turn.is_set() and time.monotonic() >= deadline:
                    self._waiting.remove(mine)
                    raise UserError("login_busy")

    def _seconds_to(self, mine: _Try, deadline: float) -> float:
        """Return how long to wait: until a slowed turn is due, else until somebody who is done gives one."""
        now, ready_at = time.monotonic(), self._ready_at(mine)
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
        """Return from when on a try may have its turn; 0 where nothing slows it."""
        if each.is_trusted:
            return 0.0
        slowed = (self._slowed.get(key) for key in (each.name, each.place))
        return max((found.next_at for found in slowed if found is not None), default=0.0)

    def _note(self, chosen: _Try) -> None:
        now = time.monotonic()
        self._served[chosen.place] = now
        for key in () if chosen.is_trusted else (chosen.name, chosen.place):
            if (slowed := self._slowed.get(key)) is not None:
                slowed.next_at = now + slowed.pace
        self._served = {place: at for place, at in self._served.items() if at > now - _FORGET_SECONDS}
        self._slowed = {key: slowed for key, slowed in self._slowed.items() if slowed.next_at > now - _FORGET_SECONDS}
