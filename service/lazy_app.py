"""The service beside the app, created by its first request so that the pages start without waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send


class LazyApp:
    """An ASGI app that becomes the service.

    Args:
        database: returns the path of the project, once the service is asked for.
    """

    def __init__(self, database: Callable[[], Path]) -> None:
        self._database = database
        self._app: FastAPI | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        async with self._making:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)

    def _make(self) -> FastAPI:
        from service.app import create

        return create(self._database())

    async def close(self) -> None:
        """End the process of the encoder, if there is one."""
        if self._app is not None:
            await asyncio.to_thread(self._app.state.desk.engine.close)
