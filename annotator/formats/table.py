"""What every reader of a file format returns: columns, and rows one at a time."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Sized

    from annotator.formats.spans import Unit


MAX_COLUMNS = 2_000
"""Surveys have hundreds. Every row carries its columns, so a hundred thousand take minutes where one is read."""

Format = Literal[
    "csv",
    "tsv",
    "jsonl",
    "json",
    "excel",
    "parquet",
    "datasets",
    "spacy",
    "label_studio",
    "doccano",
    "argilla",
    "prodigy",
    "maeumgyeol",
    "ods",
    "html",
    "texts",
    "archive",
]

NO_HEADING = 0
"""The number of the heading row of a table that has none."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a person wants a file to be read. What is left open is found out.

    Attributes:
        encoding: of CSV, TSV and JSON; other formats carry their own.
        split: read only this part of a data set, for formats that have parts.
        delimiter: of CSV and TSV.
        heading: number of the row with the column names, from 1; `NO_HEADING` for a table without one.
        sheets: worksheets to read; none stands for the first one and all others with the same columns.
        pattern: how the names of text files say date and writer: ``{date}_{author}``.
        lines: whether a plain text is one diary, or each of its lines.
    """

    encoding: str | None = None
    split: str | None = None
    delimiter: str | None = None
    heading: int | None = None
    sheets: tuple[str, ...] = ()
    pattern: str | None = None
    lines: Literal["whole", "each"] | None = None


class Mark(NamedTuple):
    """Words that somebody marked for a label; half-open characters of the text.

    Attributes:
        if_label: the mark says something only if its label is one of the set.
        words: that are marked, where the file says them.
        unit: what the file counts.
    """

    start: int
    end: int
    label: str
    verdict: Literal["right", "wrong"] = "right"
    if_label: bool = False
    words: str = ""
    unit: Unit = "points"


class RowDecision(NamedTuple):
    """What one person decided about a row, in the words of the file.

    Attributes:
        person: as the file names them; empty where it names nobody.
        kind: None for somebody who only marked words.
        labels: the first is the label, the others are further emotions.
        intensity: 1 to 5.
        decided_at: when, as ISO 8601; empty where the file doesn't say.
        is_ours: the person is named as exports from here name people.
        is_cleared: somebody has cleared the label in the file since.
        group: the key of the press that gave the label to many diaries at once; empty for none.
    """

    person: str
    kind: Literal["label", "skip", "flag"] | None
    labels: tuple[str, ...] = ()
    memo: str = ""
    intensity: int | None = None
    marks: tuple[Mark, ...] = ()
    decided_at: str = ""
    is_ours: bool = False
    is_cleared: bool = False
    group: str = ""


ASIDE = "\0aside"
"""Key under which a reader of a tool's objects names what can't be a decision; no file has such a key."""

BEFORE = "\0before"
"""Key under which it names what a person said of the same text before."""

NOTES = ("error_cell", "hidden_row", "mark_unclear", "aside", "said_before")
"""What a reader may note about a row; see `import.reason` in the catalogue of messages."""


class Row(NamedTuple):
    """One row of a file.

    Attributes:
        number: 1-based. In CSV, TSV and Excel files the heading is counted, as spreadsheets do, so that the
            first row below it is 2; in JSONL it is the line; in Parquet the first row is 1.
        values: column to text, exactly as the file has it ("NA", "007" and "1.0" stay what they are); None
            where the file says that there is no value. JSONL rows lack columns that their object lacks.
        said: people's decisions about it, for formats that hold them; `values` has a summary of them for people to see,
            in the table's column `said`.
        notes: what of the row could not be read, as (one of `NOTES`, detail).
        diary_id: the diary that it was exported from, in an export from here.
    """

    number: int
    values: dict[str, str | None]
    said: tuple[RowDecision, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    diary_id: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file whose format is known, and whose columns have been read.

    Attributes:
        encoding: None for formats that carry their own.
        columns: names without surrounding white space, NFC, all different, in file order.
        rows: starts reading from the first row each time it is called; raises UserError where the file breaks.
        sheet: the first worksheet that is read, for Excel files.
        other_sheets: worksheets that are not read.
        said: the column that summarises people's decisions; it is no label by itself.
        known: the roles that the format itself gives its columns; None where they have to be guessed.
        more_sheets: worksheets of the same columns that are read, too.
        delimiter: between the values, for CSV and TSV.
        heading: number of the row with the column names, `NO_HEADING` where there is none; None for other formats.
        first_line: the first row of a table that may have no heading, for the person to say; empty if it has one.
        tool: what wrote the file, and the project there, by which people are told from others of the same name.
    """

    format: Format
    encoding: str | None
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()
    said: str | None = None
    known: ColumnMap | None = None
    more_sheets: tuple[str, ...] = ()
    delimiter: str | None = None
    heading: int | None = None
    first_line: tuple[str, ...] = ()
    tool: str = ""


