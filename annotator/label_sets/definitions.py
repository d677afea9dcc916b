"""Label sets as files and people define them: reading, completing and checking."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import config_files, config_names
from annotator.formats.label_text import plain_label
from db.label_sets.labels import Label

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from db import Database as Database


DEFAULT_LABELS = (
    Label(1, "분노", "화가 나고 짜증이 난다. 억울하고 분하다.", "#e5184f", "1", 0),
    Label(2, "행복", "기쁘고 즐겁다. 고맙고 뿌듯하다.", "#ba8e00", "2", 1),
    Label(3, "불안", "걱정되고 초조하다. 두렵다.", "#8848af", "3", 2),
    Label(4, "당황", "놀라고 난처하다. 어이가 없다.", "#a64d0c", "4", 3),
    Label(5, "슬픔", "슬프고 눈물이 난다. 외롭고 그립다.", "#249fbb", "5", 4),
    Label(6, "중립", "뚜렷한 감정 없이 있었던 일을 담담하게 적었다.", "#9a9487", "6", 5),
    Label(7, "혐오", "역겹고 싫다. 더럽다. 질린다.", "#2e7544", "7", 6),
)
"""The seven emotions of the demo; colours that every kind of eyes tells apart, on a light page and on a dark one
(`annotator.label_sets.colours`)."""


RESERVED_KEYS = frozenset("sfzmvh")
"""Letters that the label page uses itself: skip, flag, undo, memo, evidence, help."""


MOST_LABELS = 1_000
"""Taxonomies of emotions have dozens."""

_KEYS = "1234567890qwertyuiopadjklxbng"


COLOURS = (
    "#e5184f",
    "#ba8e00",
    "#8848af",
    "#a64d0c",
    "#249fbb",
    "#9a9487",
    "#2e7544",
    "#005be5",
    "#a55284",
    "#ff3fb2",
)
"""Colours for labels that come without one."""


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
    used_keys = {label.key for label in (*beside, *labels)}
    free = iter([key for key in _KEYS if key not in used_keys])
    return [label if label.key else replace(label, key=next(free, no_key(label.id))) for label in labels]


def no_key(label_id: int) -> str:
    """Return what is stored for a label that no key chooses: it is found by typing its name."""
    return f"-{label_id}"


def shown_key(label: Label) -> str:
    """Return the key that chooses a label, in upper case; empty for one that is found by its name."""
    return "" if label.key.startswith("-") else label.key.upper()


def _entries(content: bytes, name: str) -> list[dict[str, Any]]:
    kinds: dict[str, config_files.Format] = {".toml": "toml", ".json": "json"}
    loaded = config_files.decode(content, kinds.get(Path(name).suffix.lower(), "csv"), name=name)
    entries = loaded["labels"] if isinstance(loaded, dict) else loaded
    return [_entry(entry) for entry in entries]


def _entry(entry: Any) -> dict[str, Any]:
    """Return an entry of a label file: a name alone, or what is said of it in either language."""
    if isinstance(entry, str):
        return {"name": entry}
    return {config_names.plain_key(str(key)): value for key, value in entry.items()}


def _label(entry: dict[str, Any], position: int) -> Label:
    # The form in which imports compare label names: two that only look the same would be one there.
    name = plain_label(str("" if entry.get("name") is None else entry["name"]))
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
    if not 2 <= len(labels) <= MOST_LABELS:
        raise UserError("label_count_outside", found=len(labels), most=MOST_LABELS)
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
    if not re.fullmatch(r"[0-9a-z]|-[0-9]+", label.key) or label.key in RESERVED_KEYS:
        raise UserError("label_key_unusable", name=label.name, key=label.key)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", label.colour):
        raise UserError("label_colour_unusable", name=label.name, colour=label.colour)
