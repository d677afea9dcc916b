"""The command line: every use-case, for people and for programs."""

from __future__ import annotations

import dataclasses
import os
import secrets
import sys
import time
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from annotator import project
from annotator import settings as project_settings
from annotator import status as overview
from annotator.accounts import annotators, diary_access
from annotator.cli import agreement, api, care, dictionary, export, forget, learner, prefill, recipes
from annotator.cli import labels as cli_labels
from annotator.cli import model as cli_model
from annotator.cli import people as cli_people
from annotator.cli.options import DIARY_ID as _DIARY_ID
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import name_option as _name_option
from annotator.cli.options import public_url_option as _public_url_option
from annotator.cli.options import show as _print
from annotator.errors import AppError, UserError, where
from annotator.label_sets import definitions
from annotator.labelling import board, decisions
from annotator.messages import default_language, explain, say
from annotator.training import rounds as round_cases
from db.answers import queue
from db.answers.decisions import NewDecision
from db.label_sets import labels
from db.models import models, rounds
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.worker.tasks.progress import Progress
    from db import Database
    from db.models.models import Model

# Heavy packages are imported by the commands that need them: `maeumgyeol status` shall answer at once.


@click.group(help=say("cli.help"), context_settings={"help_option_names": ["-h", "--help"]})
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


@cli.command("import", help=say("cli.import.help"))
@click.argument("files", nargs=-1, required=True)
@_database_option
@click.option("--text-column", "text_columns", multiple=True, help=say("cli.import.text_column"))
@click.option("--label-column", help=say("cli.import.label_column"))
@click.option("--date-column", help=say("cli.import.date_column"))
@click.option("--author-column", help=say("cli.import.author_column"))
@click.option("--annotator-column", help=say("cli.import.annotator_column"))
@click.option("--split", help=say("cli.import.split"))
@click.option("--encoding", help=say("cli.import.encoding"))
@click.option("--crosswalk", help=say("cli.import.crosswalk"))
@click.option("--importer", help=say("cli.import.importer"))
@click.option("--report", type=click.Path(path_type=Path), help=say("cli.import.report"))
@_json_option
def import_(
    files: Sequence[str],
    path: Path,
    text_columns: tuple[str, ...],
    label_column: str | None,
    date_column: str | None,
    author_column: str | None,
    annotator_column: str | None,
    split: str | None,
    encoding: str | None,
    crosswalk: str | None,
    importer: str | None,
    report: Path | None,
    as_json: bool,
) -> None:
    from annotator.importing import ColumnMap, import_file, report_csv
    from annotator.label_sets import crosswalks
    from annotator.labelling.queueing import enqueue_import

    text, *more = text_columns or (None,)
    chosen = ColumnMap(
        text,
        label_column,
        date_column,
        author_column,
        more_text=tuple(column for column in more if column),
        annotator=annotator_column,
    )
    # Without any choice all columns are guessed, as the import page does; with one, only the text is.
    columns = chosen if chosen.roles() else None
    walk = None if crosswalk is None else crosswalks.read(crosswalk)
    with closing(project.open_project(path)) as db:
        for file in files:
            done = import_file(
                db,
                Path(file),
                file,
                columns=columns,
                encoding=encoding,
                importer=importer,
                crosswalk=walk,
                split=split,
                after=enqueue_import,
            )
            _print(
                as_json,
                done,
                say(
                    "cli.import.done",
                    file=done.file_name,
                    rows=done.row_count,
                    kept=done.kept_count,
                    labels=done.label_count,
                    skipped=len(done.skips),
                ),
            )
            if report is not None:
                target = report if len(files) == 1 else report.with_stem(f"{report.stem}-{Path(done.file_name).stem}")
                _write_report(target, report_csv(done))


def _write_report(target: Path, content: bytes) -> None:
    try:
        private_files.write_bytes(target, content)
    except OSError as error:
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error


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


@cli.command(help=say("cli.worker.help"))
@_database_option
@click.option("--parent", type=int, hidden=True)
def worker(path: Path, parent: int | None) -> None:
    from annotator.worker.loop import Worker

    Worker(path).run(parent_pid=parent)


@cli.command(help=say("cli.work.help"))
@_database_option
@click.option("--until-idle", is_flag=True, required=True, help=say("cli.work.until_idle"))
def work(path: Path, until_idle: bool) -> None:
    _work(path, until="idle")


def _work(path: Path, *, until: Literal["idle", "round_ended"]) -> None:
    """Do what is due in this process, with a line that shows how far it is."""
    from annotator.worker.loop import Worker

    def show(piece: Progress) -> None:
        line = say("cli.work.progress", step=say(f"step.{piece.step}"), done=piece.done, total=piece.total)
        click.echo(f"\r\x1b[K{line}" if sys.stderr.isatty() else line, nl=not sys.stderr.isatty(), err=True)

    Worker(path, on_progress=show).run(until=until)
    if sys.stderr.isatty():
        click.echo(err=True)


