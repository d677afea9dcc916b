"""The child's side of `annotator.formats.config_files`: the one place where settings of strangers are parsed."""

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
    """Send the value of a file, or why there is none."""
    number = arguments["file"]
    content = os.pread(number, os.fstat(number).st_size, 0)
    try:
        told = orjson.dumps({"value": _parse(content.decode("utf-8-sig"), arguments["kind"])}, default=str)
    except RecursionError:
        told = orjson.dumps({"problem": "RecursionError"})
    except (ValueError, TypeError, csv.Error) as error:  # of TOML, JSON, CSV, the encoding; what JSON can't hold
        told = orjson.dumps({"problem": str(error)})
    channel.send(told)


def _parse(text: str, kind: str) -> Any:
    if kind == "toml":
        return tomllib.loads(text)
    if kind == "json":
        return json.loads(text)
    csv.field_size_limit(_MOST_FIELD_CHARACTERS)
    # A row that is too long or too short has its values under no name, or none.
    rows = csv.reader(io.StringIO(text)) if kind == "rows" else csv.DictReader(io.StringIO(text), restkey="")
    return list(rows)
