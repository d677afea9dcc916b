"""The login of an organisation: OpenID Connect through Streamlit, whose answer becomes a session of ours."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from streamlit import auth_util
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from annotator import project_location
from annotator.accounts import sessions
from annotator.errors import AppError, UserError
from annotator.messages import Language, explain, say
from pages.widgets.organisation import _PROVIDER, is_offered
from web.gate.form_requests import address_of, language_of, sign_in_as
from web.gate.html import FormPage, respond
from web.gate.identity import token_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


_FRESH_DAYS = 5 / (24 * 60)
"""The organisation's answer is taken up within five minutes or not at all."""


def links(language: Language) -> tuple[tuple[str, str], ...]:
    """Return the address and the text of this way to sign in, if it is offered."""
    if not is_offered():
        return ()
    provider = urlencode({"provider": auth_util.encode_provider_token(_PROVIDER)})
    return ((f"/auth/login?{provider}", say("gate.organisation", language)),)


async def welcome(request: Request) -> Response | None:
    """Sign in a person whom the organisation has just identified; return None for everybody else.

    Streamlit's cookie is removed again: from here on only our own session counts, which can be ended.
    """
    identity = _identity(request) if is_offered() else None
    if identity is None:
        return None
    try:
        token = await asyncio.to_thread(_sign_in, identity, address_of(request), token_of(request.scope))
    except AppError as error:
        language = language_of(request)
        back = (("/login", say("gate.login_button", language)),)
        card = FormPage(say("gate.closed", language), language, problem=explain(error, language), links=back)
        answer: Response = respond(card, status=403)
    else:
        answer = sign_in_as(request, token, request.url.path)
    for name in request.cookies:
        if name.startswith(USER_COOKIE_NAME):
            answer.delete_cookie(name)
    return answer


def _identity(request: Request) -> dict[str, Any] | None:
    """Return what the organisation says about the person who has just returned from its login."""

    def read(name: str) -> bytes | None:
        signed = request.cookies.get(name, "")
        return decode_signed_value(get_cookie_secret(), name, signed.encode("latin-1"), max_age_days=_FRESH_DAYS)

    cookie = auth_util.get_cookie_with_chunks(read, USER_COOKIE_NAME)
    claims = json.loads(cookie) if cookie else {}
    return claims if claims.get("is_logged_in") else None


def _sign_in(claims: dict[str, Any], address: str, replaces: str | None) -> str:
    """Return the token of a session for the account that an identity belongs to.

    Source: OpenID Connect Core 1.0, sec. 5.7: only issuer and subject together identify somebody permanently.
    """
    if not claims.get("iss") or not claims.get("sub"):
        raise UserError("identity_failed")
    is_verified = claims.get("email_verified") in (True, "true")
    with project_location.opened() as db:
        return sessions.login_identity(
            db,
            subject=f"{claims['iss']} {claims['sub']}",
            email=str(claims.get("email", "")) if is_verified else None,
            address=address,
            replaces=replaces,
        )
