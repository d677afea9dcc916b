"""Files of JSON: one object a line, or one list of objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from annotator.exporting import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from annotator.exporting.records import Record
    from annotator.exporting.scheme import Scheme

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write_lines(target: Path, items: Iterable[Any]) -> int:
    """Write one item a line and return how many there are."""
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for item in items:
            file.write(_encode(item) + "\n")
            count += 1
    return count


def write_list(target: Path, items: Iterable[Any]) -> int:
    """Write one list, an item a line, and return how many there are."""
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for item in items:
            file.write((",\n" if count else "\n") + _encode(item))
            count += 1
        file.write("\n]\n")
    return count


def write_jsonl(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write the columns of `annotator.exporting.rows` as JSONL: nested values stay lists and objects."""
    heading = rows.columns(scheme.names)
    return write_lines(target, (dict(zip(heading, rows.values(r, scheme.names), strict=True)) for r in records))
