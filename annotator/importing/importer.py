"""Importing a file: all of it or none of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.accounts.annotators import IMPORTER
from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.source import open_source
from annotator.formats.table import ColumnMap, ReadOptions
from annotator.importing import parts, shapes
from annotator.importing.choices import Asked, Choices, ImportQuestions, Question
from annotator.importing.columns import (
    NamedColumns,
    choose_columns,
    guess_roles,
    long_columns,
    names_a_label,
    unclear_labels,
)
from annotator.importing.gc_pause import paused_gc
from annotator.importing.label_names import LabelNames, LabelReader, read_names
from annotator.importing.people import read_people
from annotator.importing.reader import opened
from annotator.importing.row_filter import MAX_CHARACTERS, RowFilter
from annotator.importing.spool import Spool
from annotator.importing.twins import twin_finder
from annotator.label_sets.crosswalks import ids_by_name
from annotator.privacy import forgotten_key, masking
from db.answers.imported_decisions import Rules
from db.connection import write
from db.people import annotators
from db.texts import diaries
from db.texts.batches import TOOK_PART, Batch, Imported, Skip, insert_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.formats.table import Format, Row, Table
    from annotator.label_sets.crosswalks import Crosswalk
    from db import Database

_PREVIEW_ROWS = 5
_SAMPLE_ROWS = 50
_LONG_ROW = 1_000_000
_SHOWN_LABELS = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file, and how it would be read.

    Attributes:
        encoding: None for Excel and Parquet.
        columns: names in file order.
        rows: the first five, column to text; characters that can't be shown are escaped.
        row_numbers: their numbers in the file.
        guess: which column seems to be what; its text is None where several or none could be.
        sheet: the worksheet that is read, for Excel files.
        other_sheets: worksheets with cells that are not read.
        long: columns whose values are long enough to be a text, or a part of one.
        said: the column that stands for what each person decided, for formats that say so.
        more_sheets: worksheets of the same columns that are read, too.
        delimiter: between the values, for CSV and TSV.
        heading: number of the row with the column names, 0 where there is none; None for other formats.
        first_line: the first row of a table that may have no heading; empty if it has one.
        people: names in the first rows of who decided, with who they are here.
        remembered: how an earlier file of the same shape was read; None if there was none.
    """

    format: Format
    encoding: str | None
    columns: tuple[str, ...]
    rows: tuple[dict[str, str | None], ...]
    row_numbers: tuple[int, ...]
    guess: ColumnMap
    sheet: str | None
    other_sheets: tuple[str, ...]
    long: tuple[str, ...] = ()
    said: str | None = None
    more_sheets: tuple[str, ...] = ()
    delimiter: str | None = None
    heading: int | None = None
    first_line: tuple[str, ...] = ()
    people: tuple[tuple[str, str], ...] = ()
    remembered: ColumnMap | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        row_count: rows of the file, without its heading and blank lines: kept_count + len(skips).
        label_count: diaries that came with a label.
        decision_count: decisions that were stored.
        is_remembered: whether it was read as an earlier file of the same shape.
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


def preview(
    source: Path | bytes, name: str, *, reading: ReadOptions | None = None, db: Database | None = None
) -> Preview:
    """Show how a file would be read; writes nothing.

    Args:
        source: a path, or the bytes of an upload.
        name: the file's name, whose ending says the format where the content doesn't.
        reading: how it is to be read; None finds everything out.
        db: the project, by whose labels columns are guessed, too.

    Raises:
        UserError: if the file can't be read, or has no rows.
    """
    file = open_source(source, name)
    with opened(file, reading or ReadOptions()) as table:
        sample = _sample(table, file.name)
    first = sample[:_PREVIEW_ROWS]
    names = None if db is None else LabelReader(read_names(db))
    guess = guess_roles(table, sample, names)
    return Preview(
        format=table.format,
        encoding=table.encoding,
        columns=table.columns,
        rows=tuple(_printable(row) for row in first),
        row_numbers=tuple(row.number for row in first),
        guess=guess,
        long=tuple(long_columns(table.columns, sample)),
        said=table.said,
        sheet=table.sheet,
        other_sheets=table.other_sheets,
        more_sheets=table.more_sheets,
        delimiter=table.delimiter,
        heading=table.heading,
        first_line=tuple(map(tables.shorten, table.first_line)),
        people=() if db is None else _people(db, table, guess, sample),
        remembered=None if db is None else shapes.find_columns(db, table),
    )


