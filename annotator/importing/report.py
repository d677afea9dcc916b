"""The list of rows that an import left out, as a file to download."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING

from annotator.formats.spreadsheet_cells import safe_cell
from annotator.messages import say
from db.texts.batches import TOOK_PART

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


def summary(report: ImportReport, language: Language | None = None) -> str:
    """Return the four numbers that every row is in one of, and how many decisions were stored."""
    counts = {
        "kept": report.kept_count,
        "joined": report.joined_count,
        "superseding": report.superseding_count,
        "left_out": len(report.left_out),
    }
    return say("import.summary", language, decisions=report.decision_count, **counts)


def details(report: ImportReport, language: Language | None = None) -> list[str]:
    """Return a line for each reason, with the number of its rows, and one for worksheets that were not read."""
    reasons = Counter(skip.reason for skip in (*report.skips, *report.notes))
    lines = [say(f"import_page.reason_{name}", language, count=count) for name, count in reasons.most_common()]
    if report.is_remembered:
        lines.append(say("import_page.remembered", language))
    if report.other_sheets:
        others = ", ".join(report.other_sheets)
        lines.append(say("import_page.sheet", language, sheet=report.sheet or "", others=others))
    return lines


def list_outcomes(skips: Sequence[Skip], notes: Sequence[Skip]) -> list[tuple[Skip, str]]:
    """Return rows with what they ended as: ``joined``, ``superseding``, ``left_out``, or ``kept`` with a note."""
    ended = [(skip, skip.reason if skip.reason in TOOK_PART else "left_out") for skip in skips]
    return ended + [(note, "kept") for note in notes]


def left_out_csv(skips: Sequence[Skip], notes: Sequence[Skip] = (), *, language: Language | None = None) -> bytes:
    """Return rows that were left out, and rows that were kept without something, in file order.

    UTF-8 with a byte order mark. A cell that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    rows = list_outcomes(skips, notes)
    rows.sort(key=lambda row: row[0].row_number)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([say(f"import.report.{column}", language) for column in ("row", "outcome", "reason")])
    for skip, outcome in rows:
        cells = (str(skip.row_number), say(f"import.report.{outcome}", language), describe(skip, language))
        writer.writerow([safe_cell(cell) for cell in cells])
    return text.getvalue().encode("utf-8-sig")
