"""Options that several commands share, and how they print a value."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.errors import UserError
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable


def database_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--db``, which names the database file."""
    return click.option(
        "--db",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=lambda: os.environ.get("MAEUMGYEOL_DB") or project.default_path(),
        help=say("cli.option.db"),
    )(command)


DIARY_ID = click.IntRange(1, 2**63 - 1)
"""What an SQLite row id can be."""

json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
name_option = click.option("--name", default=say("cli.me"), show_default=True, help=say("cli.option.name"))

public_url_option = click.option(
    "--public-url", default="", envvar="MAEUMGYEOL_PUBLIC_URL", help=say("cli.option.public_url")
)


def read_stdin() -> str:
    """Return the text on standard input, in UTF-8 or cp949.

    Raises:
        UserError: if it is in neither.
    """
    return decoded(sys.stdin.buffer.read(), "stdin_unreadable")


def readable_argument(argument: str) -> str:
    """Return an argument of the command line as text, in UTF-8 or cp949; that of a file that is there as it is.

    Raises:
        UserError: if it is in neither.
    """
    try:
        argument.encode()
    except UnicodeEncodeError:
        content = os.fsencode(argument)
        return argument if Path(argument).exists() else decoded(content, "argument_unreadable")
    return argument


def decoded(content: bytes, code: str) -> str:
    """Return bytes as text, in UTF-8 or cp949.

    Raises:
        UserError: with the code, if they are in neither.
    """
    for encoding in ("utf-8-sig", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(encoding)
    raise UserError(code)


def show(as_json: bool, value: Any, text: str) -> None:
    """Print a value for programs, or its text for people."""
    click.echo(json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False) if as_json else text)


def jsonable(value: Any) -> Any:
    """Return a value as JSON values. Figures that could not be measured are null: JSON has no NaN."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
