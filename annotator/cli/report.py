"""Commands that report figures of a project, each with its interval, what it rests on and how it was measured."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option, json_option, show
from annotator.cli.report_feelings import feelings
from annotator.messages import figures, say

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.quality.label_shares import By, Given, Group, Shares

# Numpy is loaded by the commands that need it.


@click.group("report", help=say("cli.report.help"))
def report() -> None:
    """Group of the commands that report figures."""


report.add_command(feelings)


@report.command("shares", help=say("cli.report.shares_help"))
@click.option("--by", type=click.Choice(("all", "month", "writer", "source")), default="all", help=say("cli.report.by"))
@database_option
@json_option
def shares(by: By, path: Path, as_json: bool) -> None:
    """Show how common each label is."""
    from annotator.quality import label_shares

    with closing(project.open_project(path)) as db:
        estimated = label_shares.estimate(db, by=by)
    show(as_json, estimated, _text(estimated))


def _text(shares: Shares) -> str:
    from annotator.quality import label_shares

    given = list(label_shares.list_given(shares))
    lines = [line for group in shares.groups for line in _group_lines(group, [g for g in given if g.group is group])]
    return "\n".join(lines) or say("shares.few", n=0, fewest=label_shares.FEWEST)


def _group_lines(group: Group, given: list[Given]) -> list[str]:
    from annotator.quality import label_shares

    name = group.name or say("shares.by_all")
    heading = say("cli.report.group", name=name, diaries=group.diaries)
    if group.refused is None:
        return [heading, *map(_line, given)]
    fewest = label_shares.FEWEST if group.refused == "few" else label_shares.FEWEST_OF_SOURCE
    return [heading, "  " + say(f"shares.{group.refused}", n=group.n, left_out=group.left_out, fewest=fewest)]


def _line(given: Given) -> str:
    share = given.share
    figure = figures.share(share.value, share.low, share.high, n=given.group.n, digits=1)
    method = say(f"cli.report.method_{share.method}")
    line = say("cli.report.share", name=given.label, figure=figure, method=method, cases=f"{share.cases:zg}")
    return line if given.counted is None else line + say("cli.report.counted", counted=f"{100 * given.counted:z.1f}%")
