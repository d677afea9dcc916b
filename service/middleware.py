"""Middleware before every endpoint: bounds on the body, metrics, and no exception leaves with its text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.messages import say
from service import errors
from service.transport.bodies import Bounds, announced_length, bounded, is_too_large

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.dependencies import ServiceState

MOST_BYTES = 8 << 20
"""Room for a thousand long diaries; a text alone may have 20,000 characters."""

_BODY = Bounds(MOST_BYTES, seconds=60.0)

_FOR_ANYBODY = 64 << 10
"""A longer body is read only for a known token: else strangers could fill the memory."""

_AT_ONCE = 200
_HEALTH = "/v1/health"


class RequestLimits:
    """ASGI middleware around the service."""

    def __init__(self, app: ASGIApp, desk: ServiceState) -> None:
        self._app = app
        self._desk = desk
        self._serving = 0

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
            await send(message)

        self._serving += 1
        try:
            await self._serve(scope, receive, sending)
        except Exception as error:
            # If it propagated, it would be logged with its text, which may quote a diary.
            answer = errors.unexpected(scope, error)
            if not status:
                await answer(scope, receive, sending)
        finally:
            self._serving -= 1
        self._desk.figures.request(scope, status, time.perf_counter() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_too_large(scope, _BODY):
            sentence = say("service.body_too_large", errors.language_of(scope))
            await errors.answer(scope, "body_too_large", sentence)(scope, receive, send)
            return
        try:
            await self._admit(scope)
        except UserError as error:
            await errors.explained(scope, error)(scope, receive, send)
            return
        await self._app(scope, bounded(scope, receive, _BODY), send)

    async def _admit(self, scope: Scope) -> None:
        """Let a request through to its endpoint, which checks token and scopes itself.

        Raises:
            UserError: ``service_busy``, or ``token_wrong`` for a long body without a known token.
        """
        if self._serving > _AT_ONCE and not scope["path"].endswith(_HEALTH):
            raise UserError("service_busy", waiting=self._serving)
        length = announced_length(scope)
        if length is None or length > _FOR_ANYBODY:
            await self._desk.identify(scope)
