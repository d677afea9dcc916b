"""A project: one database file with a label set, its settings and a folder for what can be computed again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import db as database
from annotator import ownership
from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.formats import config_files
from db.connection import write
from db.errors import DatabaseError
from db.label_sets.labels import Label, list_labels, store_labels
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db import Database as Database

Labels = Sequence[Label]
"""A label set, in its order."""

DEFAULT_LABELS = (
    Label(1, "분노", "화가 나고 짜증이 난다. 억울하고 분하다.", "#d1495b", "1", 0),
    Label(2, "행복", "기쁘고 즐겁다. 고맙고 뿌듯하다.", "#edae49", "2", 1),
    Label(3, "불안", "걱정되고 초조하다. 두렵다.", "#7b6cb0", "3", 2),
    Label(4, "당황", "놀라고 난처하다. 어이가 없다.", "#e07a3f", "4", 3),
    Label(5, "슬픔", "슬프고 눈물이 난다. 외롭고 그립다.", "#3d7ea6", "5", 4),
    Label(6, "중립", "뚜렷한 감정 없이 있었던 일을 담담하게 적었다.", "#8a8f98", "6", 5),
    Label(7, "혐오", "역겹고 싫다. 더럽다. 질린다.", "#5b8c5a", "7", 6),
)
"""The seven emotions of the demo; colours told apart by people who see red and green alike."""

RESERVED_KEYS = frozenset("sfzmvh")
"""Letters that the label page uses itself: skip, flag, undo, memo, evidence, help."""

_KEYS = "1234567890qwertyuiopadjklxbng"
COLOURS = (
    "#d1495b",
    "#edae49",
    "#7b6cb0",
    "#e07a3f",
    "#3d7ea6",
    "#8a8f98",
    "#5b8c5a",
    "#b5739d",
    "#4f9d9d",
    "#a07855",
)
"""Colours for labels that come without one."""


def default_path() -> Path:
    """Return where the database is looked for when none is named."""
    return ownership.DEFAULT_PATH


def vectors_folder(path: Path) -> Path:
    """Return the folder of vectors beside a database; it may be deleted, and is then built again."""
    return path.with_name(path.name + "-vectors")


def encoders_folder(path: Path) -> Path:
    """Return the folder of fully tuned encoders beside a database; the database holds their hashes."""
    return path.with_name(path.name + "-encoders")


def tuning_folder(path: Path) -> Path:
    """Return the folder in which a round keeps its checkpoints while it tunes an encoder."""
    return path.with_name(path.name + "-tuning")


def exports_folder(path: Path) -> Path:
    """Return the folder beside a database in which the app keeps exports for people to fetch."""
    return path.with_name(path.name + "-exports")


def is_set_up(path: Path) -> bool:
    """Say whether there is a project with a label set at this path."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    db = database.connect(path)
    try:
        ownership.keep(path)
        return bool(list_labels(db))
    finally:
        db.close()


def init(path: Path, *, labels: Sequence[Label] = DEFAULT_LABELS, **settings: Any) -> None:
    """Set a new project up.

    Args:
        settings: values of `annotator.settings.Settings` other than the defaults.

    Raises:
        UserError: if there is a project already, or the label set can't be used.
        DatabaseError: if the file can't be written.
    """
    if is_set_up(path):
        raise UserError("project_exists", path=str(path))
    check_labels(labels)
    chosen = project_settings.new_settings(**settings)
    try:
        private_files.make_folder(path.parent)
    except OSError as error:
        raise UserError("folder_unwritable", path=str(path.parent), reason=error.strerror or "") from error
    db = database.create(path)
    try:
        with write(db):
            store_labels(db, labels)
            project_settings.store(db, chosen)
    finally:
        db.close()


def read_labels(path: Path) -> list[Label]:
    """Read a label set from a file: TOML (``[[labels]]``), JSON (a list) or CSV (a column ``name``).

    Each label has a ``name`` and may have ``definition``, ``colour`` and ``key``; what is missing is chosen.

    Raises:
        UserError: if the file can't be read or its labels can't be used.
    """
    return read_label_bytes(config_files.read_path(path), str(path))


