"""Recipes on the command line: how published emotion classifiers were trained, to run on one's own files."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator.cli.options import json_option, show
from annotator.messages import say

if TYPE_CHECKING:
    from types import FrameType

_FILE = click.Path(path_type=Path)


@click.group("recipe", help=say("cli.recipe.help"))
def recipe() -> None:
    """Group of the commands about recipes."""


@recipe.command("list", help=say("cli.recipe.list"))
@json_option
def list_(as_json: bool) -> None:
    """Name the recipes."""
    from learner.recipes import recipe as recipes

    rows = [{"name": name, "about": say(f"recipe.about.{name.lower()}")} for name in recipes.list_names()]
    show(as_json, rows, "\n".join(f"{row['name']}  {row['about']}" for row in rows))


@recipe.command("show", help=say("cli.recipe.show"))
@click.argument("name")
@json_option
def show_(name: str, as_json: bool) -> None:
    """Print a recipe's settings."""
    from annotator.recipes import run as recipes
    from learner.recipes.recipe import read_text

    loaded_recipe = recipes.load(name)
    show(as_json, loaded_recipe.model_dump(mode="json") if as_json else None, read_text(name).rstrip())


@recipe.command("run", help=say("cli.recipe.run"))
@click.argument("name")
@click.option("--data", type=_FILE, required=True, help=say("cli.recipe.data"))
@click.option("--validation", type=_FILE, help=say("cli.recipe.validation"))
@click.option("--encoder", help=say("cli.recipe.encoder"))
@click.option("--limit", type=click.IntRange(1), help=say("cli.recipe.limit"))
@click.option("--trial", is_flag=True, help=say("cli.recipe.trial"))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=say("cli.recipe.set"))
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help=say("cli.recipe.seed"))
@click.option("--out", type=_FILE, help=say("cli.recipe.out"))
@click.option("--resume", is_flag=True, help=say("cli.recipe.resume"))
@json_option
def run(
    name: str,
    data: Path,
    validation: Path | None,
    encoder: str | None,
    limit: int | None,
    trial: bool,
    settings: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Run a recipe."""
    from annotator.recipes import run as recipes
    from learner.encoders.encoder import default_cache
    from learner.recipes.recipe import read_change

    changes = dict(read_change(setting) for setting in settings)
    chosen = {"model.checkpoint": encoder, "seed": seed}
    changes.update({key: value for key, value in chosen.items() if value is not None})
    folder = out or Path(f"recipe-{Path(name).stem.lower()}")
    request = recipes.Request(name, data, folder, validation, limit, trial, tuple(changes.items()), resume)
    progress = _Progress()
    try:
        report = recipes.run(request, cache=default_cache(), on_progress=progress.said, logged=progress.logged)
    finally:
        progress.close()
    if report is None:
        click.echo(say("cli.recipe.stopped", folder=str(folder)), err=True)
        sys.exit(130)
    show(as_json, report, _summary(report, folder))


class _Progress:
    """One line on standard error with progress and time left. Ctrl-C asks the work to stop where it can be resumed."""

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self._is_interrupted = False
        self._width = 0
        self._before = signal.getsignal(signal.SIGINT)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True
        # Pressing it again means not waiting for the step to end.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def said(self, share: float) -> bool:
        now = time.monotonic()
        if self._start is None:
            self._start = (now, share)
            # Only now: until a first step is done, Ctrl-C ends the command at once.
            signal.signal(signal.SIGINT, self._interrupt)
        began, first = self._start
        seconds_left = (now - began) / (share - first) * (1 - share) if share > first else None
        text = say("cli.recipe.progress", percent=f"{100 * share:z.0f}")
        if seconds_left is not None:
            text += " " + say("cli.recipe.left", minutes=int(seconds_left // 60), seconds=int(seconds_left % 60))
        self._line(text)
        return not self._is_interrupted

    def logged(self, figures: dict[str, float]) -> None:
        names = ("loss", "training_accuracy", "validation_loss", "validation_accuracy")
        parts = [f"{name.replace('_', ' ')} {figures[name]:z.4f}" for name in names if name in figures]
        if parts:
            self._line(f"step {figures['step']:z.0f}: {', '.join(parts)}", end=True)

    def close(self) -> None:
        """End the line, and restore the usual Ctrl-C."""
        self._line("", end=False)
        signal.signal(signal.SIGINT, self._before)

    def _line(self, text: str, *, end: bool = False) -> None:
        if not end and not sys.stderr.isatty():
            return
        click.echo(f"\r{text.ljust(self._width)}" if sys.stderr.isatty() else text, err=True, nl=end)
        self._width = 0 if end else max(self._width, len(text))


def _three_digits(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:z.3f}"


def _summary(report: dict[str, Any], folder: Path) -> str:
    metrics = report["metrics"]
    lines = [say("cli.recipe.measured", n=metrics["n"], seconds=round(report["seconds"]))]
    names = {
        "accuracy": say("recipe.accuracy"),
        "macro_f1": say("recipe.macro_f1"),
        "weighted_f1": say("recipe.weighted_f1"),
    }
    for key, name in names.items():
        value, low, high = (_three_digits(metrics[key][bound]) for bound in ("value", "low", "high"))
        lines.append(say("cli.recipe.figure", name=name, value=value, low=low, high=high))
    lines += [
        say("cli.recipe.example", text=row["text"], answer=row["answer"], score=f"{row['score']:z.2f}")
        for row in report["examples"]
    ]
    lines.append(say("cli.recipe.written", folder=os.fspath(folder)))
    return "\n".join(lines)
