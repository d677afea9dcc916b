"""Data sets of the ``datasets`` library: folders that ``save_to_disk`` wrote, and names on the hub (``hf:owner/name``).

Rows of all splits, one split after the other; where there are several, the column ``split`` says which.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.arrow.read_parquet import column_values, named_classes
from annotator.formats.source import HUB
from annotator.formats.table import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.formats.source import Source

_BATCH_ROWS = 2_000


def open_folder(source: Source, path: Path, *, split: str | None = None) -> Table:
    """Open a folder that ``save_to_disk`` wrote.

    Raises:
        UserError: if it is damaged, or has no such split.
    """
    from datasets import load_from_disk

    try:
        dataset = load_from_disk(str(path))
    except Exception as error:  # of pyarrow, of JSON, of the library's own
        raise UserError("import_file_damaged", name=source.name) from error
    return _open(source, dataset, split)


def open_hub(source: Source, *, split: str | None = None) -> Table:
    """Fetch a data set from the hub, or find it in the cache; no code of the data set is run.

    Raises:
        UserError: if the hub can't be reached, or has no such data set or split.
    """
    from datasets import load_dataset

    name, _, subset = source.name.removeprefix(HUB).partition(":")
    try:
        dataset = load_dataset(name, subset or None)
    except Exception as error:  # of the network, of the hub, of the reader of whatever lies there
        if _is_offline():
            raise UserError("import_hub_offline", name=name) from error
        raise UserError("import_hub_failed", name=name, kind=type(error).__name__) from error
    return _open(source, dataset, split)


def _is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _open(source: Source, dataset: Any, split: str | None) -> Table:
    splits = dict(dataset) if isinstance(dataset, dict) else {str(dataset.split or "all"): dataset}
    if split is not None:
        if split not in splits:
            split_names = table.enumerate_values(list(splits))
            raise UserError("import_split_missing", name=source.name, split=table.shorten(split), known=split_names)
        splits = {split: splits[split]}
    raw = [column for data in splits.values() for column in data.column_names]
    columns = table.column_names(list(dict.fromkeys(raw)), name=source.name)
    if len(splits) > 1 and "split" not in columns:
        columns = (*columns, "split")
    return Table("datasets", None, columns, lambda: _rows(splits))


def _rows(splits: dict[str, Any]) -> Iterator[Row]:
    number = 0
    for split, data in splits.items():
        names = {column: getattr(feature, "names", None) for column, feature in data.features.items()}
        for batch in data.with_format("arrow").iter(_BATCH_ROWS):
            plain = {
                table.plain_column(column): named_classes(column_values(batch[column].combine_chunks()), names[column])
                for column in batch.column_names
            }
            for values in zip(*plain.values(), strict=True):
                number += 1
                row = dict(zip(plain, values, strict=True))
                if len(splits) > 1:
                    row.setdefault("split", split)
                yield Row(number, row)
