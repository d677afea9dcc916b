"""Commands for a pool in shards: making one, working on it, looking at it."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import annotators, diary_access
from annotator.cli import import_
from annotator.cli.options import DIARY_ID, database_option, json_option, name_option, show
from annotator.errors import UserError
from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.pool.checking import Checked
    from annotator.pool.creation import Created
    from annotator.pool.driving import StageReport
    from annotator.pool.pools import PoolStatus, StageStatus
    from annotator.pool.searching import PoolHit

_NAMES = 5

_url_option = click.option("--url", help=say("cli.pool.url"))

_NOT_ASKED: dict[str, Any] = {
    "label_column": None,
    "annotator_column": None,
    "person_columns": (),
    "label_columns": (),
    "strength": False,
    "no_label": True,
    "label_separator": None,
    "several": None,
    "again": None,
    "cleared": None,
    "second_opinions": False,
    "unknown": None,
    "wide": "none",
    "people": (),
    "split": None,
    "pattern": None,
}
"""What an import asks and a pool doesn't: labels of a file come in with an import."""


@click.group(help=say("cli.pool.help"))
def pool() -> None:
    """Group of the commands for a pool."""


@pool.command(help=say("cli.pool.create"))
@click.argument("url")
@click.argument("more", nargs=-1, metavar="[FILES]...")
@click.option("--from", "files", multiple=True, help=say("cli.pool.source"))
@database_option
@click.option("--text-column", "text_columns", multiple=True, help=say("cli.import.text_column"))
@click.option("--date-column", help=say("cli.import.date_column"))
@click.option("--author-column", help=say("cli.import.author_column"))
@click.option("--encoding", help=say("cli.import.encoding"))
@click.option("--delimiter", type=click.Choice(import_.DELIMITERS), help=say("cli.import.delimiter"))
@click.option("--heading", help=say("cli.import.heading"))
@click.option("--sheet", "sheets", multiple=True, help=say("cli.import.sheet"))
@click.option("--lines", type=click.Choice(["whole", "each"]), help=say("cli.import.lines"))
@click.option("--texts", type=click.Choice(["join", "each"]), help=say("cli.import.texts"))
@click.option("--totals", type=click.Choice(["skip", "keep"]), help=say("cli.import.totals"))
@click.option("--afresh", is_flag=True, help=say("cli.import.afresh"))
@click.option("--rows", type=click.IntRange(1, 1_000_000), default=50_000, show_default=True, help=say("cli.pool.rows"))
@json_option
def create(
    url: str, more: Sequence[str], files: Sequence[str], path: Path, rows: int, as_json: bool, **asked: Any
) -> None:
    from annotator.importing import ImportQuestions
    from annotator.pool import creation

    named = [*files, *more]
    if not named:
        raise UserError("pool_files_missing")
    with closing(project.open_project(path)) as db:
        try:
            made = creation.create(
                db,
                url,
                [(Path(file), file) for file in named],
                import_.plan_of({**_NOT_ASKED, **asked}, None, None),
                rows_a_shard=rows,
                on_progress=_progress("cli.pool.creating", "rows", "shards"),
            )
        except ImportQuestions as questions:
            raise click.ClickException("\n".join(import_.question_lines(questions))) from questions
    show(as_json, made, "\n".join(_created_lines(made)))


def _progress(key: str, done: str, total: str) -> Any:
    """Return a function that shows two counts on one line of a terminal; nothing elsewhere."""
    stream = sys.stderr

    def report(first: int, second: int) -> None:
        if stream.isatty():
            click.echo(f"\r{say(key, **{done: first, total: second})}  ", err=True, nl=False)

    return report


