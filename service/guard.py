"""What stands before every endpoint: the size and pace of the body, figures, and that no fault gets out as it is."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from annotator.messages import say
from service import errors

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.figures import Figures

MOST_BYTES = 8 << 20
"""Room for a thousand long diaries; a text alone may have 20,000 characters."""

BODY_SECONDS = 60.0

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """ASGI middleware around the service."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body is small enough and comes fast enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._serve(scope, receive, sending)
        except Exception as error:
            # Let out, it would be logged with its text, which may quote a diary.
            answer = errors.unexpected(scope, error)
            if not status:
                await answer(scope, receive, sending)
        self._figures.request(scope, status, time.perf_counter() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isascii() or not told.isdigit() or int(told) > MOST_BYTES:
            sentence = say("service.body_too_large", errors.language_of(scope))
            await errors.answer(scope, "body_too_large", sentence)(scope, receive, send)
            return
        await self._app(scope, _counting(receive), send)


def _counting(receive: Receive) -> Receive:
    """Return what hands a body on, and stops where it grows too large or comes too slowly, whatever it said before."""
    deadline = time.monotonic() + BODY_SECONDS
    count, is_whole = 0, False

    async def counted() -> Message:
        nonlocal count, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if count > MOST_BYTES:
                raise HTTPException(413)
        return message

    return counted
