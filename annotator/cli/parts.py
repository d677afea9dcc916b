"""The command that draws the parts of a project anew."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option, json_option, show
from annotator.messages import say

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.importing.redrawing import Redraw


@click.command("draw-parts", help=say("cli.draw_parts.help"))
@click.option("--yes", is_flag=True, help=say("cli.draw_parts.yes"))
@database_option
@json_option
def draw_parts(yes: bool, path: Path, as_json: bool) -> None:
    from annotator.importing import redrawing

    with closing(project.open_project(path)) as db:
        if not yes:
            plan = redrawing.preview(db)
            show(as_json, plan, "\n".join(_lines(plan)))
            # A program asks first and then says --yes.
            if as_json or not click.confirm(say("cli.draw_parts.ask")):
                return
        done = redrawing.redraw(db)
    show(as_json, done, say("cli.draw_parts.done", **asdict(done)))


def _lines(plan: Redraw) -> list[str]:
    counts = asdict(plan)
    lines = [
        say(f"cli.draw_parts.by_{plan.by}", **counts),
        say("cli.draw_parts.moved", **counts),
        say("cli.draw_parts.test", **counts),
    ]
    if plan.swayed_count:
        lines.append(say("cli.draw_parts.swayed", **counts))
    return [*lines, say("cli.draw_parts.kept")]
