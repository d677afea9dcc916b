"""Commands about the word-emotion dictionary."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annotator import project
from annotator.accounts.permissions import machine_owner
from annotator.cli.options import database_option, json_option, name_option, read_stdin, show
from annotator.dictionary.evidence import FILTERS
from annotator.errors import UserError
from annotator.messages import say
from annotator.messages.figures import signed
from db.label_sets import labels
from maeumgyeol import private_files

if TYPE_CHECKING:
    from annotator.dictionary.evidence import EvidenceTable, Filter, Row
    from db import Database
    from db.label_sets.labels import Label

# Numpy and the analyser are loaded by the commands that need them.


@click.group("dictionary", help=say("cli.dictionary.help"))
def dictionary() -> None:
    """Group of the dictionary's commands."""


@dictionary.command("list", help=say("cli.dictionary.list"))
@database_option
@click.option("--state", "shown", type=click.Choice(FILTERS), default="all", help=say("cli.dictionary.state"))
@click.option("--label", "label_name", help=say("cli.dictionary.label"))
@click.option("--search", default="", help=say("cli.dictionary.search"))
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help=say("cli.dictionary.limit"))
@json_option
def list_(path: Path, shown: Filter, label_name: str | None, search: str, limit: int, as_json: bool) -> None:
    from annotator.dictionary import evidence

    with closing(project.open_project(path)) as db:
        basis = evidence.gather(db)
        label_id = None if label_name is None else _label(db, label_name).id
        rows = evidence.list_rows(db, basis, shown=shown, label_id=label_id, search=search)[:limit]
        names = _names(db)
        value = [_value(row, basis, names) for row in rows]
        lines = [_line(row, names) for row in rows]
        show(as_json, value, "\n".join(lines) if lines else say("cli.dictionary.none"))


def _names(db: Database) -> dict[int, str]:

    return {label.id: label.name for label in labels.list_labels(db)}


def _label(db: Database, name: str) -> Label:
    """Return the label of a name.

    Raises:
        UserError: if there is none.
    """

    by_name = {label.name: label for label in labels.list_labels(db)}
    label_name = unicodedata.normalize("NFC", name).strip()
    if label_name not in by_name:
        raise UserError("label_unknown", found=name, known=", ".join(by_name))
    return by_name[label_name]


def _value(row: Row, basis: EvidenceTable | None, names: dict[int, str]) -> dict[str, object]:
    means = {} if basis is None or row.means is None else dict(zip(basis.label_ids, row.means, strict=True))
    return {
        "word": row.word,
        "state": row.state,
        "label": names.get(row.label_id or 0),
        "count": row.count,
        "diaries": row.diary_count,
        "diary_ids": row.diary_ids,
        "means": {names.get(label_id, str(label_id)): mean for label_id, mean in means.items()},
    }


def _line(row: Row, names: dict[int, str]) -> str:
    strongest = max(row.means) if row.means else 0.0
    return say(
        "cli.dictionary.line",
        word=row.word,
        state=say(f"dictionary.state_{row.state}"),
        label=names.get(row.label_id or 0, "-"),
        mean=signed(strongest, digits=3),
        count=row.count,
        diaries=row.diary_count,
    )


@dictionary.command("add", help=say("cli.dictionary.add"))
@click.argument("word")
@click.argument("label_name", required=False)
@database_option
@name_option
@json_option
def add(word: str, label_name: str | None, path: Path, name: str, as_json: bool) -> None:
    from annotator.accounts import annotators
    from annotator.dictionary import entries as words

    with closing(project.open_project(path)) as db:
        label = None if label_name is None else _label(db, label_name)
        review = words.add(
            db, word, None if label is None else label.id, annotator_id=annotators.get_or_create(db, name)
        )
        emotion = say("dictionary.no_emotion") if label is None else label.name
        value = {"word": review.word, "label": None if label is None else label.name}
        show(as_json, value, say("cli.dictionary.added", word=review.word, label=emotion))


@dictionary.command("reject", help=say("cli.dictionary.reject"))
@click.argument("word")
@database_option
@name_option
@json_option
def reject(word: str, path: Path, name: str, as_json: bool) -> None:
    from annotator.accounts import annotators
    from annotator.dictionary import entries as words
    from learner.text.lemmas import form_of

    with closing(project.open_project(path)) as db:
        review = words.reject(db, form_of(word), annotator_id=annotators.get_or_create(db, name), source="hand")
        show(as_json, {"word": review.word}, say("cli.dictionary.rejected", word=review.word))


@dictionary.command("export", help=say("cli.dictionary.export"))
@click.argument("target", type=click.Path(path_type=Path))
@database_option
def export(target: Path, path: Path) -> None:
    from annotator.dictionary import evidence

    if target.exists():
        raise UserError("target_exists", path=str(target))
    with closing(project.open_project(path)) as db:
        content = evidence.export_csv(db, evidence.gather(db), person=machine_owner())
    try:
        private_files.write_bytes(target, content)
    except OSError as error:
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error
    click.echo(say("cli.dictionary.exported", path=str(target)))


@dictionary.command("tag", help=say("cli.dictionary.tag"))
@click.argument("text", required=False)
@database_option
@json_option
def tag(text: str | None, path: Path, as_json: bool) -> None:
    from annotator.dictionary import entries as words

    with closing(project.open_project(path)) as db:
        tokens = [token for token in words.tag_text(db, read_stdin() if text is None else text) if token.word]
    value = [{"text": t.text, "word": t.word, "label": t.label and t.label.name, "known": t.is_known} for t in tokens]
    none = say("dictionary.no_emotion")
    lines = [f"{token.text}\t{token.word}\t{token.label.name if token.label else none}" for token in tokens]
    show(as_json, value, "\n".join(lines))


@dictionary.command("measure", help=say("cli.dictionary.measure"))
@database_option
def measure(path: Path) -> None:
    from annotator.dictionary import entries as words

    with closing(project.open_project(path)) as db:
        words.ask(db, "effect")
    click.echo(say("cli.dictionary.asked"))


@dictionary.command("relate", help=say("cli.dictionary.relate"))
@database_option
def relate(path: Path) -> None:
    from annotator.dictionary import entries as words

    with closing(project.open_project(path)) as db:
        words.ask(db, "vectors")
    click.echo(say("cli.dictionary.asked"))
