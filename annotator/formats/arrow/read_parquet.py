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
        columns = table.column_names(_open(source, file).schema_arrow.names, name=source.name)
    if not columns:
        raise UserError("import_file_empty", name=source.name)
    return Table("parquet", None, columns, lambda: _rows(source, columns))


def _open(source: Source, file: Any) -> Any:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise UserError("import_file_damaged", name=source.name) from error


def _rows(source: Source, columns: tuple[str, ...]) -> Iterator[Row]:
    import pyarrow as pa

    number = 0
    with source.open() as file:
        try:
            for batch in _open(source, file).iter_batches(batch_size=_BATCH_ROWS):
                values = [column_values(column) for column in batch.columns]
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
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        # Arrow does not check strings when it reads them; as bytes, a broken one spoils its row alone.
        column = column.cast(pa.large_binary())
    return [_as_text(value) for value in column.to_pylist()]


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
