"""The child's side of `annotator.formats.config_files`: the only place where foreign settings are parsed."""

from __future__ import annotations

import csv
import io
import json
import os
import tomllib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel

_MOST_FIELD_CHARACTERS = 1_000_000


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Send a file's value, or the reason why it has none."""
    number = arguments["file"]
    content = os.pread(number, os.fstat(number).st_size, 0)
    try:
        reply = orjson.dumps({"value": _parse(content.decode("utf-8-sig"), arguments["kind"])}, default=str)
    except RecursionError:
        reply = orjson.dumps({"problem": "RecursionError"})
    except (ValueError, TypeError, csv.Error) as error:  # of TOML, JSON, CSV, the encoding; what JSON can't hold
        reply = orjson.dumps({"problem": str(error)})
    channel.send(reply)


def _parse(text: str, kind: str) -> Any:
    if kind == "toml":
        return tomllib.loads(text)
    if kind == "json":
        return json.loads(text)
    csv.field_size_limit(_MOST_FIELD_CHARACTERS)
    # Surplus values of a row go under the empty name; missing ones are None.
    rows = csv.reader(io.StringIO(text)) if kind == "rows" else csv.DictReader(io.StringIO(text), restkey="")
    return list(rows)