def size_of(byte_count: int) -> str:
    """Return a number of bytes for people: ``812 kB``, ``3.4 GB``."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if byte_count >= size:
            return f"{byte_count / size:z.1f} {unit}"
    return f"{byte_count / 1e3:z.0f} kB"


def _created_lines(made: Created) -> list[str]:
    lines = [
        say(
            "cli.pool.created",
            url=made.url,
            rows=made.row_count,
            test=made.test_count,
            shards=made.shard_count,
            size=size_of(made.bytes),
        )
    ]
    if made.duplicate_count:
        lines.append(say("cli.pool.created_duplicates", count=made.duplicate_count))
    if made.forgotten_count:
        lines.append(say("cli.pool.created_forgotten", count=made.forgotten_count))
    if made.left_out:
        reasons = ", ".join(f"{say(f'import.reason.{reason}')} {count:,}" for reason, count in made.left_out.items())
        lines.append(say("cli.pool.created_left_out", count=sum(made.left_out.values()), reasons=reasons))
    if made.known_count:
        lines.append(say("cli.pool.created_known", count=made.known_count))
    return [*lines, say("cli.pool.created_next")]


@pool.command(help=say("cli.pool.status"))
@database_option
@json_option
def status(path: Path, as_json: bool) -> None:
    from annotator.pool import pools

    with closing(project.open_project(path)) as db:
        now = pools.list_statuses(db)
    show(as_json, now, "\n".join(line for each in now for line in _status_lines(each)) or say("cli.pool.none"))


def _status_lines(now: PoolStatus) -> list[str]:
    counts = {"rows": now.row_count, "test": now.test_count, "shards": now.shard_count, "members": now.member_count}
    lines = [say("cli.pool.status_pool", url=now.url, **counts)]
    if now.is_in_force:
        lines.append(say("cli.pool.status_in_force", url=now.url, members=now.member_count))
    return [*lines, *(_stage_line(stage, now) for stage in now.stages if stage.stage != "texts")]


def _stage_line(stage: StageStatus, now: PoolStatus) -> str:
    return say(
        "cli.pool.status_stage",
        stage=stage.stage,
        done=stage.shard_count,
        shards=now.shard_count,
        size=size_of(stage.bytes),
        hours=stage.cpu_seconds / 3600,
        rate="–" if stage.texts_a_second is None else f"{stage.texts_a_second:z,.0f}",
    )


@pool.command(help=say("cli.pool.check"))
@_url_option
@database_option
@json_option
def check(url: str | None, path: Path, as_json: bool) -> None:
    from annotator.pool import checking, pools

    with closing(project.open_project(path)) as db:
        report = checking.check(
            db, pools.get_pool(db, url), on_progress=_progress("cli.pool.checking", "done", "total")
        )
    show(as_json, report, "\n".join(_checked_lines(report)))
    if not report.is_whole:
        sys.exit(1)


def _checked_lines(report: Checked) -> list[str]:
    key = "cli.pool.check_fine" if report.is_whole else "cli.pool.check_rest"
    lines = [say(key, count=report.count, size=size_of(report.bytes))]
    if report.lost:
        lines.append(say("cli.pool.check_lost", names=_few(report.lost)))
    if report.due:
        lines.append(say("cli.pool.check_due", names=_few(report.due)))
    if report.uncounted:
        lines.append(say("cli.pool.check_uncounted", names=_few(report.uncounted)))
    return lines


def _few(names: Sequence[str]) -> str:
    more = f" … (+{len(names) - _NAMES:,})" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more


@pool.command(help=say("cli.pool.search"))
@click.argument("words", nargs=-1)
@click.option("--like", type=DIARY_ID, help=say("cli.pool.like"))
@click.option("--predicted", help=say("cli.pool.predicted"))
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help=say("cli.pool.limit"))
@click.option("--send-to-queue", is_flag=True, help=say("cli.pool.send"))
@name_option
@_url_option
@database_option
@json_option
def search(
    words: tuple[str, ...],
    like: int | None,
    predicted: str | None,
    limit: int,
    send_to_queue: bool,
    name: str,
    url: str | None,
    path: Path,
    as_json: bool,
) -> None:
    from annotator.cli.find import sent_sentence
    from annotator.finding import pool_search
    from annotator.pool import pools, searching

    with closing(project.open_project(path)) as db:
        place = pools.get_pool(db, url)
        vector = None if like is None else searching.vector_of(db, place, like)
        query = searching.PoolQuery(words, vector, predicted)
        hits = searching.search(db, place, query, settings=project_settings.load(db), limit=limit)
        sent = None
        if send_to_queue:
            actor = diary_access.owner(annotators.get_or_create(db, name))
            sent = pool_search.send(db, actor, place, hits, query={"q": " ".join(words)})
    lines = [*map(_hit_line, hits), say("cli.pool.found", count=len(hits))]
    data = {"hits": hits, "sent": sent}
    show(as_json, data, "\n".join(lines if sent is None else [*lines, sent_sentence(sent)]))


def _hit_line(hit: PoolHit) -> str:
    likeness = "–" if hit.likeness is None else f"{hit.likeness:z.3f}"
    probability = "–" if hit.probability is None else f"{hit.probability:z.3f}"
    return say("cli.pool.hit", number=hit.number, likeness=likeness, probability=probability, line=hit.line)


@pool.command(help=say("cli.pool.run"))
@click.argument("kind", type=click.Choice(["encode", "ngrams", "predict"]))
@_url_option
@database_option
@click.option("--engine", type=click.Choice(project_settings.ENGINES), help=say("cli.settings.engine"))
@click.option("--address", help=say("cli.settings.cluster"))
@click.option("--workers", type=click.IntRange(1, 10_000), help=say("cli.pool.workers"))
@json_option
def run(
    kind: str,
    url: str | None,
    path: Path,
    engine: Any,
    address: str | None,
    workers: int | None,
    as_json: bool,
) -> None:
    from annotator.pool import driving, engines, pools, stages
    from annotator.serving.runtime import ModelRuntime
    from learner.encoders.encoder import default_cache

    with closing(project.open_project(path)) as db:
        chosen = project_settings.load(db)
        chosen = replace(chosen, engine=engine or chosen.engine, cluster=address or chosen.cluster)
        place, runtime = pools.get_pool(db, url), ModelRuntime(path, cache=default_cache())
        shown = _stage_progress()
        with driving.only_driver(db, place), engines.opened(chosen, workers=workers) as working:
            if kind == "encode":
                reports = stages.encode(runtime, db, place, working, on_progress=shown)
            elif kind == "ngrams":
                reports = stages.ngrams(db, place, working, on_progress=shown)
            else:
                model = stages.find_model(db)
                reports = stages.predict(runtime, db, place, working, model, on_progress=shown)
    show(as_json, reports, "\n".join(map(_report_line, reports)))


def _stage_progress() -> Any:
    """Return a function that shows the progress of a stage on one line of a terminal."""

    def report(now: Any) -> bool:
        if sys.stderr.isatty():
            line = say(
                "cli.pool.running",
                stage=say(f"pool.stage_{now.stage}"),
                done=now.done,
                total=now.total,
                rate=f"{now.texts_a_second:z,.0f}",
            )
            click.echo(f"\r{line}  ", err=True, nl=False)
        return True

    return report


def _report_line(report: StageReport) -> str:
    stage = say(f"pool.stage_{report.kind}")
    if not report.shards:
        return say("cli.pool.ran_nothing", stage=stage)
    return say(
        "cli.pool.ran",
        stage=stage,
        shards=report.shards,
        texts=report.texts,
        seconds=report.seconds,
        hours=report.core_seconds / 3600,
        workers=report.workers,
        engine=report.engine,
    )


@pool.command(help=say("cli.pool.forget"))
@click.argument("numbers", nargs=-1, type=click.IntRange(1), required=True)
@click.option("--yes", is_flag=True, help=say("cli.forget.yes"))
@database_option
@json_option
def forget(numbers: Sequence[int], yes: bool, path: Path, as_json: bool) -> None:
    from annotator.cli.forget import run
    from annotator.privacy.forgetting import Selection

    run(path, Selection(pool_numbers=tuple(numbers)), yes=yes, as_json=as_json)
