"""JSON documents that are one object or list and hold rows somewhere: wrapped, or as pandas writes tables."""

from __future__ import annotations

from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.column_names import TEXT, has_known, named
from annotator.formats.heading import LOOKED_AT, find_heading
from annotator.formats.json import read_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.source import Source

MAX_CHARACTERS = 300_000_000
"""Such a document is in memory as a whole."""

Rows = list[dict[str, Any]]


def find_rows(source: Source, encoding: str) -> Rows | None:
    """Return the rows of a document; None if a file has an object a line instead.

    Raises:
        UserError: if it is a document without rows, which says what was found.
    """
    with source.open() as binary, TextIOWrapper(binary, encoding, "strict", newline="\n") as text:
        first = next((line for line in text if line.strip()), "")
        second = next((line for line in text if line.strip()), "")
        is_lines = source.name.lower().endswith((".jsonl", ".ndjson"))
        if not first or (_is_line(first) and (second or is_lines)) or (is_lines and not second):
            return None
    return _rows(source, _load(source, encoding))


def _is_line(line: str) -> bool:
    try:
        read_lines.decode_whole(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_record(value: dict[str, Any]) -> bool:
    """Return whether an object is one row: it has a text of its own."""
    return any(isinstance(value[key], str) for key in named(list(value), TEXT)) and not _lists_of_objects(value)


def _lists_of_objects(value: dict[str, Any]) -> list[str]:
    return [key for key, item in value.items() if _is_objects(item) and not key.startswith(("annot", "label", "entit"))]


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _load(source: Source, encoding: str) -> Any:
    content = b"".join(source.chunks())
    if len(content) > MAX_CHARACTERS:
        raise UserError("import_json_too_large", name=source.name, limit=MAX_CHARACTERS // 1_000_000)
    try:
        return read_lines.decode_whole(content.decode(encoding).removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise UserError("import_json_broken", name=source.name, row=1) from error


def _rows(source: Source, value: Any) -> Rows | None:
    if isinstance(value, list):
        return _of_list(source, value)
    if not isinstance(value, dict):
        raise UserError("import_json_not_object", name=source.name, row=1)
    if (split := _of_split(value)) is not None:
        return split
    wrapped = _lists_of_objects(value)
    if "schema" in value and "data" in wrapped:  # pandas' table, whose index is its own column
        wrapped = ["data"]
    if len(wrapped) == 1:
        return list(value[wrapped[0]])
    if len(wrapped) > 1:
        names = table.enumerate_values(wrapped)
        raise UserError("import_json_unclear", name=source.name, keys=names)
    rows = _of_lists(value) or _of_objects(value)
    if rows is not None:
        return rows
    inner = [item for item in value.values() if isinstance(item, dict)]
    if len(inner) == 1 and not _is_record(value) and (rows := _rows_in(source, inner[0])) is not None:
        return rows
    if _is_record(value):
        return [value]
    raise UserError("import_json_unclear", name=source.name, keys=table.enumerate_values(list(value)) or "–")


def _rows_in(source: Source, value: dict[str, Any]) -> Rows | None:
    return _rows(source, value) if any(isinstance(item, list | dict) for item in value.values()) else None


def _of_list(source: Source, value: list[Any]) -> Rows:
    """Return the rows of a list of lists, or of texts."""
    if value and all(isinstance(item, str) for item in value):
        return [{"text": item} for item in value]
    if value and all(isinstance(item, list) for item in value):
        lines = [(number, [read_lines.as_text(cell) for cell in line]) for number, line in enumerate(value, 1)]
        heading = find_heading(lines[:LOOKED_AT], name=source.name)
        if heading.first_line:
            raise UserError("import_json_unclear", name=source.name, keys="[[…]]")
        return [_zipped(heading.names, cells, source, number) for number, cells in lines if number >= heading.first]
    raise UserError("import_item_not_object", name=source.name, row=1)


def _zipped(names: Sequence[str], cells: list[str | None], source: Source, number: int) -> dict[str, Any]:
    if len(cells) != len(names):
        raise UserError("import_row_ragged", name=source.name, row=number, found=len(cells), expected=len(names))
    return dict(zip(names, cells, strict=True))


def _of_split(value: dict[str, Any]) -> Rows | None:
    """Return the rows of pandas' ``split``: column names beside lists of values."""
    columns, data = value.get("columns"), value.get("data")
    if not (isinstance(columns, list) and isinstance(data, list)):
        return None
    names = [read_lines.as_text(name) or "" for name in columns]
    if not all(isinstance(line, list) and len(line) == len(names) for line in data) or len(set(names)) < len(names):
        return None
    return [dict(zip(names, line, strict=True)) for line in data]


def _of_lists(value: dict[str, Any]) -> Rows | None:
    """Return the rows of an object with a list of values for each column."""
    lists = [item for item in value.values() if isinstance(item, list)]
    if not lists or len(lists) < len(value) or len({len(item) for item in lists}) > 1 or not lists[0]:
        return None
    return [dict(zip(value, line, strict=True)) for line in zip(*value.values(), strict=True)]


def _of_objects(value: dict[str, Any]) -> Rows | None:
    """Return the rows of pandas' ``columns`` or ``index``: objects whose keys are the other direction's."""
    objects = list(value.values())
    if not objects or not all(isinstance(item, dict) and item for item in objects):
        return None
    if any(isinstance(cell, dict) for item in objects for cell in item.values()):
        return None
    keys = dict.fromkeys(key for item in objects for key in item)
    by_column = _are_columns(list(value), list(keys))
    if by_column is None:
        return None
    if by_column:
        return [{column: value[column].get(row) for column in value} for row in keys]
    return [dict(item) for item in objects]


def _are_columns(outer: list[str], inner: list[str]) -> bool | None:
    """Return whether the outer keys are columns, and the inner ones rows; None if that is not clear."""
    is_known = (has_known(outer), has_known(inner))
    if is_known[0] != is_known[1]:
        return is_known[0]
    numbered = (all(key.isdecimal() for key in outer), all(key.isdecimal() for key in inner))
    if numbered[0] != numbered[1]:
        return numbered[1]
    return None


def flatten(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object with what is in its objects, under keys that are joined with full stops."""
    flat: dict[str, Any] = {}
    for key, value in item.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": cell for inner, cell in flatten(value).items()})
        else:
            flat[key] = value
    return flat
