"""The pages that the gate serves itself: signing in and out, accepting an invite, changing the password."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from annotator import project_location
from annotator.accounts import accounts, annotators, sessions
from annotator.accounts.passwords import LEAST_CHARACTERS
from annotator.errors import AppError, UserError
from annotator.messages import Language, explain, say
from pages.widgets.session import COOKIE
from web.gate import app_page, oidc
from web.gate.form_requests import address_of, ask, browser_of, in_other_language, language_of, next_page, sign_in_as
from web.gate.html import Field, FormPage, respond
from web.gate.identity import token_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from web.gate.identity import RequestIdentity


def routes(door: RequestIdentity) -> list[Route]:
    """Return the gate's own pages."""

    endpoints = {
        "/login": _login,
        "/invite/{token}": _invite,
        "/first": _first,
        "/password": _password,
        "/logout": _logout,
    }
    forms = [Route(path, _watched(serve, door), methods=["GET", "POST"]) for path, serve in endpoints.items()]
    return [*forms, *app_page.routes()]


def _watched(
    serve: Callable[[Request], Awaitable[Response]], door: RequestIdentity
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that drops all recent checks of sessions when it succeeds."""

    async def served(request: Request) -> Response:
        answer = await serve(request)
        if answer.status_code == 303:
            door.forget()
        return answer

    return served


async def _login(request: Request) -> Response:
    language = language_of(request)
    card = FormPage(
        say("gate.login", language),
        language,
        fields=(
            Field("name", say("gate.name", language), "text", "username"),
            Field("password", say("gate.password", language), "password", "current-password"),
        ),
        button=say("gate.login_button", language),
        links=oidc.links(language),
        note=say("gate.forgotten", language),
        done=say("gate.logout_done", language) if "out" in request.query_params else "",
        other_language=in_other_language(request),
    )

    def sign_in(form: dict[str, str]) -> str:
        with project_location.opened() as db:
            name, password, before = form.get("name", ""), form.get("password", ""), token_of(request.scope)
            return sessions.login(
                db, name, password, address=address_of(request), browser=browser_of(request), replaces=before
            )

    answer = await ask(request, card, sign_in)
    return answer if isinstance(answer, Response) else sign_in_as(request, answer, next_page(request))


async def _invite(request: Request) -> Response:
    token, language = request.path_params["token"], language_of(request)
    try:
        name, role = await asyncio.to_thread(_invited, token)
    except AppError as error:
        return respond(FormPage(say("gate.closed", language), language, problem=explain(error, language)), status=404)
    card = FormPage(
        say("gate.invite", language, name=name),
        language,
        intro=say("gate.invite_intro", language, role=say(f"role.{role}", language)),
        fields=(
            Field("name", say("gate.name", language), "text", "username", name, is_fixed=True),
            *_new_password(language),
        ),
        button=say("gate.invite_button", language),
        other_language=in_other_language(request),
    )

    def accept(form: dict[str, str]) -> str:
        with project_location.opened() as db:
            chosen, before = _chosen(form), token_of(request.scope)
            return accounts.accept(
                db, token, chosen, address=address_of(request), browser=browser_of(request), replaces=before
            )

    answer = await ask(request, card, accept)
    return answer if isinstance(answer, Response) else sign_in_as(request, answer, "/")


def _invited(token: str) -> tuple[str, str]:
    with project_location.opened() as db:
        invite = accounts.get_invite(db, token)
    return invite.name, invite.role


async def _first(request: Request) -> Response:
    """Create the first account of a project, for the person who has worked here alone, and sign them in."""
    language = language_of(request)
    name = await asyncio.to_thread(_name_of_alone, language)
    if name is None:
        return RedirectResponse("/", 303)
    card = FormPage(
        say("people.first", language),
        language,
        intro=say("people.first_intro", language),
        fields=(Field("name", say("gate.name", language), "text", "username", name), *_new_password(language)),
        button=say("people.first_button", language),
        links=(("/people", say("gate.back", language)),),
        note=say("people.first_help", language),
    )

    def make(form: dict[str, str]) -> str:
        name, chosen = form.get("name", ""), _chosen(form)
        with project_location.opened() as db:
            return accounts.add_first(db, name, chosen, address=address_of(request), browser=browser_of(request))

    answer = await ask(request, card, make)
    return answer if isinstance(answer, Response) else sign_in_as(request, answer, "/people")


def _name_of_alone(language: Language) -> str | None:
    """Return the name of the person who works here alone; None if there are accounts."""
    with project_location.opened() as db:
        if accounts.has_any(db):
            return None
        return next(iter(annotators.list_people(db)), say("cli.me", language))


async def _password(request: Request) -> Response:
    language = language_of(request)
    card = FormPage(
        say("gate.password_change", language),
        language,
        intro=say("gate.password_change_intro", language),
        fields=(
            Field("old", say("gate.password_old", language), "password", "current-password"),
            *_new_password(language),
        ),
        button=say("gate.password_button", language),
        links=(("/", say("gate.back", language)),),
    )

    def change(form: dict[str, str]) -> str:
        token, new = token_of(request.scope) or "", _chosen(form)
        with project_location.opened() as db:
            browser = browser_of(request)
            accounts.change_password(db, token, form.get("old", ""), new, address=address_of(request), browser=browser)
        return say("gate.password_done", language)

    answer = await ask(request, card, change)
    return (
        answer
        if isinstance(answer, Response)
        else respond(FormPage(card.title, language, done=answer, links=card.links))
    )


async def _logout(request: Request) -> Response:
    language = language_of(request)
    back = (("/", say("gate.back", language)),)
    card = FormPage(say("gate.logout", language), language, button=say("gate.logout_button", language), links=back)

    def sign_out(_: dict[str, str]) -> str:
        with project_location.opened() as db:
            sessions.logout(db, token_of(request.scope) or "")
        return "/login?out"

    answer = await ask(request, card, sign_out)
    if isinstance(answer, Response):
        return answer
    leaving = RedirectResponse(answer, 303)
    leaving.delete_cookie(COOKIE)
    return leaving


def _new_password(language: Language) -> tuple[Field, Field]:
    hint = say("gate.password_hint", language, least=LEAST_CHARACTERS)
    return (
        Field("password", say("gate.password_new", language), "password", "new-password", hint=hint),
        Field("again", say("gate.password_again", language), "password", "new-password"),
    )


def _chosen(form: dict[str, str]) -> str:
    if form.get("password") != form.get("again"):
        raise UserError("passwords_differ")
    return form.get("password", "")
