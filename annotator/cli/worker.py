"""The worker and rounds, from a terminal."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Literal

import click

from annotator import project
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.messages import say
from annotator.training import rounds as round_cases
from annotator.training.evaluation import outcome_of
from db.models import rounds
from maeumgyeol.processes.limits import die_with_parent

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.worker.tasks.progress import Progress
    from db import Database


@click.command(help=say("cli.worker.help"))
@_database_option
@click.option("--parent", type=int, hidden=True)
def worker(path: Path, parent: int | None) -> None:
    from annotator.worker.loop import Worker

    if parent is not None:
        # Whatever it is doing: a round continues where a killed worker left it.
        die_with_parent(parent)
    Worker(path).run()


@click.command(help=say("cli.work.help"))
@_database_option
@click.option("--until-idle", is_flag=True, required=True, help=say("cli.work.until_idle"))
def work(path: Path, until_idle: bool) -> None:
    with closing(project.open_project(path)) as db:
        open_round = rounds.find_open(db)
        _work(path, until="idle")
        if open_round is not None:
            _raise_if_failed(rounds.get_round(db, open_round.id))


def _raise_if_failed(ended: rounds.Round) -> None:
    if ended.status == "failed":
        error = ended.error or {"code": "fault", "details": {"kind": "?"}}
        raise UserError(error["code"], **error["details"])


def _work(path: Path, *, until: Literal["idle", "round_ended"]) -> None:
    """Do the due work in this process, with a line that shows the progress."""
    from annotator.worker.loop import Worker

    def show(piece: Progress) -> None:
        line = say("cli.work.progress", step=say(f"step.{piece.step}"), done=piece.done, total=piece.total)
        click.echo(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, nl=not sys.stderr.isatty(), err=True)

    Worker(path, on_progress=show).run(until=until)
    if sys.stderr.isatty():
        click.echo(err=True)


@click.command(help=say("cli.retrain.help"))
@_database_option
@_json_option
@click.option("--tier", type=click.Choice(round_cases.TIERS), default="instant", help=say("cli.retrain.tier"))
def retrain(path: Path, as_json: bool, tier: str) -> None:
    from annotator.worker_lock import is_working

    with closing(project.open_project(path)) as db:
        round_id = round_cases.request(db, annotator_id=None, tier=tier)
        if not is_working(path):
            _work(path, until="round_ended")
        while rounds.get_round(db, round_id).status in ("requested", "running"):
            time.sleep(0.1)
        done = rounds.get_round(db, round_id)
        _raise_if_failed(done)
        _print(as_json, done, _round_line(db, done))


def _round_line(db: Database, done: rounds.Round) -> str:
    if done.status == "cancelled":
        return say("cli.retrain.cancelled", number=done.number)
    after, outcome = done.report["after"], outcome_of(done)
    line = say(
        "cli.retrain.done" if done.report["promoted"] else "cli.retrain.kept",
        number=done.number,
        train=done.report["train"],
        seconds=rounds.seconds_of(done),
        test=after["n"],
        accuracy=100 * after["accuracy"] if after["n"] else 0.0,
        low=100 * after["accuracy_low"],
        high=100 * after["accuracy_high"],
    )
    lines = [
        line,
        say(f"learn.reason_{outcome.reason}", version=outcome.best_version, points=outcome.points_below_best),
    ]
    if outcome.difference is not None:
        change, low, high, p = outcome.difference.in_points
        lines.append(say("learn.compared", n=after["n"], change=change, low=low, high=high, p=p))
    return "\n".join(lines)


@click.command(help=say("cli.activate.help"))
@click.argument("version", type=int)
@_database_option
def activate(version: int, path: Path) -> None:
    with closing(project.open_project(path)) as db:
        round_cases.activate(db, version)
    click.echo(say("cli.activate.done", version=version))
