"""Files of JSON: one object a line, or one list of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from annotator.formats import record_rows
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record


def write_lines(target: Path, items: Iterable[Any]) -> int:
    """Write one item a line and return how many there are."""
    count = 0
    with private_files.open_file(target, "wb") as file:
        for item in items:
            file.write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
            count += 1
    return count


def write_list(target: Path, items: Iterable[Any]) -> int:
    """Write one list, an item a line, and return how many there are."""
    count = 0
    with private_files.open_file(target, "wb") as file:
        file.write(b"[")
        for item in items:
            file.write((b",\n" if count else b"\n") + orjson.dumps(item))
            count += 1
        file.write(b"\n]\n")
    return count


def write_jsonl(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write the columns of `annotator.formats.record_rows` as JSONL: nested values stay lists and objects."""
    heading = record_rows.columns(scheme.names)
    return write_lines(target, (dict(zip(heading, record_rows.values(r, scheme.names), strict=True)) for r in records))