def read_label_bytes(content: bytes, name: str) -> list[Label]:
    """Read a label set from the bytes of a file, as `read_labels` does.

    Args:
        name: the file's name, whose ending says the format.
    """
    try:
        return make_labels(_entries(content, name))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("label_file_broken", path=name, reason=str(error)[:200]) from error


def make_labels(entries: Sequence[dict[str, Any]]) -> list[Label]:
    """Make a label set of entries that have a ``name`` and may have ``definition``, ``colour`` and ``key``.

    Raises:
        UserError: if the labels can't be used.
    """
    labels = complete_labels(entries)
    check_labels(labels)
    return labels


def complete_labels(entries: Sequence[dict[str, Any]], *, beside: Sequence[Label] = ()) -> list[Label]:
    """Return labels of entries as `make_labels` does, unchecked; keys of the labels beside them are not free."""
    labels = [_label(entry, position) for position, entry in enumerate(entries)]
    taken = {label.key for label in (*beside, *labels)}
    free = iter([key for key in _KEYS if key not in taken])
    return [label if label.key else replace(label, key=next(free, "")) for label in labels]


def _entries(content: bytes, name: str) -> list[dict[str, Any]]:
    kinds: dict[str, config_files.Format] = {".toml": "toml", ".json": "json"}
    loaded = config_files.decode(content, kinds.get(Path(name).suffix.lower(), "csv"), name=name)
    return list(loaded["labels"] if isinstance(loaded, dict) else loaded)


def _label(entry: dict[str, Any], position: int) -> Label:
    # The form in which imports compare label names: two that only look the same would be one there.
    name = unicodedata.normalize("NFC", str(entry.get("name") or "")).strip()
    colour = str(entry.get("colour") or COLOURS[position % len(COLOURS)])
    return Label(
        position + 1,
        name,
        str(entry.get("definition") or "").strip(),
        colour,
        str(entry.get("key") or "").strip().lower(),
        position,
    )


def check_labels(labels: Sequence[Label], *, changed: Collection[int] | None = None) -> None:
    """Check that a label set can be used.

    Args:
        changed: ids of the labels whose keys and colours are looked at; None for all. A set that was made before
            a letter got another use goes on as it is.

    Raises:
        UserError: for fewer than two labels, an empty or repeated name, a key or colour that can't be used.
    """
    if not 2 <= len(labels) <= len(_KEYS):
        raise UserError("label_count_outside", found=len(labels), most=len(_KEYS))
    for what in ("name", "key"):
        values = [getattr(label, what) for label in labels]
        if "" in values:
            raise UserError(f"label_{what}_empty", position=values.index("") + 1)
        if repeated := sorted({value for value in values if values.count(value) > 1}):
            raise UserError(f"label_{what}_repeated", found=repeated[0])
    for label in labels:
        if changed is None or label.id in changed:
            check_label(label)


def check_label(label: Label) -> None:
    """Check that a label can be pressed and painted.

    Raises:
        UserError: for a key or colour that can't be used.
    """
    if not re.fullmatch(r"[0-9a-z]", label.key) or label.key in RESERVED_KEYS:
        raise UserError("label_key_unusable", name=label.name, key=label.key)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", label.colour):
        raise UserError("label_colour_unusable", name=label.name, colour=label.colour)


def open_project(path: Path) -> Database:
    """Open the database of a project that has been set up.

    Raises:
        UserError, DatabaseError: if it is missing, not set up, newer or not ours.
    """
    db = database.connect(path)
    ownership.keep(path)
    try:
        has_labels = bool(list_labels(db))
    except DatabaseError:
        db.close()
        raise
    if not has_labels:
        db.close()
        raise UserError("project_not_set_up")
    return db


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Hold the database of a project open for the length of the block: one script run, one command.

    Raises:
        UserError, DatabaseError: as `open_project` does.
    """
    with database.lend(path) as db:
        ownership.keep(path)
        if not list_labels(db):
            raise UserError("project_not_set_up")
        yield db
