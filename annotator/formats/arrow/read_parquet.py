"""Parquet files."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.source import Source

_BATCH_ROWS = 2_000


def open_parquet(source: Source) -> Table:
    """Read the schema of a Parquet file; rows come in blocks, so that a large file never lies in memory.

    Raises:
        UserError: if the file is damaged or encrypted, or has repeated column names.
    """
    with source.open() as file:
        schema = _open(source, file).schema_arrow
    columns = table.column_names(schema.names, name=source.name)
    if not columns:
        raise UserError("import_file_empty", name=source.name)
    classes = dict(zip(columns, map(_class_names(schema.metadata).get, schema.names), strict=True))
    return Table("parquet", None, columns, lambda: _rows(source, columns, classes))


def _class_names(metadata: dict[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names of classes by column, where the ``datasets`` library has written them into the schema."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {
            str(column): [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return {}


def named_classes(values: list[str | None], names: list[str] | None) -> list[str | None]:
    """Return class numbers as the names of the classes; none for -1, a hidden label; others stay as they are."""
    if names is None:
        return values
    return [_class_name(value, names) for value in values]


def _class_name(value: str | None, names: list[str]) -> str | None:
    if value is None or value == "-1":
        return None
    number = table.whole_number(value)
    return names[number] if number is not None and number < len(names) else value


def _open(source: Source, file: Any) -> Any:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise UserError("import_file_damaged", name=source.name) from error


def _rows(source: Source, columns: tuple[str, ...], classes: dict[str, list[str] | None]) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    with source.open() as file:
        try:
            for batch in _open(source, file).iter_batches(batch_size=_BATCH_ROWS):
                values = [
                    named_classes(column_values(column), classes[name])
                    for name, column in zip(columns, batch.columns, strict=True)
                ]
                for row in zip(*values, strict=True):
                    number += 1
                    yield Row(number, dict(zip(columns, row, strict=True)))
        except (pa.ArrowException, OSError) as error:
            raise UserError("import_file_damaged", name=source.name) from error


def column_values(column: Any) -> list[str | None]:
    """Return the values of an Arrow column as text."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):  # pandas' categories
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _bytes_values(column.to_pylist())
    as_bytes = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
    if kind in as_bytes:
        # Arrow does not check strings when it reads them; as bytes, a broken one spoils its row alone. Not `cast`, for
        # which Arrow loads all that it computes with: a third of the time that a small file takes.
        column = column.view(as_bytes[kind])
    return [_as_text(value) for value in column.to_pylist()]


def _bytes_values(values: list[bytes | None]) -> list[str | None]:
    """Return bytes as text; as hexadecimal figures where most are none, such as keys."""
    given = [value for value in values if value is not None]
    if 2 * sum(map(_is_text, given)) < len(given):
        return [None if value is None else value.hex() for value in values]
    return [_as_text(value) for value in values]


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in value


def _as_text(value: Any) -> str | None:
    if isinstance(value, bytes):
        # Bytes that are no UTF-8 become lone surrogates, which the importer reports with the row.
        return value.decode("utf-8", "surrogateescape")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value != value:  # pandas writes a missing value as NaN
        return None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
