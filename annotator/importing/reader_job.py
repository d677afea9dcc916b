"""The child's side of `annotator.importing.reader`: the only place where untrusted files are opened as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.formats import table as tables
from annotator.formats.detection import open_table
from annotator.formats.source import OpenFile, Source
from annotator.formats.table import ReadOptions
from annotator.importing import wire
from annotator.importing.gc_pause import paused_gc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from annotator.formats.table import Row
    from maeumgyeol.processes.inside import Channel


def serve(channel: Channel, arguments: dict[str, Any]) -> None:
    """Send the table; then a batch of rows for each request, an empty answer after the last."""
    source = _source(arguments)
    table = open_table(source, _reading(arguments["reading"]))
    tables.check_count(table.columns, name=source.name)
    channel.send(wire.encode_table(table))
    batches: Iterator[list[Row]] = iter(())
    with paused_gc():
        while (request := channel.receive()) is not None:
            if request == b"first":
                batches = wire.batches(table.rows())
            channel.send(wire.encode_rows(batch) if (batch := next(batches, None)) else b"")


def _reading(fields: dict[str, Any]) -> ReadOptions:
    return ReadOptions(**{**fields, "sheets": tuple(fields["sheets"])})


def _source(arguments: dict[str, Any]) -> Source:
    file, folder = arguments["file"], arguments["folder"]
    return Source(
        arguments["name"],
        None if file is None else OpenFile(file[0], size=file[1]),
        None if folder is None else Path(folder),
    )
