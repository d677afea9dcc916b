"""The child's side of `annotator.formats.config_files`: the only place where foreign settings are parsed."""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import tomllib
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import orjson

from annotator.formats import config_names
from annotator.formats.csv.read import SEP, find_delimiter

if TYPE_CHECKING:
    from maeumgyeol.processes.inside import Channel

_MOST_FIELD_CHARACTERS = 1_000_000


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Send a file's value, or the reason why it has none."""
    number = arguments["file"]
    content = os.pread(number, os.fstat(number).st_size, 0)
    try:
        text = content.decode(_encoding(content)).removeprefix("\ufeff")
        reply = orjson.dumps({"value": _parse(text, arguments["kind"])}, default=str)
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
    lines = io.StringIO(text, newline="").readlines()
    if lines and (told := SEP.fullmatch(lines[0])):
        delimiter, lines = told[1], lines[1:]
    else:
        delimiter = find_delimiter(lines, ",")
    rows = [row for row in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in row)]
    return rows if kind == "rows" else _objects(rows)


def _objects(rows: list[list[str]]) -> list[dict[str, Any]]:
    """Return rows as objects, by the names in the first one; of a single column without a name, each row is a name."""
    if not rows:
        return []
    names = [config_names.plain_key(cell) for cell in rows[0]]
    if len(names) == 1 and names[0] not in config_names.KEYS:
        return [{"name": row[0]} for row in rows]
    # Surplus values of a row go under the empty name; missing ones are None.
    objects = []
    for row in rows[1:]:
        surplus = {"": row[len(names) :]} if len(row) > len(names) else {}
        objects.append(dict(zip_longest(names, row[: len(names)])) | surplus)
    return objects


def _encoding(content: bytes) -> str:
    """Return the encoding of a settings file: small ones in cp949 are known by not being UTF-8."""
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    if marked := next((encoding for mark, encoding in marks.items() if content.startswith(mark)), None):
        return marked
    try:
        content.decode()
    except UnicodeDecodeError:
        return "cp949"
    return "utf-8"
