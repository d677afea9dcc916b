"""Commands about model versions: list them, write one to a folder, upload it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project, status
from annotator.cli.options import database_option, json_option, show
from annotator.messages import say

if TYPE_CHECKING:
    from annotator.publishing.published import Format

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


@model.command("list", help=say("cli.model.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        value: list[dict[str, Any]] = [
            {
                "version": version.model.version,
                "serves": version.is_active,
                "tier": version.model.tier,
                "encoder": version.model.encoder,
                "trained_on": version.train_count,
                "tested_on": int((version.test or {}).get("n", 0)),
                "accuracy": (version.test or {}).get("accuracy"),
                "made_at": version.model.created_at,
            }
            for version in status.list_versions(db)
        ]
    lines = [
        say(
            "cli.model.line",
            serves="*" if row["serves"] else " ",
            version=row["version"],
            tier=row["tier"],
            encoder=row["encoder"],
            labels=row["trained_on"],
            accuracy=f"{100 * row['accuracy']:.1f} %" if row["tested_on"] else "–",
            made=row["made_at"][:10],
        )
        for row in value
    ]
    show(as_json, value, "\n".join(lines) or say("cli.model.none"))


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
        difference=f"{published.difference:.1e}",
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
