"""JSONL files: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.csv.read import lines
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from annotator.formats.source import Source


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it is written, which no int gives back; no str, so that it is never taken for a text."""

    written: str


_MOST_DIGITS = 4000
"""Python refuses to read longer whole numbers (`sys.set_int_max_str_digits`)."""


class _RepeatedKeyError(ValueError):
    """An object names a key twice; Python would silently keep the last value."""


def open_json_lines(source: Source, encoding: str) -> Table:
    """Read a JSONL file once, because any line may bring a column that no line before it had.

    Raises:
        UserError: for a line that is not one JSON object, with its number, or a file without any.
    """
    seen: dict[str, None] = {}
    keys: set[tuple[str, ...]] = set()
    for number, item in _objects(source, encoding, _keys_at_least):
        if (named := tuple(item)) not in keys:
            keys.add(named)
            seen.update(dict.fromkeys(column_names(source, number, named)))
            table.check_count(seen, name=source.name)
    if not seen:
        raise UserError("import_no_rows", name=source.name)
    return Table("jsonl", encoding, tuple(seen), lambda: _rows(source, encoding))


def objects(source: Source, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line numbers and objects; whole numbers are ints, others Decimals, as in `read_array.objects`.

    Raises:
        UserError: for a line that is not one JSON object, with its number.
    """
    return _objects(source, encoding, _PLAIN.decode)


def decode_whole(text: str) -> Any:
    """Return the value of a whole document; `as_text` returns its numbers as they are written.

    Raises:
        ValueError: if it is broken, or names a key twice.
        RecursionError: if it is nested without end.
    """
    return _AS_WRITTEN.decode(text.strip())


def column_names(source: Source, number: int, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that the keys of an object stand for.

    Raises:
        UserError: naming the row, where two keys differ only in surrounding white space, or one can't be written.
    """
    named = tuple(keys)
    table.check_count(named, name=source.name)
    columns = tuple(table.plain_column(key) or "column" for key in named)
    if any(table.printable(column) != column for column in columns):
        raise UserError("import_json_broken", name=source.name, row=number)
    if len(set(columns)) < len(columns):
        raise UserError("import_json_key_repeats", name=source.name, row=number)
    return columns


def as_text(value: Any) -> str | None:
    """Return a JSON value as text: a string as it is, None for null."""
    if value is None:
        return None
    return value if isinstance(value, str) else _as_json(value)


def _objects(source: Source, encoding: str, decode: Callable[[str], Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    # JSON ends lines with \n alone: U+2028 or a lone \r inside a text is none.
    for number, line in enumerate(lines(source, encoding, newline="\n"), 1):
        written = line.strip()
        if not written:
            continue
        try:
            item = decode(written)
        except _RepeatedKeyError as error:
            raise UserError("import_json_key_repeats", name=source.name, row=number) from error
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise UserError("import_json_broken", name=source.name, row=number) from error
        if not isinstance(item, dict):
            raise UserError("import_json_not_object", name=source.name, row=number)
        yield number, item


def _rows(source: Source, encoding: str) -> Iterator[Row]:
    columns_of: dict[tuple[str, ...], tuple[str, ...]] = {}
    for number, item in _objects(source, encoding, _as_written):
        keys = tuple(item)
        columns = columns_of.get(keys)
        if columns is None:
            columns = columns_of[keys] = column_names(source, number, keys)
        yield Row(number, item if columns == keys else dict(zip(columns, item.values(), strict=True)))


def _as_json(value: Any) -> str:
    if isinstance(value, _Number):
        return value.written
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_ENCODER.encode(key)}: {_as_json(item)}" for key, item in value.items()) + "}"
    return _ENCODER.encode(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RepeatedKeyError
    return members


def _whole(written: str) -> int | _Number:
    return _Number(written) if len(written) > _MOST_DIGITS or written == "-0" else int(written)


# Numbers stay as they are written: 1.10 is not 1.1, and an id of 30 digits is not 1e29.
_AS_WRITTEN = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_Number, parse_int=_whole, parse_constant=lambda constant: None
)
"""NaN stands where a value is missing: it is no text."""
_PLAIN = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_constant=lambda constant: None)
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def _as_written(line: str) -> Any:
    """Decode a line, an object's values as text; the fast decoder's result is used where it can't differ.

    A quotation mark that doesn't delimit a key or a text is escaped inside one, or belongs to a repeated key.
    """
    try:
        item = orjson.loads(line)
        if type(item) is dict:
            kinds = [*map(type, item.values())]
            texts = kinds.count(str)
            if texts + kinds.count(type(None)) == len(kinds) and line.count('"') == 2 * (len(kinds) + texts):
                return item
    except orjson.JSONDecodeError:
        pass
    item = _AS_WRITTEN.decode(line)
    return {key: as_text(value) for key, value in item.items()} if isinstance(item, dict) else item


def _keys_at_least(line: str) -> Any:
    """Decode a line of which only the keys are needed."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)  # lone surrogates, which are an error of their row, not of the file
