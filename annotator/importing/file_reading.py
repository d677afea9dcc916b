"""Reading a file to its end before anything is stored: its diaries wait in a spool, its questions are raised."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from annotator import settings as project_settings
from annotator.formats import table as tables
from annotator.formats.source import open_source
from annotator.formats.table import ColumnMap, ReadOptions
from annotator.importing import asking, shapes
from annotator.importing.choices import Choices
from annotator.importing.columns import NamedColumns, choose_columns, guess_roles, unclear_labels
from annotator.importing.file_preview import take_sample
from annotator.importing.label_names import LabelNames, LabelReader, read_names
from annotator.importing.people import read_people
from annotator.importing.reader import opened
from annotator.importing.row_filter import MAX_CHARACTERS, RowFilter
from annotator.importing.spool import Spool
from annotator.importing.twins import twin_finder
from annotator.label_sets.crosswalks import ids_by_name
from db.texts.batches import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator.formats.source import Source
    from annotator.formats.table import Row, Table
    from annotator.label_sets.crosswalks import Crosswalk
    from db import Database


@dataclass(frozen=True, slots=True)
class Plan:
    """How files are to be read, and whose decisions theirs are; see `annotator.importing.importer.import_files`."""

    columns: ColumnMap | NamedColumns | None = None
    reading: ReadOptions | None = None
    choices: Choices | None = None
    importer: str | None = None
    source_label: str | None = None
    crosswalk: Crosswalk | None = None
    max_characters: int = MAX_CHARACTERS
    remembers: bool = True

    def recalled(self, db: Database, name: str) -> Plan:
        """Return the plan with how an earlier file of that name was read, where nobody says how."""
        reading = shapes.find_reading(db, name) if self.remembers and self.reading is None else None
        return self if reading is None else replace(self, reading=reading)

    def recalled_for(self, db: Database, table: Table) -> Plan:
        """Return the plan with what was chosen for an earlier file of the same columns, where nothing is chosen."""
        if not self.remembers:
            return self
        columns = self.columns or shapes.find_columns(db, table)
        return replace(self, columns=columns, choices=(self.choices or Choices()).over(shapes.find_choices(db, table)))


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that was read to its end.

    Attributes:
        plan: how it was read, with what was remembered.
        memory: what is remembered for the next file of the same shape.
        skips: rows that are left out whatever is here.
    """

    file: Source
    digest: str
    plan: Plan
    memory: dict[str, str]
    table: Table
    sieve: RowFilter
    spool: Spool
    row_count: int
    skips: list[Skip]
    is_remembered: bool

    @property
    def name(self) -> str:
        """Return what people call the file."""
        return self.file.name


@contextmanager
def read_file(db: Database, source: Path | bytes, name: str, given: Plan) -> Iterator[FileRead]:
    """Read a file for the block, which may take the diaries out of its spool.

    Raises:
        ImportQuestions: if it can be read in several ways, and nobody has said which one is meant.
        UserError: if it can't be read to its end, or its columns don't fit.
    """
    file = open_source(source, name)
    plan = given.recalled(db, file.name)
    with Spool() as spool:
        with opened(file, plan.reading or ReadOptions()) as table:
            plan = plan.recalled_for(db, table)
            sieve = _prepared(db, table, plan, file.name)
            digest = file.digest()
            row_count, skips = _read(table, sieve, spool)
        file.check_unchanged()
        asking.ask(asking.questions_of_rows(sieve), file.name)
        memory = shapes.describe(file.name, table, given, sieve.columns)
        is_remembered = (plan.columns, plan.reading, plan.choices) != (
            given.columns,
            given.reading,
            (given.choices or Choices()) if given.remembers else given.choices,
        )
        yield FileRead(file, digest, plan, memory, table, sieve, spool, row_count, skips, is_remembered)


def _prepared(db: Database, table: Table, plan: Plan, name: str) -> RowFilter:
    """Return what the rows are looked through with, its columns chosen.

    Raises:
        ImportQuestions: about the table as a whole.
        UserError: if the columns don't fit.
    """
    sieve = _sieve(db, table, plan)
    sample = take_sample(table, name)
    if (plan.reading is None or plan.reading.heading is None) and asking.has_unclear_heading(table, sample, sieve):
        asking.ask([asking.heading_question(table)], name)
    sieve.columns = choose_columns(table, plan.columns, sample, name=name, labels=sieve.labels)
    sieve.columns = _widened(table, sieve, plan.columns, sample, name)
    sieve.asks_texts = sieve.choices.texts is None and _joins_by_choice(table, sieve, sample)
    if sieve.columns.more_text and sieve.choices.texts == "each":
        sieve.row_count = max(row.number for row in table.rows())
    sieve.prepare()
    sieve.notes += _note_figures(table, sieve, sample[0])
    return sieve


def _sieve(db: Database, table: Table, plan: Plan) -> RowFilter:
    settings = project_settings.load(db)
    choices = plan.choices or Choices()
    names = read_names(db)
    if plan.crosswalk is not None:
        names = LabelNames(ids_by_name(plan.crosswalk, names.ids))
    return RowFilter(
        columns=ColumnMap(None),
        labels=LabelReader(names, choices.separator, adds=choices.unknown == "add"),
        people=read_people(db, table.tool, choices.people),
        seed=bytes.fromhex(settings.seed),
        choices=choices,
        several_labels=settings.several_labels,
        max_characters=plan.max_characters,
        excel_dates=table.format in ("excel", "ods"),
        said=table.said,
        find_twin=twin_finder(db),
    )


def _widened(
    table: Table, sieve: RowFilter, columns: ColumnMap | NamedColumns | None, sample: Sequence[Row], name: str
) -> ColumnMap:
    """Return the columns with those of people, if several columns hold labels and that is what they stand for."""
    no_label = isinstance(columns, ColumnMap) or (isinstance(columns, NamedColumns) and columns.no_label)
    unclear = [] if no_label else unclear_labels(table, sieve.columns, sample, sieve.labels)
    if not unclear or sieve.choices.wide == "none":
        return sieve.columns
    if sieve.choices.wide is None:
        asking.ask([asking.wide_question(table, unclear)], name)
    return replace(sieve.columns, people=tuple(unclear))


def _joins_by_choice(table: Table, sieve: RowFilter, sample: Sequence[Row]) -> bool:
    """Return whether somebody has named several columns of text; of a corpus that is known, all are one diary."""
    guess = guess_roles(table, sample, sieve.labels)
    chosen = sieve.columns
    return bool(chosen.more_text) and (chosen.text, chosen.more_text) != (guess.text, guess.more_text)


def _note_figures(table: Table, sieve: RowFilter, first: Row) -> list[Skip]:
    """Return a note for each column that is called like a label and read as metadata, such as one of probabilities."""
    used = sieve.columns.used()
    named = [column for column in table.columns if column not in used and sieve.labels.knows(column)]
    return [Skip(first.number, "aside", tables.shorten(column)) for column in named]


def _read(table: Table, sieve: RowFilter, spool: Spool) -> tuple[int, list[Skip]]:
    """Read the file to its end; return the number of its rows, and those that are left out."""
    skips: list[Skip] = []
    row_count = 0
    for row in table.rows():
        for outcome in sieve.convert_all(row):
            row_count += 1
            if isinstance(outcome, Skip):
                skips.append(outcome)
            else:
                spool.add(outcome)
    return row_count, skips
