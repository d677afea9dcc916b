"""Commands for the people who work together: accounts, roles and invite links."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.accounts import accounts
from annotator.accounts.permissions import ROLES
from annotator.cli.options import database_option, json_option, show
from annotator.messages import say

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.accounts.permissions import Role

_name = click.argument("name", metavar="NAME")
_role = click.option(
    "--role", type=click.Choice(ROLES), default="annotator", show_default=True, help=say("cli.people.role")
)


@click.group(help=say("cli.people.help"))
def people() -> None:
    """Group of the commands for people."""


@people.command(help=say("cli.people.add"))
@_name
@database_option
@_role
@click.option("--email", help=say("cli.people.email"))
def add(name: str, path: Path, role: Role, email: str | None) -> None:
    with closing(project.open_project(path)) as db:
        # Asked for here and not given as an option, which every process list would show.
        password = (
            None
            if email
            else click.prompt(
                say("cli.people.password"), hide_input=True, confirmation_prompt=say("gate.password_again")
            )
        )
        accounts.add(db, None, name, role, password=password, email=email)
    click.echo(say("cli.people.added", name=name, role=say(f"role.{role}")))


@people.command(help=say("cli.people.invite"))
@_name
@database_option
@_role
@click.option("--url", default="http://127.0.0.1:8501", show_default=True, help=say("cli.people.url"))
def invite(name: str, path: Path, role: Role, url: str) -> None:
    with closing(project.open_project(path)) as db:
        token = accounts.invite(db, None, name, role)
    link = f"{url.rstrip('/')}/invite/{token}"
    click.echo(say("cli.people.invited", name=name, days=accounts.INVITE_SECONDS // 86_400, link=link))


@people.command("list", help=say("cli.people.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        rows = accounts.list_people(db)
    value = [
        {"name": a.name, "role": a.role, "is_closed": a.disabled_at is not None, "last_seen_at": a.last_seen_at}
        for a in rows
    ]
    lines = [
        "  ".join([a.name, say(f"role.{a.role}"), *([say("cli.people.closed")] if a.disabled_at else [])]) for a in rows
    ]
    show(as_json, value, "\n".join(lines))


@people.command(help=say("cli.people.disable"))
@_name
@database_option
def disable(name: str, path: Path) -> None:
    _set_disabled(path, name, disabled=True)


@people.command(help=say("cli.people.enable"))
@_name
@database_option
def enable(name: str, path: Path) -> None:
    _set_disabled(path, name, disabled=False)


def _set_disabled(path: Path, name: str, *, disabled: bool) -> None:
    with closing(project.open_project(path)) as db:
        accounts.set_disabled(db, None, accounts.get_id(db, name), disabled=disabled)
    click.echo(say("cli.people.done", name=name))


@people.command("role", help=say("cli.people.set_role"))
@_name
@click.argument("role", type=click.Choice(ROLES))
@database_option
def role_(name: str, role: Role, path: Path) -> None:
    with closing(project.open_project(path)) as db:
        accounts.set_role(db, None, accounts.get_id(db, name), role)
    click.echo(say("cli.people.done", name=name))