def _holder(annotator_id: int) -> str:
    """Name the command line as a holder of diaries, as a browser tab has a name of its own."""
    return f"cli-{annotator_id}"


@cli.command("next", help=say("cli.next.help"))
@_database_option
@_name_option
@_json_option
def next_(path: Path, name: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        annotator_id = annotators.identify(db, name)
        # Only one at a time: what a command has handed out stays until it is decided or expires.
        shown = board.board(
            db,
            annotator_id=annotator_id,
            holder=_holder(annotator_id),
            language=default_language(),
            lookahead=1,
            # `label` names a diary, not what was handed out: an answer to a repeat would pass for a change of mind.
            with_repeats=False,
            by=diary_access.owner(annotator_id, holder=_holder(annotator_id)),
        )
        if not shown.items:
            raise UserError("nothing_left")
        item = shown.items[0]
        _print(as_json, item, f"#{item['diary_id']}  {item['why']}\n\n{item['text']}")


@cli.command(help=say("cli.label.help"))
@click.argument("diary_id", type=_DIARY_ID)
@click.argument("label_name")
@_database_option
@_name_option
@click.option("--memo", default="", help=say("cli.label.memo"))
@_json_option
def label(diary_id: int, label_name: str, path: Path, name: str, memo: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        by_name = {entry.name: entry.id for entry in labels.list_labels(db)}
        wanted = unicodedata.normalize("NFC", label_name).strip()
        if wanted not in by_name:
            raise UserError("label_unknown", found=label_name, known=", ".join(by_name))
        annotator_id = annotators.identify(db, name)
        kept = decisions.decide(
            db,
            NewDecision(diary_id, annotator_id, "label", secrets.token_hex(16), by_name[wanted], memo),
            by=diary_access.owner(annotator_id),
        )
        queue.release(db, annotator_id=annotator_id, holder=_holder(annotator_id))
        _print(as_json, {"decision_id": kept}, say("cli.label.done", id=diary_id, label=label_name))


@cli.command(help=say("cli.undo.help"))
@_database_option
@_name_option
@_json_option
def undo(path: Path, name: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        annotator_id = annotators.identify(db, name)
        holder = _holder(annotator_id)
        owner = diary_access.owner(annotator_id, holder=holder)
        taken = decisions.undo(db, secrets.token_hex(16), annotator_id=annotator_id, holder=holder, by=owner)
        if taken is None:
            raise UserError("nothing_to_undo", name=name)
        _print(as_json, taken, say("cli.undo.done", id=taken.diary_id))


@cli.command(help=say("cli.retrain.help"))
@_database_option
@_json_option
@click.option("--tier", type=click.Choice(round_cases.TIERS), default="instant", help=say("cli.retrain.tier"))
def retrain(path: Path, as_json: bool, tier: str) -> None:
    from annotator.processes.worker_lock import is_working

    with closing(project.open_project(path)) as db:
        round_id = round_cases.request(db, annotator_id=None, tier=tier)
        if not is_working(path):
            _work(path, until="round_ended")
        while rounds.get_round(db, round_id).status in ("requested", "running"):
            time.sleep(0.1)
        done = rounds.get_round(db, round_id)
        if done.status == "failed":
            error = done.error or {"code": "fault", "details": {"kind": "?"}}
            raise UserError(error["code"], **error["details"])
        _print(as_json, done, _round_line(db, done))


def _round_line(db: Database, done: rounds.Round) -> str:
    if done.status == "cancelled":
        return say("cli.retrain.cancelled", number=done.number)
    after = done.report["after"]
    return say(
        "cli.retrain.done" if done.report["promoted"] else "cli.retrain.kept",
        number=done.number,
        train=done.report["train"],
        seconds=rounds.seconds_of(done),
        test=after["n"],
        accuracy=100 * after["accuracy"] if after["n"] else 0.0,
        low=100 * after["accuracy_low"],
        high=100 * after["accuracy_high"],
    )


@cli.command(help=say("cli.activate.help"))
@click.argument("version", type=int)
@_database_option
def activate(version: int, path: Path) -> None:
    with closing(project.open_project(path)) as db:
        round_cases.activate(db, version)
    click.echo(say("cli.activate.done", version=version))


@cli.command("settings", help=say("cli.settings.help"))
@_database_option
@click.option("--encoder", help=say("cli.init.encoder"))
@click.option("--strategy", help=say("cli.settings.strategy"))
@click.option("--uniform-share", type=float, help=say("cli.settings.uniform_share"))
@click.option("--unit", help=say("cli.settings.unit"))
@click.option("--precision", help=say("cli.settings.precision"))
@click.option("--deeper-tier", help=say("cli.settings.deeper_tier"))
@click.option("--blind-share", type=float, help=say("cli.settings.blind_share"))
@click.option("--blind-test/--no-blind-test", default=None, help=say("cli.settings.blind_test"))
@click.option("--use-dictionary/--no-use-dictionary", default=None, help=say("cli.settings.use_dictionary"))
@click.option("--overlap", type=int, help=say("cli.settings.overlap"))
@click.option("--overlap-share", type=float, help=say("cli.settings.overlap_share"))
@click.option("--repeat-share", type=float, help=say("cli.settings.repeat_share"))
@click.option("--gold-share", type=float, help=say("cli.settings.gold_share"))
@click.option("--several-labels/--no-several-labels", default=None, help=say("cli.settings.several_labels"))
@click.option("--intensity/--no-intensity", default=None, help=say("cli.settings.intensity"))
@click.option("--mask/--no-mask", default=None, help=say("cli.settings.mask"))
@click.option("--mask-names/--no-mask-names", default=None, help=say("cli.settings.mask_names"))
@click.option("--refuse-forgotten/--no-refuse-forgotten", default=None, help=say("cli.settings.refuse_forgotten"))
@click.option("--break-minutes", type=int, help=say("cli.settings.break_minutes"))
@click.option("--speech-model", help=say("cli.settings.speech_model"))
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


@cli.command(help=say("cli.predict.help"))
@click.argument("texts", nargs=-1)
@_database_option
@_json_option
def predict(texts: Sequence[str], path: Path, as_json: bool) -> None:
    from annotator.dictionary import adjustment
    from annotator.serving.answerer import Answerer

    wanted = list(texts) or [line for line in sys.stdin.read().splitlines() if line.strip()]
    with closing(project.open_project(path)) as db:
        answers = Answerer(db, path).predict(wanted)
        model = _active(db)
        refiner = adjustment.find_refiner(db, model)
        answers = answers if refiner is None else refiner.refine(wanted, answers)
        names = [entry.name for entry in labels.list_labels(db)]
        tops = [names[int(row.argmax())] for row in answers]
        value = [
            {"label": top, "proba": dict(zip(names, map(float, row), strict=True)), "version": model.version}
            for top, row in zip(tops, answers, strict=True)
        ]
        lines = [f"{top} {row.max():.2f}" for top, row in zip(tops, answers, strict=True)]
        _print(as_json, value, "\n".join(lines))


@cli.command("explain", help=say("cli.explain.help"))
@click.argument("diary_id", type=_DIARY_ID)
@_database_option
@_json_option
def explain_(diary_id: int, path: Path, as_json: bool) -> None:
    from annotator.serving.answerer import Answerer

    with closing(project.open_project(path)) as db:
        explained = Answerer(db, path).explain(diary_id)
        names = [entry.name for entry in labels.list_labels(db)]
        top = explained.label_column
        units = [
            {"text": text, "span": span, "weights": dict(zip(names, map(float, weights), strict=True))}
            for text, span, weights in zip(explained.texts, explained.spans, explained.weights, strict=True)
        ]
        order = sorted(range(len(units)), key=lambda i: -abs(explained.weights[i, top]))
        value = {"diary_id": diary_id, "label": names[top], "fit": explained.fit[top], "units": units}
        lines = [f"{explained.weights[i, top]:+.3f}  {explained.texts[i]}" for i in order]
        _print(as_json, value, "\n".join([names[top], *lines]))


def _active(db: Database) -> Model:
    model = models.find_active(db)
    if model is None:
        raise UserError("no_model_yet")
    return model


cli.add_command(agreement.agreement)
cli.add_command(agreement.label_distance)
cli.add_command(care.care)
cli.add_command(care.gold)
cli.add_command(care.release)
cli.add_command(care.reveal)
cli.add_command(dictionary.dictionary)
cli.add_command(export.export)
cli.add_command(forget.forget)
cli.add_command(cli_labels.labels)
cli.add_command(cli_people.people)
cli.add_command(prefill.prefill)
cli.add_command(learner.simulate)
cli.add_command(learner.removal)
cli.add_command(learner.tune_encoder)
cli.add_command(api.api)
cli.add_command(api.token)
cli.add_command(recipes.recipe)
cli.add_command(cli_model.model)


def main() -> None:
    """Run the command line; what can't be done is one line and exit code 2."""
    private_files.keep_process()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        cli(standalone_mode=False)
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


if __name__ == "__main__":
    main()
