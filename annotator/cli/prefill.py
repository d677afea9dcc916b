"""The command that has a published text classifier predict before the project has its own labels."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.cli.options import database_option, json_option, show
from annotator.errors import UserError
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def _pairs(options: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for pair in options:
        # The last sign divides: a label of a checkpoint may hold one.
        source, sign, target = pair.rpartition("=")
        if not sign or not source.strip():
            raise UserError("prefill_map_broken", found=pair)
        pairs[source] = target
    return pairs


@click.command("prefill", help=say("cli.prefill.help"))
@click.option("--checkpoint", required=True, help=say("cli.prefill.checkpoint"))
@click.option("--crosswalk", help=say("cli.prefill.crosswalk"))
@click.option("--map", "given", multiple=True, help=say("cli.prefill.map"))
@click.option(
    "--limit", type=click.IntRange(20, 1_000_000), default=2_000, show_default=True, help=say("cli.prefill.limit")
)
@database_option
@json_option
def prefill(
    checkpoint: str, crosswalk: str | None, given: Sequence[str], limit: int, path: Path, as_json: bool
) -> None:
    """Keep a version that answers like a published text classifier."""
    pairs = _pairs(given)
    from annotator.label_sets import crosswalks
    from annotator.training import pretrained as prefill_case

    def show_progress(step: str, share: float) -> None:
        if not as_json:
            line = say(f"cli.prefill.{step}", percent=round(100 * share))
            click.echo(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())

    walk = None if crosswalk is None else crosswalks.read(crosswalk)
    with closing(project.open_project(path)) as db:
        done = prefill_case.prefill(
            db, path, checkpoint, pairs=pairs, crosswalk=walk, limit=limit, on_progress=show_progress
        )
    line = say(
        "cli.prefill.done" if done.is_active else "cli.prefill.kept",
        version=done.version,
        count=done.read_count,
        agreement=100 * done.agreement,
    )
    show(as_json, done, line)
