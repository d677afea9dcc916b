"""Which addresses exist: those of pages and of what pages fetch; every other one gets a page that says so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Match
from streamlit import file_util
from streamlit.web.server.starlette.starlette_routes import create_host_config_routes

from annotator.messages import say
from pages.widgets.site import HOME, PAGES, SETUP
from web.gate import app_page
from web.gate.form_requests import in_other_language, language_of
from web.gate.html import FormPage, respond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

_OTHER = re.compile(r"/oauth2callback|/(api|auth|_stcore|media|component|static)/.*")
"""Addresses that are no pages of the app: the service's and Streamlit's."""

_HOST_CONFIG = "/_stcore/host-config"
_streamlits_host_config = create_host_config_routes("")[0].endpoint  # type: ignore[attr-defined]


class Addresses:
    """ASGI middleware around Streamlit, which answers every address with its page and complains there in English.

    Args:
        gate_routes: what the gate serves itself.
    """

    def __init__(self, app: ASGIApp, gate_routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._gate_routes = gate_routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve addresses that exist, redirect variants of them, and answer all others with a page that says so."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            request = Request(scope, receive)
            answer = await self._answer(request)
            await (answer or self._app)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        if request.scope["path"] == _HOST_CONFIG:
            return await _host_config(request)
        is_gates = any(route.matches(request.scope)[0] is Match.FULL for route in self._gate_routes)
        return None if is_gates else _find(request)


def _find(request: Request) -> Response | None:
    """Return the response for an address of a page, a variant of one, or none; None for what pages fetch."""
    path = request.scope["path"]
    name = path.strip("/").lower()
    if _OTHER.fullmatch(path) or _is_file(path):
        return None
    if name and name != SETUP and name not in PAGES:
        return _not_found(request)
    proper = f"/{'' if name == HOME else name}"
    if path == proper:
        return app_page.respond(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(proper + query, headers={"Cache-Control": "no-store"})


def _is_file(path: str) -> bool:
    """Return whether an address is one of the few files that come with Streamlit's page, such as its icon."""
    name = path.removeprefix("/")
    return bool(re.fullmatch(r"[\w-]+\.(png|json)", name)) and (Path(file_util.get_static_dir()) / name).is_file()


def _not_found(request: Request) -> Response:
    language = language_of(request)
    card = FormPage(
        say("gate.not_found", language),
        language,
        intro=say("gate.not_found_intro", language),
        links=(("/", say("gate.home", language)),),
        other_language=in_other_language(request),
    )
    return respond(card, status=404)


async def _host_config(request: Request) -> Response:
    """Return Streamlit's settings for its page, without its English dialogs, which our pages replace."""
    answer = await _streamlits_host_config(request)
    settings = json.loads(answer.body) | {"blockErrorDialogs": True}
    return JSONResponse(settings, headers={"Cache-Control": "no-cache"})
