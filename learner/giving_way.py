"""Computing that nobody waits for, on cores that something more urgent needs.

Whoever computes sets for its own thread what to wait for; long loops pause there. In a thread that set nothing, a pause
takes no time.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WAIT: ContextVar[Callable[[], None] | None] = ContextVar("wait", default=None)


@contextmanager
def giving_way(wait: Callable[[], None]) -> Iterator[None]:
    """Let what is computed in this thread pause while the block runs.

    Args:
        wait: returns once nothing more urgent computes. It is called while no lock and no transaction is held.
    """
    token = _WAIT.set(wait)
    try:
        yield
    finally:
        _WAIT.reset(token)


def pause() -> None:
    """Wait for what is more urgent, where this thread gives way to anything."""
    wait = _WAIT.get()
    if wait is not None:
        wait()
