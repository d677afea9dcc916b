"""The gate: without access, nothing of the app is served and no websocket opened."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import quote

from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from streamlit.proto.BackMsg_pb2 import BackMsg

from annotator.errors import AppError, UserError
from annotator.messages import explain, say
from pages.widgets import organisation
from service.transport.bodies import Bounds, bounded, is_too_large
from web.gate import oidc
from web.gate.form_requests import language_of
from web.gate.html import THEME_COOKIE, FormPage, remember_theme, respond
from web.gate.identity import token_of
from web.gate.uploads import PREFIX as UPLOAD
from web.gate.uploads import Uploads, own_file
from web.gate.widget_json import is_strict

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from annotator.accounts.permissions import Person
    from web.gate.identity import RequestIdentity

_SERVICE = "/api/"
_STREAM = "/_stcore/stream"

_FORM = Bounds(64 << 10, seconds=30.0)
"""What is sent to any page but an upload."""

MOST_TABS = 100
"""Websockets of one login, or of the one person of a project without accounts."""

_STATUS = {
    "signed_out": 401,
    "upload_elsewhere": 404,
    "upload_length": 411,
    "upload_too_large": 413,
    "form_too_long": 413,
    "upload_quota": 429,
}

_OPEN = re.compile(r"/login|/logout|/invite/[\w-]+|/_stcore/health|/api/.*|/app/[\w.-]+")
"""The service under ``/api`` asks for tokens of its own; under ``/app`` are files that say nothing of a project."""
_OPEN_WITH_ORGANISATION = re.compile(r"/auth/login|/oauth2callback")
_PARTS = re.compile(r"/(_stcore|media|component|static|auth)/|.*\.\w{2,5}$")
"""Addresses that a page fetches by itself: nobody would see where they are led to."""


class AuthMiddleware:
    """ASGI middleware around the whole app: pages, files, uploads, components and websockets alike."""

    def __init__(self, app: ASGIApp, door: RequestIdentity) -> None:
        self._app = app
        self._door = door
        self._uploads = Uploads()
        self._tabs: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what may be served and reject everything else."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._tab(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        remember_theme(Request(scope).cookies.get(THEME_COOKIE))
        if not _is_open(scope["path"]):
            is_page, request = _is_page(scope), Request(scope, receive)
            # Somebody who comes from the organisation's login gets a new session, whoever used this browser before.
            if is_page and (answer := await oidc.welcome(request)) is not None:
                await answer(scope, receive, send)
                return
            try:
                await self._door.person(scope, may_be_recent=not is_page)
            except AppError as error:
                await _turn_away(request, error, is_page=is_page)(scope, receive, send)
                return
            if is_page:
                await self._door.keep_alive(scope)
        await self._pass_on(scope, receive, send)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(_SERVICE):
            await self._app(scope, receive, send)
            return
        try:
            if scope["path"].startswith(UPLOAD) and scope["method"] in ("PUT", "DELETE"):
                await self._upload(scope, receive, send)
                return
            if is_too_large(scope, _FORM):
                raise UserError("form_too_long")
        except AppError as error:
            await _turn_away(Request(scope, receive), error, is_page=False)(scope, receive, send)
            return
        await self._app(scope, bounded(scope, receive, _FORM), send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        person_id = await self._door.uploader(scope)
        if scope["method"] == "DELETE":
            own_file(scope)
            await self._app(scope, bounded(scope, receive, _FORM), send)
            return
        with self._uploads.admitted(scope, person_id) as bounds:
            await self._app(scope, bounded(scope, receive, bounds), send)

    async def _tab(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open a websocket, unless the browser has too many: each is a run of the whole app."""
        token = token_of(scope) or ""
        if scope["path"] != _STREAM or self._tabs[token] >= MOST_TABS:
            await send({"type": "websocket.close", "code": 1008})
            return
        self._tabs[token] += 1
        try:
            await self._websocket(scope, receive, send)
        finally:
            self._tabs[token] -= 1
            if not self._tabs[token]:
                del self._tabs[token]

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            seen: Person | Exception | None = await self._door.person(scope)
        except AppError:
            await send({"type": "websocket.close", "code": 1008})
            return

        async def checked() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            try:
                now: Person | Exception | None = await self._door.person(scope)
            except AppError as error:
                now = error
            is_same, seen = now == seen, now
            if isinstance(now, Exception) or not is_same or not is_strict(_parsed(message)):
                # The widget was drawn for somebody with more rights, or is not ours: the page is drawn again
                # instead.
                return {"type": "websocket.receive", "bytes": _redraw(message).SerializeToString()}
            if not _is_by_itself(message):
                await self._door.keep_alive(scope)
            return message

        await self._app(scope, checked, send)


def _is_open(path: str) -> bool:
    if organisation.is_offered() and _OPEN_WITH_ORGANISATION.fullmatch(path):
        return True
    return _OPEN.fullmatch(path) is not None


def _is_page(scope: Scope) -> bool:
    wants_html = "text/html" in Headers(scope=scope).get("accept", "")
    return scope["method"] in ("GET", "HEAD") and wants_html and not _PARTS.match(scope["path"])


def _turn_away(request: Request, error: Exception, *, is_page: bool) -> Response:
    code = getattr(error, "code", "")
    language = language_of(request)
    sentence = explain(error, language)  # type: ignore[arg-type]
    if not is_page:
        return PlainTextResponse(sentence, _STATUS.get(code, 403), {"Cache-Control": "no-store"})
    if code == "signed_out":
        page = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""), safe="/")
        return RedirectResponse(f"/login?next={page}", 303, {"Cache-Control": "no-store"})
    links = (("/login", say("gate.login_button", language)),) if code == "account_disabled" else ()
    card = FormPage(say("gate.closed", language), language, problem=sentence, links=links)
    return respond(card, status=403)


def _parsed(message: Message) -> BackMsg:
    parsed = BackMsg()
    with contextlib.suppress(DecodeError):  # Streamlit closes the socket over it
        parsed.ParseFromString(message.get("bytes") or b"")
    return parsed


def _redraw(message: Message) -> BackMsg:
    """Return the request for a full run of the page that a message came from, with nothing pressed on it."""
    state, anew = _parsed(message).rerun_script, BackMsg()
    anew.rerun_script.query_string = state.query_string
    anew.rerun_script.page_script_hash = state.page_script_hash
    anew.rerun_script.page_name = state.page_name
    anew.rerun_script.context_info.CopyFrom(state.context_info)
    return anew


def _is_by_itself(message: Message) -> bool:
    """Return whether a message was sent by a timer in the page, not by a person."""
    parsed = _parsed(message)
    kind = parsed.WhichOneof("type")
    return kind != "rerun_script" or parsed.rerun_script.is_auto_rerun
