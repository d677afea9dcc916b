"""JSONL files: one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.importing import tables
from annotator.importing.delimited import lines
from annotator.importing.tables import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.importing.sources import Source


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


class _RepeatedKeyError(ValueError):
    """An object names a key twice; Python would keep the last value without a word."""


def open_json_lines(source: Source, encoding: str) -> Table:
    """Read a JSONL file once, because any line may bring a column that no line before it had.

    Raises:
        UserError: for a line that is not one JSON object, with its number, or a file without any.
    """
    seen: dict[str, None] = {}
    for row in _rows(source, encoding):
        seen.update(dict.fromkeys(row.values))
    if not seen:
        raise UserError("import_no_rows", name=source.name)
    return Table("jsonl", encoding, tuple(seen), lambda: _rows(source, encoding))


def _rows(source: Source, encoding: str) -> Iterator[Row]:
    # JSON ends lines with \n alone: U+2028 or a lone \r inside a text is none.
    for number, line in enumerate(lines(source, encoding, newline="\n"), 1):
        if not line.strip():
            continue
        try:
            found = _DECODER.decode(line.strip())
        except _RepeatedKeyError as error:
            raise UserError("import_json_key_repeats", name=source.name, row=number) from error
        except (ValueError, RecursionError) as error:
            raise UserError("import_json_broken", name=source.name, row=number) from error
        if not isinstance(found, dict):
            raise UserError("import_json_not_object", name=source.name, row=number)
        yield Row(number, _named(source, number, found))


def _named(source: Source, number: int, found: dict[str, Any]) -> dict[str, str | None]:
    values = {tables.plain_column(key) or "column": _as_text(value) for key, value in found.items()}
    if any(tables.printable(column) != column for column in values):
        raise UserError("import_json_broken", name=source.name, row=number)
    if len(values) < len(found):
        raise UserError("import_json_key_repeats", name=source.name, row=number)
    return values


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, str) else _as_json(value)


def _as_json(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_ENCODER.encode(key)}: {_as_json(item)}" for key, item in value.items()) + "}"
    return _ENCODER.encode(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


# Numbers stay as they are written: 1.10 is not 1.1, and an id of 30 digits is not 1e29.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
