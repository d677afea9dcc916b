"""Commands about the label set."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from annotator import project
from annotator.accounts import annotators
from annotator.cli.options import database_option, json_option, name_option, show
from annotator.messages import default_language, say
from db.label_sets import history as label_history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from annotator.label_sets.editing import Change
    from db import Database

_note_option = click.option("--note", default="", help=say("cli.labels.note"))
_definition_option = click.option("--definition", default="", help=say("cli.labels.definition"))
_colour_option = click.option("--colour", default="", help=say("cli.labels.colour"))
_key_option = click.option("--key", default="", help=say("cli.labels.key"))


@click.group("labels", help=say("cli.labels.help"))
def labels() -> None:
    """Group of the label set's commands."""


@labels.command("list", help=say("cli.labels.list"))
@database_option
@json_option
def list_(path: Path, as_json: bool) -> None:
    from annotator.label_sets import editing

    with closing(project.open_project(path)) as db:
        value = [
            {
                "id": label.id,
                "name": label.name,
                "key": label.key,
                "colour": label.colour,
                "definition": label.definition,
                "decisions": editing.reach(db, label.id).decisions,
            }
            for label in editing.list_labels(db)
        ]
        lines = [f"{row['key']}  {row['name']}  {row['decisions']:,}  {row['definition']}" for row in value]
        if waiting := label_history.count_rechecks(db):
            lines.append(say("cli.labels.waiting", count=waiting))
        show(as_json, value, "\n".join(lines))


@labels.command("add", help=say("cli.labels.add"))
@click.argument("label")
@_definition_option
@_colour_option
@_key_option
@database_option
@name_option
@_note_option
@json_option
def add(label: str, definition: str, colour: str, key: str, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    with closing(project.open_project(path)) as db:
        new = editing.NewLabel(label, definition, colour, key.lower())
        label_id = editing.add(db, new, annotator_id=annotators.get_or_create(db, name), note=note)
        added_label = next(entry for entry in editing.list_labels(db) if entry.id == label_id)
        show(as_json, added_label, say("cli.labels.added", name=added_label.name, key=added_label.key))


def _changed(path: Path, as_json: bool, change: Callable[[Database], Sequence[int]]) -> None:
    """Change the label set and print what was done."""
    from annotator.label_sets import editing
    from annotator.label_sets import history as label_changes

    with closing(project.open_project(path)) as db:
        change_ids = change(db)
        history, names = editing.list_changes(db), editing.names_of_all(db)
        done = [entry for entry in history if entry.id in change_ids]
        words = [label_changes.describe(entry, history, names, default_language()) for entry in done]
        lines = [say("cli.labels.done", id=entry.id, what=what) for entry, what in zip(done, words, strict=True)]
        if waiting := label_history.count_rechecks(db):
            lines.append(say("cli.labels.waiting", count=waiting))
        show(as_json, [_value(entry, what) for entry, what in zip(done, words, strict=True)], "\n".join(lines))


@labels.command("rename", help=say("cli.labels.rename"))
@click.argument("label")
@click.argument("new_name")
@database_option
@name_option
@_note_option
@json_option
def rename(label: str, new_name: str, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    def change(db: Database) -> Sequence[int]:
        fields = {editing.label_named(db, label).id: {"name": new_name}}
        return editing.edit(db, fields, annotator_id=annotators.get_or_create(db, name), note=note)

    _changed(path, as_json, change)


@labels.command("merge", help=say("cli.labels.merge"))
@click.argument("first")
@click.argument("into")
@database_option
@name_option
@_note_option
@json_option
def merge(first: str, into: str, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    def change(db: Database) -> Sequence[int]:
        label_id, target_id = (editing.label_named(db, label).id for label in (first, into))
        return [editing.merge(db, label_id, target_id, annotator_id=annotators.get_or_create(db, name), note=note)]

    _changed(path, as_json, change)


@labels.command("split", help=say("cli.labels.split"))
@click.argument("label")
@click.option("--into", multiple=True, required=True, help=say("cli.labels.into"))
@click.option("--keep", is_flag=True, help=say("cli.labels.keep"))
@database_option
@name_option
@_note_option
@json_option
def split(label: str, into: Sequence[str], keep: bool, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    def change(db: Database) -> Sequence[int]:
        parts = [editing.NewLabel(part) for part in into]
        label_id, annotator_id = editing.label_named(db, label).id, annotators.get_or_create(db, name)
        return [editing.split(db, label_id, parts, keep=keep, annotator_id=annotator_id, note=note)]

    _changed(path, as_json, change)


@labels.command("retire", help=say("cli.labels.retire"))
@click.argument("label")
@database_option
@name_option
@_note_option
@json_option
def retire(label: str, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    def change(db: Database) -> Sequence[int]:
        label_id = editing.label_named(db, label).id
        return [editing.retire(db, label_id, annotator_id=annotators.get_or_create(db, name), note=note)]

    _changed(path, as_json, change)


@labels.command("undo", help=say("cli.labels.undo"))
@click.argument("change_id", type=click.IntRange(1))
@database_option
@name_option
@_note_option
@json_option
def undo(change_id: int, path: Path, name: str, note: str, as_json: bool) -> None:
    from annotator.label_sets import editing

    def change(db: Database) -> Sequence[int]:
        return [editing.undo(db, change_id, annotator_id=annotators.get_or_create(db, name), note=note)]

    _changed(path, as_json, change)


@labels.command("history", help=say("cli.labels.history"))
@database_option
@json_option
def history(path: Path, as_json: bool) -> None:
    from annotator.label_sets import editing
    from annotator.label_sets import history as label_changes

    with closing(project.open_project(path)) as db:
        changes, names = editing.list_changes(db), editing.names_of_all(db)
        words = {entry.id: label_changes.describe(entry, changes, names, default_language()) for entry in changes}
        value = [_value(entry, words[entry.id]) for entry in changes]
        lines = [_line(entry, words[entry.id]) for entry in changes]
        show(as_json, value, "\n".join(lines) if lines else say("cli.labels.none"))


def _line(change: Change, what: str) -> str:
    parts = [str(change.id), change.changed_at[:16].replace("T", " "), change.annotator_name, what, change.note]
    return "  ".join(part for part in (*parts, say("cli.labels.undone") if change.undone_by else "") if part)


def _value(change: Change, what: str) -> dict[str, Any]:
    return {
        "id": change.id,
        "action": change.action,
        "what": what,
        "note": change.note,
        "by": change.annotator_name,
        "at": change.changed_at,
        "undoes": change.undoes,
        "undone_by": change.undone_by,
    }
