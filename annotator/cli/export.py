"""Commands that export everything."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable

# The names of `annotator.exporting.FORMATS`: importing them takes half a second, which `--help` need not wait for.
_NAMES = (
    *("csv", "tsv", "xlsx", "jsonl", "parquet", "datasets"),
    *("label-studio", "argilla", "doccano", "prodigy", "spacy"),
    *("people-csv", "people-xlsx", "labels-csv", "labels-xlsx"),
)


@click.command(help=say("cli.export.help"))
@click.argument("target", type=click.Path(path_type=Path))
@database_option
@click.option("--format", "file_format", type=click.Choice(_NAMES), help=say("cli.export.format"))
@click.option("--decided-only", is_flag=True, help=say("cli.export.decided_only"))
@click.option("--crosswalk", help=say("cli.export.crosswalk"))
@click.option("--unmasked", is_flag=True, help=say("cli.export.unmasked"))
@click.option("--name-people", is_flag=True, help=say("cli.export.name_people"))
def export(
    target: Path,
    path: Path,
    file_format: str | None,
    decided_only: bool,
    crosswalk: str | None,
    unmasked: bool,
    name_people: bool,
) -> None:
    """Write an export and its data card."""
    from annotator import exporting
    from annotator.exporting.data_card import files
    from annotator.label_sets import crosswalks

    walk = None if crosswalk is None else crosswalks.read(crosswalk)
    choice = exporting.Choice(decided_only, walk, unmasked, name_people)
    with closing(project.open_project(path)) as db:
        count = exporting.export(db, target, choice, file_format=file_format, on_progress=_shower())
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    click.echo(say("cli.export.done", path=str(target), count=count, card=files(target)[0].name))


def _shower() -> Callable[[int, int], None] | None:
    """Return a function that shows the progress on standard error, if a person watches."""
    if not sys.stderr.isatty():
        return None
    return lambda done, total: click.echo(
        f"\r\x1b[K{say('cli.export.progress', done=done, total=total)}", nl=False, err=True
    )
