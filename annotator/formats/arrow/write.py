"""Parquet, and folders of the ``datasets`` library. Nested values are JSON text."""

from __future__ import annotations

import hashlib
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.formats import record_rows
from annotator.formats.record import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record


def _schema(columns: Sequence[str]) -> Any:
    import pyarrow as pa

    def kind(column: str) -> Any:
        if column in record_rows.INTEGERS:
            return pa.int64()
        return pa.float32() if column.startswith("proba_") or column == "intensity" else pa.string()

    return pa.schema([(column, kind(column)) for column in columns])


def write_parquet(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a Parquet file and return how many rows it has."""
    import pyarrow as pa
    from pyarrow import parquet

    schema, count = _schema(record_rows.columns(scheme.names)), 0
    rows = record_rows.flat_values(records, scheme.names)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := list(islice(rows, BATCH)):
            arrays = [pa.array(c, f.type) for c, f in zip(zip(*batch, strict=True), schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def write_datasets(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a folder for ``datasets.load_from_disk`` and return how many rows it has."""
    from datasets import Dataset
    from datasets.utils import disable_progress_bars

    disable_progress_bars()
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / "diaries.parquet"
        count = write_parquet(file, records, scheme)
        read = Dataset.from_parquet(str(file), cache_dir=folder)
        # The library's own fingerprint and description of the source name a place and a time.
        with file.open("rb") as content:
            fingerprint = hashlib.file_digest(content, "sha256").hexdigest()[:16]
        Dataset(read.data, fingerprint=fingerprint).save_to_disk(target)
    return count
