"""The outer layer around everything that is served: malformed requests, other sites' requests, headers, exceptions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from annotator.accounts.origins import authority_of
from annotator.errors import where
from annotator.messages import say
from service import PREFIX
from service.errors import language_of
from service.transport import origins, response_headers
from service.transport.bodies import announced_length
from service.transport.protocols import MOST_HEADERS
from service.transport.response_headers import PLAIN_PAGE_POLICY

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_MOST_PATH_BYTES = 2000


class Hardening:
    """The outermost ASGI middleware.

    Behind it a request's scheme and ``Host`` are those of the public address, in the form that browsers send in
    ``Origin``.

    Args:
        page_policy: returns the content policy for a page without its own.
        public_origin: the address that a proxy gives the app, if it is not the one in ``Host``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        page_policy: Callable[[Scope], str] = lambda _: PLAIN_PAGE_POLICY,
        public_origin: str | None = None,
    ) -> None:
        self._app = app
        self._page_policy = page_policy
        self._public_origin = public_origin
        self._has_warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve legitimate requests of browsers and programs."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        scope = self._at_own_address(scope)
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    def _at_own_address(self, scope: Scope) -> Scope:
        own = self._public_origin or origins.own_origin(scope)
        if own is None:
            return scope
        named = {**scope, "headers": list(scope["headers"])}
        MutableHeaders(scope=named)["host"] = authority_of(own)
        if self._public_origin:
            scheme = own.partition("://")[0]
            named["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        return named

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not origins.is_from_own_page(scope):
            self._warn_once()
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            # If it propagated, it would be logged with its text, which may quote a diary.
            logger.error("A websocket failed: %s", where(error))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def sending(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                response_headers.complete(message, self._page_policy(scope))
            await send(message)

        try:
            status = self._refusal(scope)
            serve = self._app if status is None else _refused(scope, status)
            await serve(scope, receive, sending)
        except Exception as error:
            status = error.status_code if isinstance(error, HTTPException) else 500
            if status == 500:
                logger.error("A request failed: %s", where(error))
            if not has_begun:
                await _refused(scope, status)(scope, receive, sending)

    def _refusal(self, scope: Scope) -> int | None:
        status = _malformed(scope)
        if status is None and origins.is_foreign(scope):
            self._warn_once()
            return 403
        return status

    def _warn_once(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "A page of another address asked for this app and was refused. If a proxy stands before the app, "
                "start it with --public-url and the address that people use."
            )


def _malformed(scope: Scope) -> int | None:
    """Return the error status for a request that no browser and no honest program sends; else None."""
    headers = Headers(scope=scope)
    if scope["method"] not in _METHODS:
        return 405
    if len(scope["headers"]) > MOST_HEADERS:
        return 431
    if len(scope.get("raw_path") or b"") > _MOST_PATH_BYTES:
        return 414
    is_path = scope["path"].startswith("/") and "\0" not in scope["path"]
    is_host = origins.own_origin(scope) is not None or not headers.get("host")
    # A proxy may use one and the server the other, and the rest of the body would become a request of its own.
    is_one_length = not ("content-length" in headers and "transfer-encoding" in headers)
    return None if is_path and is_host and is_one_length and announced_length(scope) != -1 else 400


def _refused(scope: Scope, status: int) -> Response:
    key = {403: "foreign", 408: "body_slow", 413: "body_too_large_here", 500: "fault"}.get(status, "request_malformed")
    sentence = say(f"service.{key}", language_of(scope))
    # Nothing after an ambiguous request is read.
    headers = {"Connection": "close"} if key == "request_malformed" else None
    if scope["path"].startswith(f"{PREFIX}/"):
        return JSONResponse({"code": key, "message": sentence}, status, headers)
    return PlainTextResponse(sentence, status, headers)
