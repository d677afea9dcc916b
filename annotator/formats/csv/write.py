"""CSV and TSV: UTF-8 with the mark by which Korean Excel knows it; no cell is run as a formula."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from annotator.formats import record_rows
from annotator.formats.spreadsheet_cells import WATCHED, safe_cell
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.formats.label_scheme import Scheme
    from annotator.formats.record import Record


def write_csv(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a CSV file and return how many rows it has."""
    return _write(target, records, scheme, delimiter=",")


def write_tsv(target: Path, records: Iterator[Record], scheme: Scheme) -> int:
    """Write a TSV file and return how many rows it has. Values with tabs, line ends or quotes are quoted as in CSV."""
    return _write(target, records, scheme, delimiter="\t")


def _write(target: Path, records: Iterator[Record], scheme: Scheme, *, delimiter: str) -> int:
    heading, count = record_rows.columns(scheme.names), 0
    places = [heading.index(name) for name in record_rows.WRITTEN]
    with private_files.open_file(target, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(map(safe_cell, heading))
        for row in record_rows.flat_values(records, scheme.names):
            for place in places:
                if (value := row[place]) and value[0] in WATCHED:
                    row[place] = safe_cell(value)
            writer.writerow(row)
            count += 1
    return count
