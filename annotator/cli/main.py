"""The command line: every use-case, for people and for programs."""

from __future__ import annotations

import dataclasses
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from annotator import project
from annotator import settings as project_settings
from annotator.cli import click_words
from annotator.cli.commands import OnDemand
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import public_url_option as _public_url_option
from annotator.cli.options import readable_argument
from annotator.cli.options import show as _print
from annotator.errors import AppError, where
from annotator.label_sets import definitions
from annotator.messages import explain, say
from maeumgyeol import private_files

# Heavy packages are imported by the commands that need them, so that `maeumgyeol status` answers at once.

click_words.translate()

_PLACES = {
    "import": "import_:import_",
    "next": "labelling:next_",
    "label": "labelling:label",
    "undo": "labelling:undo",
    "worker": "worker:worker",
    "work": "worker:work",
    "retrain": "worker:retrain",
    "activate": "worker:activate",
    "predict": "predict:predict",
    "explain": "predict:explain_",
    "agreement": "agreement:agreement",
    "label-distance": "agreement:label_distance",
    "report": "report:report",
    "care": "care:care",
    "gold": "care:gold",
    "release": "care:release",
    "reveal": "care:reveal",
    "dictionary": "dictionary:dictionary",
    "export": "export:export",
    "find": "find:find",
    "groups": "groups:groups",
    "forget": "forget:forget",
    "draw-parts": "parts:draw_parts",
    "pool": "pool:pool",
    "labels": "labels:labels",
    "people": "people:people",
    "prefill": "prefill:prefill",
    "simulate": "learner:simulate",
    "removal": "learner:removal",
    "tune-encoder": "learner:tune_encoder",
    "api": "api:api",
    "token": "api:token",
    "recipe": "recipes:recipe",
    "model": "model:model",
}
"""Commands by name: the module of this package and its attribute."""


@click.group(commands=OnDemand(_PLACES), help=say("cli.help"), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="maeumgyeol")
def cli() -> None:
    """Group of all commands."""


@cli.command(help=say("cli.init.help"))
@_database_option
@click.option("--labels", "label_file", type=click.Path(path_type=Path), help=say("cli.init.labels"))
@click.option("--encoder", default=project_settings.ENCODER, show_default=True, help=say("cli.init.encoder"))
@click.option("--test-share", type=float, default=0.2, show_default=True, help=say("cli.init.test_share"))
@click.option("--demo", is_flag=True, help=say("cli.init.demo"))
def init(path: Path, label_file: Path | None, encoder: str, test_share: float, demo: bool) -> None:
    from annotator import demo as demo_project

    label_set = definitions.read_labels(label_file) if label_file else definitions.DEFAULT_LABELS
    set_up = demo_project.set_up if demo else project.init
    set_up(path, labels=label_set, encoder=encoder, test_share=test_share)
    click.echo(say("cli.init.done", path=str(path)))


@cli.command(help=say("cli.app.help"))
@_database_option
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help=say("cli.app.port"))
@click.option("--address", default="127.0.0.1", show_default=True, help=say("cli.app.address"))
@_public_url_option
@click.option("--demo", is_flag=True, help=say("cli.app.demo"))
@click.option("--no-worker", is_flag=True, help=say("cli.app.no_worker"))
def app(path: Path, port: int, address: str, public_url: str, demo: bool, no_worker: bool) -> None:
    from annotator.cli.supervisor import serve

    if demo and not project.is_set_up(path):
        from annotator import demo as demo_project

        demo_project.set_up(path)
    serve(
        path,
        address=address,
        port=port,
        public_url=public_url,
        with_worker=not no_worker,
        say=lambda url: click.echo(say("cli.app.up", url=url)),
    )


@cli.command("demo", help=say("cli.demo.help"))
@click.option("--db", "path", type=click.Path(path_type=Path, dir_okay=False), help=say("cli.demo.db"))
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help=say("cli.app.port"))
@click.pass_context
def open_demo(context: click.Context, path: Path | None, port: int) -> None:
    from annotator import demo as demo_project

    context.invoke(app, path=path or demo_project.default_path(), port=port, demo=True)


