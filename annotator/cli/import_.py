"""Importing from a terminal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.cli.options import DIARY_ID
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.importing.choices import ALL_OPTIONS
from annotator.messages import explain, say
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from annotator.importing import Choices, ImportQuestions, ImportReport, NamedColumns, Plan, ReadOptions
    from db import Database

_SEPARATORS = {"comma": ",", "semicolon": ";", "bar": "|", "tab": "\t", "slash": "/", "space": " "}
_OPTIONS = {"unknown": "unknown-labels"}
"""Options that are called otherwise than the question that they answer."""

DELIMITERS = ("comma", "semicolon", "bar", "tab")


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
        click.option("--delimiter", type=click.Choice(DELIMITERS), help=say("cli.import.delimiter")),
        click.option("--heading", help=say("cli.import.heading")),
        click.option("--sheet", "sheets", multiple=True, help=say("cli.import.sheet")),
        click.option("--lines", type=click.Choice(ALL_OPTIONS["lines"]), help=say("cli.import.lines")),
        click.option("--name-pattern", "pattern", help=say("cli.import.name_pattern")),
        click.option("--label-separator", type=click.Choice(list(_SEPARATORS)), help=say("cli.import.separator")),
        click.option("--several", type=click.Choice(ALL_OPTIONS["several"]), help=say("cli.import.several")),
        click.option("--again", type=click.Choice(ALL_OPTIONS["again"]), help=say("cli.import.again")),
        click.option("--cleared", type=click.Choice(ALL_OPTIONS["cleared"]), help=say("cli.import.cleared")),
        click.option("--texts", type=click.Choice(ALL_OPTIONS["texts"]), help=say("cli.import.texts")),
        click.option("--afresh", is_flag=True, help=say("cli.import.afresh")),
        click.option("--second-opinions", is_flag=True, help=say("cli.import.second_opinions")),
        click.option(
            "--unknown-labels", "unknown", type=click.Choice(ALL_OPTIONS["unknown"]), help=say("cli.import.unknown")
        ),
        click.option("--totals", type=click.Choice(ALL_OPTIONS["totals"]), help=say("cli.import.totals")),
        click.option("--wide", type=click.Choice(ALL_OPTIONS["wide"]), help=say("cli.import.wide")),
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
        done = _import(db, files, plan_of(asked, crosswalk, importer))
    for each in done:
        _print(as_json, _jsonable(each), "\n".join(_lines(each)))
        if report is not None:
            _write_report(report, each, alone=len(done) == 1)
    if len(done) > 1 and not as_json:
        from annotator.importing import total

        click.echo(total(done))


def plan_of(asked: dict[str, Any], crosswalk: str | None, importer: str | None) -> Plan:
    """Return what the command line asks for, of every file."""
    from annotator.importing import Plan
    from annotator.label_sets import crosswalks

    return Plan(
        columns=_columns(asked),
        reading=_reading(asked),
        choices=_choices(asked),
        importer=importer,
        crosswalk=None if crosswalk is None else crosswalks.read(crosswalk),
        remembers=not asked["afresh"],
    )


def _reading(asked: dict[str, Any]) -> ReadOptions | None:
    from annotator.importing import ReadOptions

    delimiter = asked["delimiter"]
    reading = ReadOptions(
        encoding=asked["encoding"],
        split=asked["split"],
        delimiter=None if delimiter is None else _SEPARATORS[delimiter],
        heading=_heading(asked["heading"]),
        sheets=asked["sheets"],
        pattern=asked["pattern"],
        lines=asked["lines"],
    )
    return None if reading == ReadOptions() else reading


def _choices(asked: dict[str, Any]) -> Choices:
    from annotator.importing import Choices

    separator = asked["label_separator"]
    answered = ("several", "again", "cleared", "unknown", "totals", "wide", "texts")
    return Choices(
        **{kind: asked[kind] for kind in answered},
        several_opinions=asked["second_opinions"],
        separator=None if separator is None else _SEPARATORS[separator],
        people=dict(map(_pair, asked["people"])),
    )


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


def _import(db: Database, files: Sequence[str], plan: Plan) -> list[ImportReport]:
    from annotator.importing import ImportQuestions, bundle, import_files
    from annotator.labelling.queueing import enqueue_import

    try:
        return import_files(db, bundle([(Path(file), file) for file in files]), plan, after=enqueue_import)
    except ImportQuestions as asked:
        raise click.ClickException("\n".join(question_lines(asked))) from asked


def question_lines(asked: ImportQuestions) -> list[str]:
    """Return each question in a sentence, and an option for each answer."""
    lines = []
    for question in asked.questions:
        details = {**asked.details, "count": question.count, "example": question.example}
        lines.append(explain(UserError(f"import_ask_{question.kind}", **details)))
        lines += [_answer_line(question.kind, option, count) for option, count in question.answers.items()]
    return lines


def _answer_line(kind: str, option: str, count: int) -> str:
    chosen = f"--{_OPTIONS.get(kind, kind)} {option}"
    return f"  {chosen:<24} {say(f'import_page.answer_{kind}_{option}', count=count)}"


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
