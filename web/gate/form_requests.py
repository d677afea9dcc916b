"""Requests to the gate's forms: show a card, read the form, do what it asks for, or say why not."""

from __future__ import annotations

import asyncio
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from annotator.accounts import sessions
from annotator.accounts.login_turns import MOST_WAITING
from annotator.errors import AppError, UserError
from annotator.messages import LANGUAGES, Language, explain, first_language
from pages.widgets.session import BROWSER_COOKIE, COOKIE, LANGUAGE_COOKIE
from web.gate.html import FormPage, respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

_MOST_BYTES = 16_384
_STATUS = {"login_wait": 429, "login_busy": 503, "password_wrong": 401}

_THREADS = ThreadPoolExecutor(MOST_WAITING, thread_name_prefix="login")
"""Of its own: who waits for a turn to sign in must not hold up what else the app does beside the event loop."""

_PAGE = re.compile(r"/(?!/)[\w/-]{0,80}(?:\?[\w=&%.-]{0,200})?", re.ASCII)
"""An address of ours; anything else is not repeated."""

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)


async def ask(request: Request, card: FormPage, act: Callable[[dict[str, str]], str]) -> Response | str:
    """Show a card, or do what its filled-in form asks for.

    Args:
        act: gets the form; runs off the event loop, since it hashes passwords and waits for the database.

    Returns:
        The page to show, or what `act` returned. It repeats nothing of the form: people type passwords into any field.
    """
    if request.method != "POST":
        return respond(card)
    try:
        form = await _form(request)
        return await asyncio.get_running_loop().run_in_executor(_THREADS, act, form)
    except AppError as error:
        problem_card = replace(card, problem=explain(error, card.language), done="")
        return respond(problem_card, status=_STATUS.get(error.code, 400))


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
    """Return the language that a page was requested in, else that of the browser."""
    chosen = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    # Browsers name their languages in the order in which people want them.
    own = (part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(","))
    return first_language((*chosen, *own))


def in_other_language(request: Request) -> str:
    """Return the address of the same page in the other language, without its path, which could name another site."""
    other = next(language for language in LANGUAGES if language != language_of(request))
    parameters = {"next": next_page(request)} if "next" in request.query_params else {}
    return f"?{urlencode({**parameters, 'lang': other})}"


def next_page(request: Request) -> str:
    """Return the page that was requested before the login; never another site's."""
    page = request.query_params.get("next", "/")
    return page if _PAGE.fullmatch(page) else "/"


def address_of(request: Request) -> str:
    """Return the address of the browser from the socket, since a header could say anything."""
    return request.client.host if request.client else "?"


def browser_of(request: Request) -> str:
    """Return the token by which a browser is recognized: its own, or a new one to give it."""
    if not hasattr(request.state, "browser"):
        token = request.cookies.get(BROWSER_COOKIE, "")
        request.state.browser = token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(32)
    return str(request.state.browser)


def sign_in_as(request: Request, token: str, to: str) -> Response:
    """Return the response that gives a browser its session and the token by which it is recognized."""
    answer = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    cookies = {
        COOKIE: (token, sessions.SESSION_SECONDS),
        BROWSER_COOKIE: (browser_of(request), sessions.BROWSER_SECONDS),
    }
    is_secret = request.url.scheme == "https"
    for name, (value, seconds) in cookies.items():
        answer.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=is_secret)
    if "lang" in request.query_params:
        language, seconds = language_of(request), sessions.SESSION_SECONDS
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=seconds, samesite="lax", secure=is_secret)
    return answer
