"""Labelling from a terminal: next, label, undo."""

from __future__ import annotations

import secrets
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.accounts import annotators, diary_access
from annotator.cli.options import DIARY_ID as _DIARY_ID
from annotator.cli.options import database_option as _database_option
from annotator.cli.options import json_option as _json_option
from annotator.cli.options import name_option as _name_option
from annotator.cli.options import show as _print
from annotator.errors import UserError
from annotator.labelling import board, decisions
from annotator.messages import default_language, say
from db.answers import queue
from db.answers.decisions import NewDecision
from db.label_sets import labels

if TYPE_CHECKING:
    from pathlib import Path


def _holder(annotator_id: int) -> str:
    """Return the name under which the command line holds diaries, like the name of a browser tab."""
    return f"cli-{annotator_id}"


@click.command("next", help=say("cli.next.help"))
@_database_option
@_name_option
@_json_option
def next_(path: Path, name: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        annotator_id = annotators.get_or_create(db, name)
        # Only one at a time: a diary that a command has handed out stays so until it is decided or expires.
        loaded_board = board.load_board(
            db,
            annotator_id=annotator_id,
            holder=_holder(annotator_id),
            language=default_language(),
            lookahead=1,
            # `label` names a diary, not a lease: an answer to a repeat would pass for a change of mind.
            with_repeats=False,
            by=diary_access.owner(annotator_id, holder=_holder(annotator_id)),
        )
        if not loaded_board.items:
            raise UserError("nothing_left")
        item = loaded_board.items[0]
        _print(as_json, item, f"#{item['diary_id']}  {item['why']}\n\n{item['text']}")


@click.command(help=say("cli.label.help"))
@click.argument("diary_id", type=_DIARY_ID)
@click.argument("label_name")
@_database_option
@_name_option
@click.option("--memo", default="", help=say("cli.label.memo"))
@_json_option
def label(diary_id: int, label_name: str, path: Path, name: str, memo: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        by_name = {entry.name: entry.id for entry in labels.list_labels(db)}
        nfc_name = unicodedata.normalize("NFC", label_name).strip()
        if nfc_name not in by_name:
            raise UserError("label_unknown", found=label_name, known=", ".join(by_name))
        annotator_id = annotators.get_or_create(db, name)
        decision_id = decisions.decide(
            db,
            NewDecision(diary_id, annotator_id, "label", secrets.token_hex(16), by_name[nfc_name], memo),
            by=diary_access.owner(annotator_id),
        )
        queue.release(db, annotator_id=annotator_id, holder=_holder(annotator_id))
        _print(as_json, {"decision_id": decision_id}, say("cli.label.done", id=diary_id, label=label_name))


@click.command(help=say("cli.undo.help"))
@_database_option
@_name_option
@_json_option
def undo(path: Path, name: str, as_json: bool) -> None:
    with closing(project.open_project(path)) as db:
        annotator_id = annotators.get_or_create(db, name)
        holder = _holder(annotator_id)
        owner = diary_access.owner(annotator_id, holder=holder)
        recent = decisions.list_recent(db, annotator_id, limit=1)
        if not recent:
            raise UserError("nothing_to_undo", name=name)
        token = secrets.token_hex(16)
        undone = decisions.undo(db, recent[0].token, token=token, annotator_id=annotator_id, holder=holder, by=owner)
        _print(as_json, undone, say("cli.undo.done", id=undone.diary_id))
