"""How the gate's pages ask: show a card, take what was filled in, do what was asked, or say why not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from annotator import sessions
from annotator.errors import EXPLAINED, UserError
from annotator.messages import LANGUAGES, Language, explain, first_language
from pages.gate.forms import Card, respond
from pages.widgets.session import COOKIE, LANGUAGE_COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

_MOST_BYTES = 16_384
_STATUS = {"login_wait": 429, "password_wrong": 401, "request_foreign": 403}


async def ask(request: Request, card: Card, act: Callable[[dict[str, str]], str]) -> Response | str:
    """Show a card, or do what its filled-in form asks for.

    Args:
        act: gets the form; runs beside the event loop, since it hashes passwords and waits for the database.

    Returns:
        The page to show, or what `act` returned.
    """
    if request.method != "POST":
        return respond(card)
    form: dict[str, str] = {}
    try:
        if not _is_own(request):
            raise UserError("request_foreign")
        form = await _form(request)
        return await asyncio.to_thread(act, form)
    except EXPLAINED as error:
        # What was typed in sight need not be typed again.
        kept = [replace(box, value=form.get(box.name, "")) if box.kind == "text" else box for box in card.fields]
        told = replace(card, fields=tuple(kept), problem=explain(error, card.language), done="")
        return respond(told, status=_STATUS.get(error.code, 400))


def _is_own(request: Request) -> bool:
    """Say whether a form was sent from a page of ours: what another site sends is not what a person here asked for."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise UserError("form_too_long")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        return {}


def language_of(request: Request) -> Language:
    """Return the language that a page was asked for in, or else that of this browser."""
    return first_language((request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)))


def in_other_language(request: Request) -> str:
    """Return the address of the same page in the other language: without its path, which may name another site."""
    other = next(language for language in LANGUAGES if language != language_of(request))
    return f"?{urlencode({**request.query_params, 'lang': other})}"


def next_page(request: Request) -> str:
    """Return the page that was asked for before the login; never another site's."""
    asked = request.query_params.get("next", "/")
    parts = urlsplit(asked)
    is_ours = asked.startswith("/") and not asked.startswith("//") and not parts.netloc and "\\" not in asked
    return asked if is_ours and asked.isprintable() else "/"


def address_of(request: Request) -> str:
    """Return the address of the browser, as the socket has it: a header could say anything."""
    return request.client.host if request.client else "?"


def sign_in_as(request: Request, token: str, to: str) -> Response:
    """Return the answer that gives a browser its session."""
    answer = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    is_secret = request.url.scheme == "https"
    age = sessions.SESSION_SECONDS
    answer.set_cookie(COOKIE, token, max_age=age, httponly=True, samesite="lax", secure=is_secret)
    if "lang" in request.query_params:
        answer.set_cookie(LANGUAGE_COOKIE, language_of(request), max_age=age, samesite="lax", secure=is_secret)
    return answer
