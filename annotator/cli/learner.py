"""Commands about the learner alone, without a project: replaying a labelled file, tuning the bundled encoder."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.cli.options import database_option, json_option, show
from annotator.errors import UserError
from annotator.messages import say
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = click.Path(path_type=Path)


def _progress() -> Callable[[str, float], None]:
    """Return a function that shows the progress on one line."""
    last: list[tuple[str, int]] = []

    def said(step: str, share: float) -> None:
        now = (step, int(100 * share))
        if last and last[-1] == now:
            return
        last[:] = [now]
        click.echo(f"\r{say(f'cli.simulate.{step}', percent=now[1])}", err=True, nl=share >= 1)

    return said


@click.command("simulate", help=say("cli.simulate.help"))
@click.argument("file", type=_FILE)
@click.option("--text-column", help=say("cli.import.text_column"))
@click.option("--label-column", help=say("cli.import.label_column"))
@click.option("--strategies", help=say("cli.simulate.strategies"))
@click.option("--batch", type=click.IntRange(1, 10_000), default=20, show_default=True, help=say("cli.simulate.batch"))
@click.option(
    "--budget", type=click.IntRange(2, 100_000), default=500, show_default=True, help=say("cli.simulate.budget")
)
@click.option("--seeds", type=click.IntRange(1, 100), default=5, show_default=True, help=say("cli.simulate.seeds"))
@click.option("--encoder", help=say("cli.init.encoder"))
@click.option("--json", "target", type=_FILE, help=say("cli.simulate.json"))
def simulate(
    file: Path,
    text_column: str | None,
    label_column: str | None,
    strategies: str | None,
    batch: int,
    budget: int,
    seeds: int,
    encoder: str | None,
    target: Path | None,
) -> None:
    """Replay a labelled file."""
    from annotator.settings import ENCODER
    from annotator.simulation import run
    from learner.active_learning import query_strategies
    from learner.encoders.encoder import default_cache

    all_names = tuple(query_strategies.STRATEGIES)
    chosen = tuple(name.strip() for name in strategies.split(",")) if strategies else all_names
    report = run.run(
        run.read(file, text_column=text_column, label_column=label_column),
        run.Request(chosen, batch, budget, seeds),
        encoder=encoder or ENCODER,
        cache=default_cache(),
        on_progress=_progress(),
    )
    if target is not None:
        write_json(target, report)
    click.echo(_table(report))


def write_json(target: Path, value: dict[str, Any]) -> None:
    """Write a report.

    Raises:
        UserError: if the file can't be written.
    """
    try:
        private_files.write_text(target, json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise UserError("report_unwritable", path=str(target), reason=error.strerror or "?") from error


def _table(report: dict[str, Any]) -> str:
    lines = [say("cli.simulate.heading", rows=report["rows"], left_out=report["left_out"])]
    best = sorted(report["strategies"].items(), key=lambda item: -item[1]["aulc_macro_f1"])
    for name, figures in best:
        low, high = figures["interval"]
        reached = figures["labels_to_95"]
        lines.append(
            say(
                "cli.simulate.line",
                name=name,
                f1=f"{figures['aulc_macro_f1']:z.3f}",
                low=f"{low:z.3f}",
                high=f"{high:z.3f}",
                accuracy=f"{figures['aulc_accuracy']:z.3f}",
                reached="-" if reached is None else reached,
            )
        )
    return "\n".join(lines)


@click.command("tune-encoder", help=say("cli.tune_encoder.help"))
@click.option("--kote", type=_FILE, required=True, help=say("cli.tune_encoder.kote"))
@click.option("--reviews", type=_FILE, required=True, help=say("cli.tune_encoder.reviews"))
@click.option("--out", type=_FILE, required=True, help=say("cli.tune_encoder.out"))
@click.option("--work", type=_FILE, required=True, help=say("cli.tune_encoder.work"))
@click.option(
    "--kote-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help=say("cli.tune_encoder.kote_share"),
)
@click.option(
    "--review-count",
    type=click.IntRange(min=0),
    default=2400,
    show_default=True,
    help=say("cli.tune_encoder.review_count"),
)
@click.option(
    "--rated-count",
    type=click.IntRange(min=0),
    default=160_000,
    show_default=True,
    help=say("cli.tune_encoder.rated_count"),
)
def tune_encoder(
    kote: Path, reviews: Path, out: Path, work: Path, kote_share: float, review_count: int, rated_count: int
) -> None:
    """Tune the emotion-aware adapter."""
    from learner.encoders import emotion_adapter
    from learner.encoders.encoder import default_cache

    for path in (kote, reviews):
        if not path.is_file():
            raise UserError("import_file_missing", path=str(path))
    report = emotion_adapter.run(
        kote,
        reviews,
        out,
        work=work,
        cache=default_cache(),
        kote_share=kote_share,
        review_count=review_count,
        rated_count=rated_count,
        on_progress=lambda share: click.echo(f"\r{100 * share:z.1f} %", err=True, nl=False),
    )
    click.echo(json.dumps(report, ensure_ascii=False), file=sys.stdout)


@click.command("removal", help=say("cli.removal.help"))
@click.option(
    "--diaries", "count", type=click.IntRange(5, 1000), default=20, show_default=True, help=say("cli.removal.diaries")
)
@database_option
@json_option
def removal(count: int, path: Path, as_json: bool) -> None:
    """Choose how words are removed in explanations."""
    from annotator.serving import mask_comparison as removals

    with closing(project.open_project(path)) as db:
        comparison = removals.choose(db, path, count=count)
    mask = say("cli.removal.no_mask") if comparison.mask is None else f"{comparison.mask:z.3f}"
    line = say(
        "cli.removal.done", diaries=comparison.diaries, delete=comparison.delete, mask=mask, chosen=comparison.chosen
    )
    show(as_json, comparison, line)
