"""A server that answers in a thread of its own for the length of a block."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socketserver import BaseServer


@contextmanager
def listening(server: BaseServer) -> Iterator[None]:
    """Let a server answer for the block, and end its thread before its socket is closed.

    A thread that outlives its socket looks at it without a pause, and takes a core from all later tests.
    """
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
