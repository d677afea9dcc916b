"""Commands for the lead: diaries to look after, gold diaries, masking, and the diaries that people hold."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from annotator import project
from annotator.accounts import annotators
from annotator.accounts.permissions import machine_owner
from annotator.cli.options import DIARY_ID, database_option, decoded, json_option, name_option, show
from annotator.errors import UserError
from annotator.messages import say


@click.group("care", help=say("cli.care.help"))
def care() -> None:
    """Group of the commands about diaries to look after."""


@care.command("list", help=say("cli.care.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    from db.texts import care_flags as flags

    with closing(project.open_project(path)) as db:
        waiting, handled = flags.count_flags(db)
        diary_ids = [flag.diary_id for flag in flags.list_flags(db, which="open", limit=1000)]
    lines = [say("cli.care.counts", open=waiting, handled=handled), *[f"#{diary_id}" for diary_id in diary_ids]]
    show(as_json, {"open": waiting, "handled": handled, "diary_ids": diary_ids}, "\n".join(lines))


@care.command(help=say("cli.care.phrases"))
@database_option
def phrases(path: Path) -> None:
    from annotator.privacy import care as care_cases

    with closing(project.open_project(path)) as db:
        click.echo(care_cases.list_text(db), nl=False)


@care.command(help=say("cli.care.use"))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--default", "is_default", is_flag=True, help=say("cli.care.default"))
@database_option
def use(file: Path | None, is_default: bool, path: Path) -> None:
    from annotator.privacy import care as care_cases

    if (file is None) != is_default:
        raise click.UsageError(say("cli.care.use"))
    text = None if file is None else _read(file)
    with closing(project.open_project(path)) as db:
        care_cases.use_list(db, text, annotator_id=None)
        count = care_cases.load_list(db).count
    click.echo(say("cli.care.used", count=count))


def _read(file: Path) -> str:
    try:
        return decoded(file.read_bytes(), "phrases_unreadable")
    except OSError as error:
        raise UserError("file_unreadable", path=str(file), reason=error.strerror or "") from error


@click.group("gold", help=say("cli.gold.help"))
def gold() -> None:
    """Group of the commands about gold diaries."""


@gold.command("add", help=say("cli.gold.add"))
@click.argument("diary_id", type=DIARY_ID)
@click.argument("label_name", required=False)
@database_option
@name_option
def add(diary_id: int, label_name: str | None, path: Path, name: str) -> None:
    from annotator.accounts import diary_access
    from annotator.quality import gold as gold_cases

    with closing(project.open_project(path)) as db:
        annotator_id = annotators.get_or_create(db, name)
        by = diary_access.owner(annotator_id)
        label = gold_cases.add(db, diary_id, label_name, annotator_id=annotator_id, by=by)
    click.echo(say("cli.gold.added", id=diary_id, label=label.name))


@gold.command("remove", help=say("cli.gold.remove"))
@click.argument("diary_id", type=DIARY_ID)
@database_option
@name_option
def remove(diary_id: int, path: Path, name: str) -> None:
    from db.answers import gold as rows

    with closing(project.open_project(path)) as db:
        rows.remove(db, diary_id, annotator_id=annotators.get_or_create(db, name))
    click.echo(say("cli.gold.removed", id=diary_id))


@gold.command("list", help=say("cli.gold.list"))
@database_option
@json_option
def list_gold(path: Path, as_json: bool) -> None:
    from db.answers import gold as rows
    from db.label_sets import labels

    with closing(project.open_project(path)) as db:
        name_of = {label.id: label.name for label in labels.list_all_labels(db)}
        entries = [{"diary_id": row.diary_id, "label": name_of[row.label_id]} for row in rows.list_gold(db)]
    lines = [f"#{row['diary_id']}  {row['label']}" for row in entries]
    show(as_json, entries, "\n".join(lines) or say("cli.gold.none"))


@click.command(help=say("cli.reveal.help"))
@click.argument("diary_id", type=DIARY_ID)
@database_option
@name_option
def reveal(diary_id: int, path: Path, name: str) -> None:
    from annotator.privacy import masking

    with closing(project.open_project(path)) as db:
        # Whoever can run commands on the database file could read it anyway; this leaves a trace.
        person = machine_owner(annotators.get_or_create(db, name), name)
        click.echo(masking.reveal(db, diary_id, person=person))


@click.command(help=say("cli.release.help"))
@click.argument("name")
@database_option
def release(name: str, path: Path) -> None:
    from db.answers import queue
    from db.connection import write
    from db.people import audit_log

    with closing(project.open_project(path)) as db:
        annotator_name = annotators.plain_name(name)
        if annotator_name not in annotators.list_people(db):
            raise UserError("person_missing", name=annotator_name)
        annotator_id = annotators.get_or_create(db, annotator_name)
        with write(db):
            count = queue.release_person(db, annotator_id)
            audit_log.add(db, None, "lease.release", f"annotator:{annotator_id}", count=count)
    click.echo(say("cli.release.done", name=annotator_name, count=count))
