"""Commands for other programs: the HTTP service, and the tokens that they show to it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.accounts import api_tokens
from annotator.accounts.api_tokens import DEFAULT_PER_MINUTE, SCOPES
from annotator.cli.options import database_option, json_option, public_url_option, show
from annotator.messages import say
from db.people import api_tokens as token_rows

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.accounts.api_tokens import ApiToken, Scope

_name = click.argument("name", metavar="NAME")


@click.command(help=say("cli.api.help"))
@database_option
@click.option("--port", type=click.IntRange(1, 65535), default=8502, show_default=True, help=say("cli.api.port"))
@click.option("--address", default="127.0.0.1", show_default=True, help=say("cli.api.address"))
@public_url_option
@click.option("--no-worker", is_flag=True, help=say("cli.api.no_worker"))
def api(path: Path, port: int, address: str, public_url: str, no_worker: bool) -> None:
    from annotator.cli.supervisor import API, serve

    project.open_project(path).close()
    serve(
        path,
        address=address,
        port=port,
        public_url=public_url,
        with_worker=not no_worker,
        say=lambda url: click.echo(say("cli.api.up", url=url)),
        server=API,
    )


@click.group(help=say("cli.token.help"))
def token() -> None:
    """Group of the commands for tokens."""


@token.command(help=say("cli.token.add"))
@_name
@database_option
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help=say("cli.token.scope"))
@click.option("--days", type=int, help=say("cli.token.days"))
@click.option("--per-minute", type=int, default=DEFAULT_PER_MINUTE, show_default=True, help=say("cli.token.per_minute"))
@json_option
def add(name: str, path: Path, scopes: tuple[Scope, ...], days: int | None, per_minute: int, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        new_token = api_tokens.add(db, name, scopes, days=days, per_minute=per_minute)
    show(as_json, {"name": name, "token": new_token}, say("cli.token.added", name=name, token=new_token))


@token.command("list", help=say("cli.token.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        tokens = token_rows.list_all(db)
    show(as_json, [_token_object(each) for each in tokens], "\n".join(map(_line, tokens)))


def _token_object(each: ApiToken) -> dict[str, object]:
    return {
        "name": each.name,
        "scopes": each.scopes.split(),
        "per_minute": each.per_minute,
        "is_open": api_tokens.is_open(each),
        "created_at": each.created_at,
        "expires_at": each.expires_at,
        "last_used_at": each.last_used_at,
    }


def _line(each: ApiToken) -> str:
    state = say("cli.token.open" if api_tokens.is_open(each) else "cli.token.closed")
    return say("cli.token.line", name=each.name, scopes=each.scopes, state=state)


@token.command(help=say("cli.token.revoke"))
@_name
@database_option
def revoke(name: str, path: Path) -> None:
    with closing(project.open_project(path)) as db:
        api_tokens.revoke(db, name)
    click.echo(say("cli.token.revoked", name=name))
