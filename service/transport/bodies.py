"""Bounds on request bodies: how large they may be, and how slowly they may arrive."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from annotator.messages import say
from service.errors import language_of

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on one body.

    Attributes:
        seconds: longest time for a body, extended by what has arrived divided by `bytes_per_second`.
        bytes_per_second: slowest pace of a large body; 0 if `seconds` is not extended.
    """

    most_bytes: int
    seconds: float = 60.0
    bytes_per_second: int = 0


def announced_length(scope: Scope) -> int | None:
    """Return the announced length of a body; None if it comes in chunks, -1 if the header is not a length."""
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else -1


def is_too_large(scope: Scope, bounds: Bounds) -> bool:
    """Return whether the announced length of a body is too large or invalid, so that it need not be read."""
    length = announced_length(scope)
    return length is not None and not 0 <= length <= bounds.most_bytes


def bounded(scope: Scope, receive: Receive, bounds: Bounds) -> Receive:
    """Return a `receive` that stops when a body grows too large or comes too slowly, whatever length it announced.

    It raises an `HTTPException` of status 413 or 408 with the message for it.
    """
    began = time.monotonic()
    count, is_whole = 0, False

    async def receive_bounded() -> Message:
        nonlocal count, is_whole
        if is_whole:
            return await receive()
        remaining_seconds = bounds.seconds - (time.monotonic() - began)
        if bounds.bytes_per_second:
            remaining_seconds += count / bounds.bytes_per_second
        try:
            async with asyncio.timeout(max(0.0, remaining_seconds)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, say("service.body_slow", language_of(scope))) from None
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if count > bounds.most_bytes:
                raise HTTPException(413, say("service.body_too_large_here", language_of(scope)))
        return message

    return receive_bounded