def column_names(raw: Sequence[str | None], *, name: str) -> tuple[str, ...]:
    """Return the column names of a heading; a column without one is named by its position, ``column_3``.

    Raises:
        UserError: if there are too many, or two have the same name.
    """
    check_count(raw, name=name)
    names = [plain_column(cell or "") or f"column_{place}" for place, cell in enumerate(raw, 1)]
    if len(set(names)) < len(names):
        repeated = next(column for place, column in enumerate(names) if column in names[:place])
        raise UserError("import_columns_repeat", name=name, column=shorten(repeated))
    return tuple(names)


def check_count(columns: Sized, *, name: str) -> None:
    """Check that there are no more columns than a table of diaries can have.

    Raises:
        UserError: naming how many there are.
    """
    if len(columns) > MAX_COLUMNS:
        raise UserError("import_too_many_columns", name=name, found=len(columns), limit=MAX_COLUMNS)


def plain_column(column: str) -> str:
    """Return the form in which column names are compared."""
    return unicodedata.normalize("NFC", column).strip()


def shorten(text: str, limit: int = 30) -> str:
    """Cut a value for a message: a file without a heading would put a whole diary there."""
    plain = printable(text)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def printable(text: str) -> str:
    """Escape what screens and terminals can't show: NULs and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def enumerate_values(values: Sequence[str], *, at_most: int = 20) -> str:
    """Return values as a comma-separated list for a message."""
    text = ", ".join(shorten(value) for value in values[:at_most])
    return text if len(values) <= at_most else f"{text}, …"


def whole_number(written: object) -> int | None:
    """Return a positive number as it stands in a file; None for anything else."""
    digits = str(written)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 18 else None


def summarise(said: Sequence[RowDecision]) -> str | None:
    """Summarise people's decisions: ``가람: 행복 · 나루: 슬픔, 불안``."""
    summaries = []
    for one in said:
        what = ", ".join(one.labels) or one.kind or ", ".join(dict.fromkeys(mark.label for mark in one.marks))
        summaries.append(f"{one.person}: {what}" if one.person else what)
    return " · ".join(summaries) or None


ROLES = ("text", "label", "date", "author", "annotator")

Scale = Literal["yes", "strength"]
"""What the figures of a column for each label say: whether somebody saw the emotion, or how strong it is."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which column is read in which role. All other columns become the diary's metadata.

    Attributes:
        text: None if it isn't clear; importing then asks for it.
        label: where it is the table's column `said`, each person's decision is read.
        annotator: who gave the label; None if nobody knows.
        ignored: columns that are not kept at all.
        more_text: columns whose values follow that of `text`, each after a space.
        people: columns of a table with one for each person, which hold labels and are called like the people.
        label_columns: columns of a table with one for each label, which hold figures and are called like the labels.
        scale: what those figures say.
    """

    text: str | None
    label: str | None = None
    date: str | None = None
    author: str | None = None
    ignored: tuple[str, ...] = ()
    more_text: tuple[str, ...] = ()
    annotator: str | None = None
    people: tuple[str, ...] = ()
    label_columns: tuple[str, ...] = ()
    scale: Scale = "yes"

    def roles(self) -> dict[str, str]:
        """Return the columns that have a role, by role; those that follow the text are not among them."""
        named = {role: getattr(self, role) for role in ROLES}
        return {role: column for role, column in named.items() if column is not None}

    def used(self) -> tuple[str, ...]:
        """Return all columns that are read or ignored, in whichever role."""
        return (*self.roles().values(), *self.ignored, *self.more_text, *self.people, *self.label_columns)

    def describe(self) -> dict[str, str]:
        """Return the columns by role, to be stored with the import."""
        joined = " + ".join((self.text or "", *self.more_text))
        wide = {"people": self.people, "label_columns": self.label_columns}
        return {
            **self.roles(),
            **({"text": joined} if self.more_text else {}),
            **{role: " + ".join(columns) for role, columns in wide.items() if columns},
        }
