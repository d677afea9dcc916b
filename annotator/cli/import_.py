"""Importing from a terminal."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.cli.options import DIARY_ID
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.messages import explain, say
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.importing import Choices, ImportQuestions, ImportReport, NamedColumns, ReadOptions
    from db import Database

_SEPARATORS = {"comma": ",", "semicolon": ";", "bar": "|", "tab": "\t", "slash": "/", "space": " "}
_DELIMITERS = ("comma", "semicolon", "bar", "tab")


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a file is read, and which of two readings is meant."""
    for option in (
        click.option("--text-column", "text_columns", multiple=True, help=say("cli.import.text_column")),
        click.option("--label-column", help=say("cli.import.label_column")),
        click.option("--no-label", is_flag=True, help=say("cli.import.no_label")),
        click.option("--date-column", help=say("cli.import.date_column")),
        click.option("--author-column", help=say("cli.import.author_column")),
        click.option("--annotator-column", help=say("cli.import.annotator_column")),
        click.option("--person-column", "person_columns", multiple=True, help=say("cli.import.person_column")),
        click.option("--label-columns", "label_columns", multiple=True, help=say("cli.import.label_columns")),
        click.option("--strength", is_flag=True, help=say("cli.import.strength")),
        click.option("--split", help=say("cli.import.split")),
        click.option("--encoding", help=say("cli.import.encoding")),
        click.option("--delimiter", type=click.Choice(_DELIMITERS), help=say("cli.import.delimiter")),
        click.option("--heading", help=say("cli.import.heading")),
        click.option("--sheet", "sheets", multiple=True, help=say("cli.import.sheet")),
        click.option("--lines", type=click.Choice(["whole", "each"]), help=say("cli.import.lines")),
        click.option("--name-pattern", "pattern", help=say("cli.import.name_pattern")),
        click.option("--label-separator", type=click.Choice(list(_SEPARATORS)), help=say("cli.import.separator")),
        click.option("--several", type=click.Choice(["all", "first", "none"]), help=say("cli.import.several")),
        click.option("--again", type=click.Choice(["correct", "add", "keep"]), help=say("cli.import.again")),
        click.option("--second-opinions", is_flag=True, help=say("cli.import.second_opinions")),
        click.option("--unknown-labels", "unknown", type=click.Choice(["leave"]), help=say("cli.import.unknown")),
        click.option("--totals", type=click.Choice(["skip", "keep"]), help=say("cli.import.totals")),
        click.option("--wide", type=click.Choice(["people", "none"]), help=say("cli.import.wide")),
        click.option("--person", "people", multiple=True, metavar="NAME=NAME", help=say("cli.import.person")),
    ):
        command = option(command)
    return command


