"""Commands about agreement: how much people agree, and how much labels differ."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option, json_option, show
from annotator.errors import UserError
from annotator.messages import say
from db.label_sets import labels

if TYPE_CHECKING:
    from annotator.quality.agreement import Agreement, Measure

# Numpy is loaded by the commands that need it.


@click.command("agreement", help=say("cli.agreement.help"))
@database_option
@json_option
def agreement(path: Path, as_json: bool) -> None:
    """Show how much people agree."""
    from annotator.quality import agreement as cases

    with closing(project.open_project(path)) as db:
        report = cases.compare(db, cases.read_answers(db))
    show(as_json, report, _text(report))


def _text(report: Agreement) -> str:
    if report.missing is not None:
        return say(f"agreement.missing_{report.missing}")
    lines = [say("cli.agreement.heading", diaries=report.alpha.n, people=len(report.people))]
    lines.append(_line(say("agreement.alpha"), report.alpha))
    if report.by_distance is not None:
        lines.append(_line(say("agreement.by_distance"), report.by_distance))
    lines.append(_line(say("agreement.same"), report.same))
    lines += [_line(f"  {label.name}", label.alpha) for label in report.labels]
    lines += [_line(f"  {pair.first} · {pair.second}", pair.kappa) for pair in report.pairs]
    return "\n".join(lines)


def _line(name: str, measure: Measure) -> str:
    if measure.value is None:
        return f"{name}  –  {say(f'agreement.reason_{measure.reason}')}"
    return f"{name}  {measure.value:z.3f}  ({measure.low:z.3f}–{measure.high:z.3f}, n={measure.n:,})"


@click.command("label-distance", help=say("cli.label_distance.help"))
@click.argument("what")
@database_option
def label_distance(what: str, path: Path) -> None:
    """Set how much labels differ."""
    from annotator.label_sets import distances
    from annotator.quality import agreement as cases

    with closing(project.open_project(path)) as db:
        label_set = labels.list_labels(db)
        if what == "nominal":
            distance: distances.Distance = {}
        elif what == "feelings":
            distance = distances.feelings(label_set)
        else:
            distance = distances.read_csv(_read(Path(what)), label_set)
        cases.set_distance(db, distance, annotator_id=None)
    click.echo(say("cli.label_distance.done"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError("file_unreadable", path=str(path), reason=error.strerror or "?") from error
