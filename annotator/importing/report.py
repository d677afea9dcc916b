"""What an import did: in figures, in words, and as a list of rows to download."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from annotator.formats.spreadsheet_cells import safe_cell
from annotator.importing.choices import Choices
from annotator.messages import say
from db.texts.batches import TOOK_PART

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.table import ColumnMap, Format
    from annotator.messages import Language
    from db.texts.batches import Skip


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        row_count: rows of the file, without its heading and blank lines: kept_count + len(skips).
        label_count: diaries that came with a label.
        decision_count: decisions that were stored.
        is_remembered: whether it was read as an earlier file of the same shape.
        choices: answers to the questions that it raised, remembered ones among them.
        columns: which column was read as what.
        skips: rows that are no diaries of their own, by row number: ``joined`` and ``superseding`` say something about
            a diary that is there, all others were left out for the reason that they give. Their detail begins with
            the id of the diary that the row equals, or is the length of a text that is too long.
        notes: rows of which not everything was kept, or not as it is written.
    """

    batch_id: int
    file_name: str
    format: Format
    encoding: str | None
    row_count: int
    kept_count: int
    label_count: int
    columns: ColumnMap
    skips: tuple[Skip, ...]
    notes: tuple[Skip, ...] = ()
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()
    decision_count: int = 0
    is_remembered: bool = False
    choices: Choices = field(default_factory=Choices)

    @property
    def joined_count(self) -> int:
        """Rows that added a decision to a diary that was there."""
        return sum(skip.reason == "joined" for skip in self.skips)

    @property
    def superseding_count(self) -> int:
        """Rows that superseded an earlier decision of the same person."""
        return sum(skip.reason == "superseding" for skip in self.skips)

    @property
    def left_out(self) -> tuple[Skip, ...]:
        """Rows of which nothing was kept."""
        return tuple(skip for skip in self.skips if skip.reason not in TOOK_PART)


def describe(skip: Skip, language: Language | None = None) -> str:
    """Describe why a row was left out, or what it was kept without."""
    return say(f"import.reason.{skip.reason}", language, detail=skip.detail)


def report_csv(report: ImportReport, language: Language | None = None) -> bytes:
    """Return the rows that were left out, and those kept without their date, as CSV that Korean Excel opens."""
    return left_out_csv(report.skips, report.notes, language=language)


def summary(report: ImportReport, language: Language | None = None) -> str:
    """Return what came in, diaries and decisions, and the rows that became no diary of their own."""
    return _summary([report], language)


def _summary(reports: Sequence[ImportReport], language: Language | None) -> str:
    kept, decisions = (sum(getattr(report, f"{name}_count") for report in reports) for name in ("kept", "decision"))
    first = say("import.summary_both" if decisions else "import.summary_diaries", language, **_of(kept, decisions))
    rows = {
        "joined": sum(report.joined_count for report in reports),
        "superseding": sum(report.superseding_count for report in reports),
        "left_out": sum(len(report.left_out) for report in reports),
    }
    parts = [say(f"import.summary_{name}", language, **{name: count}) for name, count in rows.items() if count]
    sentences = [first]
    if parts:
        joined = ", ".join(parts)
        sentences.append(say("import.summary_rows", language, parts=joined[0].upper() + joined[1:]))
    if not rows["left_out"]:
        sentences.append(say("import.summary_none_left_out", language))
    return " ".join(sentences)


def _of(kept: int, decisions: int) -> dict[str, int]:
    return {"kept": kept, "decisions": decisions} if decisions else {"kept": kept}


def details(report: ImportReport, language: Language | None = None) -> list[str]:
    """Return a line for each reason, with the number of its rows, and one for worksheets that were not read."""
    reasons = Counter(skip.reason for skip in (*report.skips, *report.notes))
    lines = [say(f"import_page.reason_{name}", language, count=count) for name, count in reasons.most_common()]
    if report.is_remembered:
        lines.append(describe_remembered(report.choices, language))
    if report.other_sheets:
        others = ", ".join(report.other_sheets)
        lines.append(say("import_page.sheet", language, sheet=report.sheet or "", others=others))
    return lines


def describe_remembered(choices: Choices, language: Language | None = None) -> str:
    """Say that a file was read as an earlier one of its shape was, and what was chosen for that."""
    chosen = [say(f"import.chosen.{kind}_{answer}", language) for kind, answer in choices.answers().items()]
    if choices.separator:
        chosen.append(say("import.chosen.separator", language, separator=choices.separator.replace(" ", "␣")))
    chosen += [say("import.chosen.person", language, there=there, here=here) for there, here in choices.people.items()]
    return say("import_page.remembered", language) + (f" ({', '.join(chosen)})" if chosen else "")


def total(reports: Sequence[ImportReport], language: Language | None = None) -> str:
    """Return the numbers of several files together."""
    return say("import.total", language, files=len(reports), what=_summary(reports, language))


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