@click.command("import", help=say("cli.import.help"))
@click.argument("files", nargs=-1)
@_database_option
@_options
@click.option("--crosswalk", help=say("cli.import.crosswalk"))
@click.option("--importer", help=say("cli.import.importer"))
@click.option("--report", type=click.Path(path_type=Path), help=say("cli.import.report"))
@click.option("--take-back", type=DIARY_ID, metavar="N", help=say("cli.import.take_back"))
@click.option("--yes", is_flag=True, help=say("cli.import.yes"))
@_json_option
def import_(
    files: Sequence[str],
    path: Path,
    crosswalk: str | None,
    importer: str | None,
    report: Path | None,
    take_back: int | None,
    yes: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    if (take_back is None) != bool(files):
        raise UserError("import_files_or_back")
    with closing(project.open_project(path)) as db:
        if take_back is not None:
            _take_back(db, take_back, yes=yes, as_json=as_json)
            return
        plan = _Plan.of(asked, crosswalk, importer)
        for file in files:
            done = _import(db, file, plan)
            _print(as_json, _jsonable(done), "\n".join(_lines(done)))
            if report is not None:
                _write_report(report, done, alone=len(files) == 1)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the command line asks for, of every file."""

    columns: NamedColumns | None
    reading: ReadOptions | None
    choices: Choices
    crosswalk: Any
    importer: str | None

    @classmethod
    def of(cls, asked: dict[str, Any], crosswalk: str | None, importer: str | None) -> _Plan:
        from annotator.importing import Choices, ReadOptions
        from annotator.label_sets import crosswalks

        delimiter, separator = asked["delimiter"], asked["label_separator"]
        reading = ReadOptions(
            encoding=asked["encoding"],
            split=asked["split"],
            delimiter=None if delimiter is None else _SEPARATORS[delimiter],
            heading=_heading(asked["heading"]),
            sheets=asked["sheets"],
            pattern=asked["pattern"],
            lines=asked["lines"],
        )
        choices = Choices(
            several=asked["several"],
            again=asked["again"],
            several_opinions=asked["second_opinions"],
            unknown=asked["unknown"],
            totals=asked["totals"],
            wide=asked["wide"],
            separator=None if separator is None else _SEPARATORS[separator],
            people=dict(map(_pair, asked["people"])),
        )
        walk = None if crosswalk is None else crosswalks.read(crosswalk)
        return cls(_columns(asked), None if reading == ReadOptions() else reading, choices, walk, importer)


def _columns(asked: dict[str, Any]) -> NamedColumns | None:
    from annotator.importing import ColumnMap, NamedColumns

    text, *more = asked["text_columns"] or (None,)
    named = ColumnMap(
        text,
        asked["label_column"],
        asked["date_column"],
        asked["author_column"],
        more_text=tuple(column for column in more if column),
        annotator=asked["annotator_column"],
        people=asked["person_columns"],
        label_columns=asked["label_columns"],
        scale="strength" if asked["strength"] else "yes",
    )
    return NamedColumns(named, no_label=asked["no_label"]) if named.used() or asked["no_label"] else None


def _heading(written: str | None) -> int | None:
    if written is None:
        return None
    if written == "none":
        return 0
    if written == "first":
        return 1
    if not written.isdecimal() or not 0 < len(written) < 7:
        raise UserError("import_heading_unusable", found=written[:20])
    return int(written)


def _pair(written: str) -> tuple[str, str]:
    there, equals, here = written.partition("=")
    if not equals or not there.strip() or not here.strip():
        raise UserError("import_person_unusable", found=written[:60])
    return there, here


def _import(db: Database, file: str, plan: _Plan) -> ImportReport:
    from annotator.importing import ImportQuestions, import_file
    from annotator.labelling.queueing import enqueue_import

    try:
        return import_file(
            db,
            Path(file),
            file,
            columns=plan.columns,
            reading=plan.reading,
            choices=plan.choices,
            importer=plan.importer,
            crosswalk=plan.crosswalk,
            after=enqueue_import,
        )
    except ImportQuestions as asked:
        raise click.ClickException("\n".join(_question_lines(asked))) from asked


def _question_lines(asked: ImportQuestions) -> list[str]:
    """Return each question in a sentence, and an option for each answer."""
    lines = []
    for question in asked.questions:
        details = {**asked.details, "count": question.count, "example": question.example}
        lines.append(explain(UserError(f"import_ask_{question.kind}", **details)))
        lines += [f"  {say(f'cli.import.answer.{question.kind}.{option}')}" for option in question.options]
    return lines


def _jsonable(done: ImportReport) -> dict[str, Any]:
    from annotator.cli.options import jsonable

    counts = {"joined": done.joined_count, "superseding": done.superseding_count, "left_out": len(done.left_out)}
    return {**jsonable(done), **counts}


def _lines(done: ImportReport) -> list[str]:
    from annotator.importing import details, summary

    first = say("cli.import.done", file=done.file_name, rows=done.row_count, number=done.batch_id, what=summary(done))
    return [first, *(f"  {line}" for line in details(done))]


def _take_back(db: Database, number: int, *, yes: bool, as_json: bool) -> None:
    from annotator.importing import taking_back

    if not yes:
        preview = taking_back.preview(db, number)
        _print(as_json, preview, say("cli.import.back_preview", **_counts(preview)))
        # A program asks first and then says --yes.
        if as_json or not click.confirm(say("cli.import.back_ask")):
            return
    done = taking_back.take_back(db, number, None)
    _print(as_json, done, say("cli.import.back_done", **_counts(done)))


def _counts(taken_back: Any) -> dict[str, Any]:
    return {
        "file": taken_back.file_name,
        "diaries": taken_back.diary_count,
        "staying": taken_back.staying_count,
        "decisions": taken_back.decision_count,
        "marks": taken_back.mark_count,
    }


def _write_report(report: Path, done: ImportReport, *, alone: bool) -> None:
    from annotator.importing import report_csv

    target = report if alone else report.with_stem(f"{report.stem}-{Path(done.file_name).stem}")
    try:
        private_files.write_bytes(target, report_csv(done))
    except OSError as error:
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error
