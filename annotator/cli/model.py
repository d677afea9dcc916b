"""Commands about model versions: list them, write one to a folder, upload it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project, status
from annotator.cli.model_diff import diff
from annotator.cli.options import database_option, json_option, show
from annotator.messages import say
from annotator.training import versions
from annotator.training.evaluation import outcome_of

if TYPE_CHECKING:
    from annotator.publishing.published import Format
    from annotator.status import Version
    from annotator.training.evaluation import Evaluation

_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["onnx", "transformers"]),
    default="onnx",
    show_default=True,
    help=say("cli.model.format"),
)


_version = click.argument("version", type=click.IntRange(0))


@click.group("model", help=say("cli.model.help"))
def model() -> None:
    """Group of the commands about model versions."""


model.add_command(diff)


@model.command("list", help=say("cli.model.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        figures = {measured.version: measured.figures for measured in versions.list_measured(db)}
        value = [_row(version, figures.get(version.model.version)) for version in status.list_versions(db)]
    lines = [
        say(
            "cli.model.line",
            serves="*" if row["serves"] else " ",
            version=row["version"],
            tier=row["tier"],
            encoder=row["encoder"],
            labels=row["trained_on"],
            accuracy=_accuracy(row),
            made=row["made_at"][:10],
        )
        for row in value
    ]
    show(as_json, value, "\n".join(lines) or say("cli.model.none"))


def _row(version: Version, figures: Evaluation | None) -> dict[str, Any]:
    done = version.round if version.round is not None and version.round.status == "done" else None
    return {
        "version": version.model.version,
        "serves": version.is_active,
        "tier": version.model.tier,
        "encoder": version.model.encoder,
        "trained_on": version.train_count,
        "tested_on": 0 if figures is None else figures.n,
        "accuracy": None if figures is None else figures.accuracy,
        "accuracy_low": None if figures is None else figures.accuracy_low,
        "accuracy_high": None if figures is None else figures.accuracy_high,
        "reason": None if done is None else outcome_of(done).reason,
        "made_at": version.model.created_at,
    }


def _accuracy(row: dict[str, Any]) -> str:
    if not row["tested_on"]:
        return "–"
    low, high = 100 * row["accuracy_low"], 100 * row["accuracy_high"]
    return f"{100 * row['accuracy']:z.1f} % ({low:z.0f}–{high:z.0f}, n={row['tested_on']})"


@model.command("compare", help=say("cli.model.compare"))
@click.argument("first", type=click.IntRange(0))
@click.argument("second", type=click.IntRange(0))
@database_option
@json_option
def compare(first: int, second: int, path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        pair = versions.compare(db, first, second)
    value = {"first": first, "second": second, **asdict(pair.comparison)}
    change, low, high, p = pair.difference.in_points
    n = pair.comparison.n
    text = say("cli.model.compared", first=first, second=second, n=n, change=change, low=low, high=high, p=p)
    show(as_json, value, text)


@model.command("export", help=say("cli.model.export"))
@_version
@click.argument("target", type=click.Path(path_type=Path))
@_format_option
@database_option
@json_option
def export(version: int, target: Path, form: Format, path: Path, as_json: bool) -> None:
    from annotator.publishing import publish

    with closing(project.open_project(path)) as db:
        published = publish.export(db, path, version, target, form=form)
    value = {
        "version": version,
        "folder": str(target),
        "format": form,
        "compared": published.compared,
        "difference": published.difference,
    }
    text = say(
        "cli.model.exported",
        version=version,
        path=str(target),
        compared=published.compared,
        difference=f"{published.difference:z.1e}",
    )
    show(as_json, value, text)


@model.command("push", help=say("cli.model.push"))
@_version
@click.argument("repository", metavar="OWNER/NAME")
@_format_option
@database_option
@json_option
def push(version: int, repository: str, form: Format, path: Path, as_json: bool) -> None:
    from annotator.publishing import publish

    with closing(project.open_project(path)) as db:
        address = publish.push(db, path, version, repository, form=form)
    value = {"version": version, "address": address, "format": form}
    show(as_json, value, say("cli.model.pushed", version=version, address=address))