@cli.command("settings", help=say("cli.settings.help"))
@_database_option
@click.option("--encoder", help=say("cli.init.encoder"))
@click.option("--strategy", help=say("cli.settings.strategy"))
@click.option("--uniform-share", type=float, help=say("cli.settings.uniform_share"))
@click.option("--unit", help=say("cli.settings.unit"))
@click.option("--explanation-method", help=say("cli.settings.explanation_method"))
@click.option("--precision", help=say("cli.settings.precision"))
@click.option("--deeper-tier", help=say("cli.settings.deeper_tier"))
@click.option("--blind-share", type=float, help=say("cli.settings.blind_share"))
@click.option("--blind-test/--no-blind-test", default=None, help=say("cli.settings.blind_test"))
@click.option("--use-dictionary/--no-use-dictionary", default=None, help=say("cli.settings.use_dictionary"))
@click.option("--prediction-sets/--no-prediction-sets", default=None, help=say("cli.settings.prediction_sets"))
@click.option("--overlap", type=int, help=say("cli.settings.overlap"))
@click.option("--overlap-share", type=float, help=say("cli.settings.overlap_share"))
@click.option("--repeat-share", type=float, help=say("cli.settings.repeat_share"))
@click.option("--gold-share", type=float, help=say("cli.settings.gold_share"))
@click.option("--searched-share", type=float, help=say("cli.settings.searched_share"))
@click.option("--group-check-share", type=float, help=say("cli.settings.group_check_share"))
@click.option("--several-labels/--no-several-labels", default=None, help=say("cli.settings.several_labels"))
@click.option("--intensity/--no-intensity", default=None, help=say("cli.settings.intensity"))
@click.option("--mask/--no-mask", default=None, help=say("cli.settings.mask"))
@click.option("--mask-names/--no-mask-names", default=None, help=say("cli.settings.mask_names"))
@click.option("--feelings-over-time/--no-feelings-over-time", default=None, help=say("cli.settings.feelings_over_time"))
@click.option("--refuse-forgotten/--no-refuse-forgotten", default=None, help=say("cli.settings.refuse_forgotten"))
@click.option("--break-minutes", type=int, help=say("cli.settings.break_minutes"))
@click.option("--speech-model", help=say("cli.settings.speech_model"))
@click.option("--pool", help=say("cli.settings.pool"))
@click.option("--engine", help=say("cli.settings.engine"))
@click.option("--cluster", help=say("cli.settings.cluster"))
@_json_option
def settings_(path: Path, as_json: bool, **asked: str | float | None) -> None:
    with closing(project.open_project(path)) as db:
        values: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        now = project_settings.change(db, **values)
    _print(as_json, now, "\n".join(f"{key} = {value}" for key, value in dataclasses.asdict(now).items()))


@cli.command(help=say("cli.status.help"))
@_database_option
@_json_option
def status(path: Path, as_json: bool) -> None:
    from annotator import status as overview

    with closing(project.open_project(path)) as db:
        now = overview.status(db, path)
        lines = [
            say("cli.status.diaries", count=now.diary_count, test=now.test_count),
            say("cli.status.labels", count=sum(now.counts.values())),
            *[f"  {entry.name}  {now.counts[entry.id]}" for entry in now.labels],
            say("cli.status.model", version=now.active.version) if now.active else say("cli.status.no_model"),
            say("cli.status.new", count=now.plan.new_count),
            say("cli.status.cut", count=now.cut_count),
            say("cli.status.working" if now.is_working else "cli.status.not_working"),
        ]
        _print(as_json, now, "\n".join(lines))


@cli.command(help=say("cli.backup.help"))
@click.argument("target", type=click.Path(path_type=Path))
@_database_option
def backup(target: Path, path: Path) -> None:
    from db import backup as copy

    with closing(project.open_project(path)) as db:
        copy(db, target)
    click.echo(say("cli.backup.done", path=str(target)))


def main() -> None:
    """Run the command line; an error that people can fix prints one line and exits with code 2."""
    private_files.keep_process()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        cli([readable_argument(argument) for argument in sys.argv[1:]], standalone_mode=False)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except AppError as error:
        click.echo(explain(error), err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except Exception as error:
        if os.environ.get("MAEUMGYEOL_DEBUG"):
            raise
        click.echo(say("error.fault", kind=where(error)), err=True)
        sys.exit(1)
