"""The list of rows that an import left out, as a file to download."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from annotator.formats.spreadsheet_cells import safe_cell
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.importing.importer import ImportReport
    from annotator.messages import Language
    from db.texts.batches import Skip


def describe(skip: Skip, language: Language | None = None) -> str:
    """Describe why a row was left out, or what it was kept without."""
    return say(f"import.reason.{skip.reason}", language, detail=skip.detail)


def report_csv(report: ImportReport, language: Language | None = None) -> bytes:
    """Return the rows that were left out, and those kept without their date, as CSV that Korean Excel opens."""
    return left_out_csv(report.skips, report.notes, language=language)


def left_out_csv(skips: Sequence[Skip], notes: Sequence[Skip] = (), *, language: Language | None = None) -> bytes:
    """Return rows that were left out, and rows that were kept without something, in file order.

    UTF-8 with a byte order mark. A cell that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    rows = [(skip, "left_out") for skip in skips] + [(note, "kept") for note in notes]
    rows.sort(key=lambda row: row[0].row_number)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([say(f"import.report.{column}", language) for column in ("row", "outcome", "reason")])
    for skip, outcome in rows:
        cells = (str(skip.row_number), say(f"import.report.{outcome}", language), describe(skip, language))
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue().encode("utf-8-sig")
