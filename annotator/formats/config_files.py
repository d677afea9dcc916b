"""Small settings files that people bring (label sets, crosswalks, distance tables), parsed by a child process.

They are TOML, JSON or CSV. Fifty thousand levels of nesting crash Python's parsers, and the TOML parser can be kept
busy for hours.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import orjson

from annotator.errors import UserError
from annotator.formats import source
from maeumgyeol.processes.child import Child, ChildError
from maeumgyeol.processes.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000
"""A label set of thirty labels with long definitions has 10 kB."""

Format = Literal["toml", "json", "csv", "rows"]

_JOB = "annotator.formats.config_job:serve"
_LIMITS = Limits(memory_bytes=500_000_000, cpu_seconds=5, total_cpu_seconds=10, wait_seconds=12)


def read_path(path: Path) -> bytes:
    """Return the bytes of a settings file; if it is too long, more bytes than `decode` accepts.

    Raises:
        UserError: if it can't be read, or is no regular file.
    """
    try:
        with source.open_regular(path).open() as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or ""
        raise UserError("file_unreadable", path=str(path), reason=reason) from error


def decode(content: bytes, kind: Format, *, name: str) -> Any:
    """Return a file's contents: the value for TOML and JSON, a list of objects for CSV, a list of lists for ``rows``.

    Raises:
        ValueError: with the parser's reason for refusing it.
        UserError: if it is too long, or its reader had to be stopped.
    """
    short = PurePath(name).name
    if len(content) > MAX_BYTES:
        raise UserError("config_too_long", name=short, limit=MAX_BYTES // 1000)
    reply: Any = None
    file = source.keep(content)
    try:
        with Child(_JOB, {"file": file.number, "kind": kind}, _LIMITS, files=[file.number]) as child:
            reply = orjson.loads(child.receive())
    except ChildError as error:
        raise UserError(error.code, name=short, **error.details) from error
    except orjson.JSONDecodeError as error:
        raise UserError("reader_garbage", name=short) from error
    if type(reply) is not dict or reply.keys() not in ({"value"}, {"problem"}):
        raise UserError("reader_garbage", name=short)
    if "problem" in reply:
        raise ValueError(str(reply["problem"])[:200])
    return reply["value"]
