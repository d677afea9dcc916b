"""Importing from a terminal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.messages import say
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("import", help=say("cli.import.help"))
@click.argument("files", nargs=-1, required=True)
@_database_option
@click.option("--text-column", "text_columns", multiple=True, help=say("cli.import.text_column"))
@click.option("--label-column", help=say("cli.import.label_column"))
@click.option("--date-column", help=say("cli.import.date_column"))
@click.option("--author-column", help=say("cli.import.author_column"))
@click.option("--annotator-column", help=say("cli.import.annotator_column"))
@click.option("--split", help=say("cli.import.split"))
@click.option("--encoding", help=say("cli.import.encoding"))
@click.option("--crosswalk", help=say("cli.import.crosswalk"))
@click.option("--importer", help=say("cli.import.importer"))
@click.option("--report", type=click.Path(path_type=Path), help=say("cli.import.report"))
@_json_option
def import_(
    files: Sequence[str],
    path: Path,
    text_columns: tuple[str, ...],
    label_column: str | None,
    date_column: str | None,
    author_column: str | None,
    annotator_column: str | None,
    split: str | None,
    encoding: str | None,
    crosswalk: str | None,
    importer: str | None,
    report: Path | None,
    as_json: bool,
) -> None:
    from annotator.importing import ColumnMap, import_file, report_csv
    from annotator.label_sets import crosswalks
    from annotator.labelling.queueing import enqueue_import

    text, *more = text_columns or (None,)
    chosen = ColumnMap(
        text,
        label_column,
        date_column,
        author_column,
        more_text=tuple(column for column in more if column),
        annotator=annotator_column,
    )
    # Without any choice all columns are guessed, as on the import page; otherwise only the text column is.
    columns = chosen if chosen.roles() else None
    walk = None if crosswalk is None else crosswalks.read(crosswalk)
    with closing(project.open_project(path)) as db:
        for file in files:
            done = import_file(
                db,
                Path(file),
                file,
                columns=columns,
                encoding=encoding,
                importer=importer,
                crosswalk=walk,
                split=split,
                after=enqueue_import,
            )
            _print(
                as_json,
                done,
                say(
                    "cli.import.done",
                    file=done.file_name,
                    rows=done.row_count,
                    kept=done.kept_count,
                    labels=done.label_count,
                    skipped=len(done.skips),
                ),
            )
            if report is not None:
                target = report if len(files) == 1 else report.with_stem(f"{report.stem}-{Path(done.file_name).stem}")
                _write_report(target, report_csv(done))


def _write_report(target: Path, content: bytes) -> None:
    try:
        private_files.write_bytes(target, content)
    except OSError as error:
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error