def _people(db: Database, table: Table, guess: ColumnMap, sample: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    """Return who decided in the first rows, with who they are here."""
    names = read_people(db, table.tool, {})
    ours = {decision.person: decision.is_ours for row in sample for decision in row.said}
    written = [row.values.get(guess.annotator or "") or "" for row in sample]
    people = {**dict.fromkeys((*guess.people, *written), False), **ours}
    return tuple((person, names.find(person, is_ours=is_ours) or "") for person, is_ours in people.items() if person)


def import_file(
    db: Database,
    source: Path | bytes,
    name: str,
    *,
    columns: ColumnMap | NamedColumns | None = None,
    reading: ReadOptions | None = None,
    choices: Choices | None = None,
    importer: str | None = None,
    source_label: str | None = None,
    crosswalk: Crosswalk | None = None,
    max_characters: int = MAX_CHARACTERS,
    after: Callable[[Database, Imported], None] | None = None,
) -> ImportReport:
    """Import a file in one transaction: all of it, or nothing.

    Args:
        source: a path, or the bytes of an upload; the same as a path where `name` names a data set on the hub.
        name: the file's name, whose ending says the format where the content doesn't, or ``hf:owner/name``.
        columns: which column is what; None guesses all of them, a text of None guesses that one, and named columns
            leave all others to be guessed.
        reading: how the file is to be read; None finds everything out.
        choices: answers to the questions that the file raises.
        importer: who decides the labels of the file that nobody is named for; ``가져오기:<file name>`` by default.
        source_label: what the diaries' source is called; the file's name by default.
        crosswalk: the labels of the file are those of another set, and this says which ones they are here.
        max_characters: longer texts are left out.
        after: called in the same transaction, once everything is in; what it raises undoes the import.

    Raises:
        ImportQuestions: if it can be read in several ways, and nobody has said which one is meant.
        UserError: if the file can't be read to its end, its columns don't fit, it has a label that is not in
            the set, or the database has not been set up.
        DatabaseError: if it can't be written.
    """
    file = open_source(source, name)
    choices = choices or Choices()
    given, reading = (columns, reading), reading or shapes.find_reading(db, file.name)
    importer = importer or f"{IMPORTER}{file.name}"
    with paused_gc(), Spool() as spool:
        with opened(file, reading or ReadOptions()) as table:
            columns = columns or shapes.find_columns(db, table)
            sieve = _sieve(db, table, choices, crosswalk)
            sieve.max_characters = max_characters
            sample = _sample(table, file.name)
            _ask_for_heading(table, sample, sieve, reading, file.name)
            sieve.columns = choose_columns(table, columns, sample, name=file.name, labels=sieve.labels)
            sieve.columns = _widened(table, sieve, columns, sample, file.name)
            sieve.prepare()
            sieve.notes += _note_figures(table, sieve, sample[0])
            file_hash = file.digest()
            row_count, skips = _read(table, sieve, spool)
        file.check_unchanged()
        _check_labels(sieve, file.name)
        _ask(sieve.asked.questions(), file.name)
        with write(db):
            imported_by = annotators.get_or_create_id(db, importer, kind="importer")
            batch = _batch(file.name, file_hash, table, sieve.columns, imported_by, row_count)
            batch = replace(batch, columns={**batch.columns, **_remember(file.name, table, sieve, *given)})
            if crosswalk is not None:
                batch = replace(batch, columns={**batch.columns, "crosswalk": crosswalk.name})
            imported = insert_batch(
                db,
                batch,
                map(_split(db, sieve).dealt, spool),
                skips,
                source=source_label or file.name,
                is_refused=forgotten_key.make_refusal_check(db),
                rules=_rules(db, choices),
            )
            _ask_about_other_labels(imported, file.name)
            if after is not None:
                after(db, imported)
    report = _report(batch, imported, table, sieve)
    return replace(report, is_remembered=(columns, reading) != given)


def _note_figures(table: Table, sieve: RowFilter, first: Row) -> list[Skip]:
    """Return a note for each column that is called like a label and read as metadata, such as one of probabilities."""
    used = sieve.columns.used()
    named = [column for column in table.columns if column not in used and sieve.labels.knows(column)]
    return [Skip(first.number, "aside", tables.shorten(column)) for column in named]


def _remember(
    name: str, table: Table, sieve: RowFilter, columns: ColumnMap | NamedColumns | None, reading: ReadOptions | None
) -> dict[str, str]:
    return shapes.describe(name, table, None if columns is None else sieve.columns, reading)


def _widened(
    table: Table, sieve: RowFilter, wanted: ColumnMap | NamedColumns | None, sample: Sequence[Row], name: str
) -> ColumnMap:
    """Return the columns with those of people, if several columns hold labels and that is what they stand for."""
    no_label = isinstance(wanted, ColumnMap) or (isinstance(wanted, NamedColumns) and wanted.no_label)
    unclear = [] if no_label else unclear_labels(table, sieve.columns, sample, sieve.labels)
    if not unclear or sieve.choices.wide == "none":
        return sieve.columns
    if sieve.choices.wide is None:
        _ask([Question("wide", len(unclear), ("people", "none"), tables.enumerate_values(unclear))], name)
    return replace(sieve.columns, people=tuple(unclear))


def _rules(db: Database, choices: Choices) -> Rules:
    settings = project_settings.load(db)
    return Rules(choices.again, choices.several_opinions, lambda text: masking.mask(text, settings))


def _ask(questions: Sequence[Question], name: str) -> None:
    if questions:
        raise ImportQuestions(questions, name=name)


def _ask_for_heading(
    table: Table, sample: Sequence[Row], sieve: RowFilter, reading: ReadOptions | None, name: str
) -> None:
    """Ask whether the first row is a diary or the heading, if it looks like a diary, or has a label among labels."""
    is_labelled = bool(table.heading) and names_a_label(table, sample, sieve.labels)
    if (table.first_line or is_labelled) and (reading is None or reading.heading is None):
        values = list(map(tables.shorten, table.first_line or table.columns))
        _ask([Question("heading", 1, ("none", "first"), tables.enumerate_values(values, at_most=5))], name)


def _ask_about_other_labels(imported: Imported, name: str) -> None:
    """Ask about labels without a name on texts that have others; raised within the transaction, which it undoes."""
    asked = Asked()
    for skip in imported.skips:
        if skip.reason == "open":
            asked.add("again", skip.detail.partition(" · ")[2])
    _ask(asked.questions(), name)


def _sample(table: Table, name: str) -> list[Row]:
    sample: list[Row] = []
    for row in islice(table.rows(), _SAMPLE_ROWS):
        sample.append(row)
        if sum(map(len, filter(None, row.values.values()))) > _LONG_ROW:
            break  # fifty of these would fill the memory, and tell no more
    if not sample:
        raise UserError("import_no_rows", name=name)
    return sample


def _printable(row: Row) -> dict[str, str | None]:
    return {column: value and tables.printable(value) for column, value in row.values.items()}


def _sieve(db: Database, table: Table, choices: Choices, crosswalk: Crosswalk | None) -> RowFilter:
    settings = project_settings.load(db)
    names = read_names(db)
    if crosswalk is not None:
        names = LabelNames(ids_by_name(crosswalk, names.ids))
    return RowFilter(
        columns=ColumnMap(None),
        labels=LabelReader(names, choices.separator),
        people=read_people(db, table.tool, choices.people),
        seed=bytes.fromhex(settings.seed),
        choices=choices,
        several_labels=settings.several_labels,
        excel_dates=table.format in ("excel", "ods"),
        said=table.said,
        find_twin=twin_finder(db),
    )


def _split(db: Database, sieve: RowFilter) -> parts.Split:
    """Return how the project sets diaries apart; the first file that names writers decides whether by these."""
    settings = project_settings.load(db)
    if sieve.writers and not diaries.has_authors(db):
        cut = parts.choose_cut(sieve.writers, seed=sieve.seed, test_share=settings.test_share)
        settings = project_settings.change(db, writer_cut=cut)
    return parts.split_of(settings)


def _read(table: Table, sieve: RowFilter, spool: Spool) -> tuple[int, list[Skip]]:
    """Read the file to its end; return the number of its rows, and those that are left out."""
    skips: list[Skip] = []
    row_count = 0
    for row in table.rows():
        row_count += 1
        outcome = sieve.convert(row)
        if isinstance(outcome, Skip):
            skips.append(outcome)
        else:
            spool.add(outcome)
    return row_count, skips


def _check_labels(sieve: RowFilter, name: str) -> None:
    unknown = sieve.labels.unknown.most_common()
    if not unknown or sieve.choices.unknown == "leave":
        return
    counted: Sequence[str] = [f"{tables.shorten(label)} ({count})" for label, count in unknown]
    raise UserError(
        "import_labels_unknown",
        name=name,
        column=tables.enumerate_values(list(filter(None, (sieve.columns.label, *sieve.columns.people)))),
        count=len(unknown),
        unknown=tables.enumerate_values(counted, at_most=_SHOWN_LABELS),
        known=tables.enumerate_values(list(sieve.labels.names.ids), at_most=_SHOWN_LABELS),
    )


def _batch(file_name: str, file_hash: str, table: Table, chosen: ColumnMap, imported_by: int, row_count: int) -> Batch:
    return Batch(
        file_name=file_name,
        file_hash=file_hash,
        format=table.format,
        encoding=table.encoding,
        columns=chosen.describe(),
        imported_by=imported_by,
        row_count=row_count,
    )


def _report(batch: Batch, imported: Imported, table: Table, sieve: RowFilter) -> ImportReport:
    left_out = {skip.row_number for skip in imported.skips if skip.reason not in TOOK_PART}
    return ImportReport(
        batch_id=imported.batch_id,
        file_name=batch.file_name,
        format=table.format,
        encoding=table.encoding,
        row_count=batch.row_count,
        kept_count=imported.kept_count,
        label_count=imported.label_count,
        columns=sieve.columns,
        skips=imported.skips,
        notes=tuple(
            note
            for note in (*sieve.notes, *imported.notes)
            if note.row_number not in left_out or note.reason == "label_cleared"
        ),
        decision_count=imported.decision_count,
        sheet=table.sheet,
        other_sheets=table.other_sheets,
    )
