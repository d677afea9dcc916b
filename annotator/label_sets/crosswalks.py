"""Crosswalks: which label here corresponds to each label of another set. Files, n:1, with a reason for each line.

A crosswalk is TOML, ``labels = [{ from = "…", to = "…", why = "…" }]`` with ``title`` and ``source`` beside it, or
CSV with the columns ``from,to,why``. An empty ``to`` says that there is no such label here. Some come along in
`annotator/label_sets/crosswalk_tables`.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import config_files
from annotator.formats.label_text import plain_label

if TYPE_CHECKING:
    from collections.abc import Mapping


_FOLDER = files(__package__) / "crosswalk_tables"

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CrosswalkEntry:
    """One label of the other set; `target` is empty where there is no such label here."""

    source: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Which label here corresponds to each label of another set.

    Attributes:
        title, source: what it maps, and its source; empty if the file doesn't say.
    """

    name: str
    title: str
    source: str
    lines: tuple[CrosswalkEntry, ...]

    def targets(self) -> dict[str, str]:
        """Return labels here by the other set's labels, both NFC; empty for none."""
        return {line.source: line.target for line in self.lines}


@cache
def list_names() -> tuple[str, ...]:
    """Return the names of the bundled crosswalks."""
    return tuple(sorted(PurePath(file.name).stem for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def read(name: str) -> Crosswalk:
    """Read a bundled crosswalk by its name, or one from a file by its path.

    Raises:
        UserError: if there is none, it can't be read, or one label goes to two places.
    """
    if name in list_names():
        # Our own file, which needs no child to read it.
        return _crosswalk(tomllib.loads((_FOLDER / f"{name}.toml").read_text("utf-8")), f"{name}.toml")
    if Path(name).suffix.lower() not in (".toml", ".csv"):
        raise UserError("crosswalk_unknown", name=name, known=", ".join(list_names()))
    return read_bytes(config_files.read_path(Path(name)), name)


def read_bytes(content: bytes, name: str) -> Crosswalk:
    """Read a crosswalk from the bytes of a file, whose name says the format.

    Raises:
        UserError: as `read` does.
    """
    try:
        if PurePath(name).suffix.lower() == ".csv":
            return _crosswalk({"labels": config_files.decode(content, "csv", name=name)}, name)
        return _crosswalk(config_files.decode(content, "toml", name=name), name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("crosswalk_broken", name=PurePath(name).name, reason=type(error).__name__) from error


def _crosswalk(loaded: dict[str, Any], name: str) -> Crosswalk:
    lines = tuple(CrosswalkEntry(_plain(e["from"]), _plain(e["to"]), str(e.get("why") or "")) for e in loaded["labels"])
    twice = [source for source, count in Counter(line.source for line in lines).items() if count > 1]
    if twice:
        raise UserError("crosswalk_repeated", name=PurePath(name).name, found=twice[0])
    return Crosswalk(PurePath(name).stem, str(loaded.get("title", "")), str(loaded.get("source", "")), lines)


def _plain(name: Any) -> str:
    return plain_label(str(name or ""))


def ids_by_name(crosswalk: Crosswalk, id_of: Mapping[str, int | None]) -> dict[str, int | None]:
    """Return label ids by the names in the other set; None if there is no such label here.

    Args:
        id_of: of the labels here by their names.

    Raises:
        UserError: if the crosswalk leads to labels that are not in force.
    """
    unknown = sorted({line.target for line in crosswalk.lines} - {*id_of, ""})
    if unknown:
        raise UserError(
            "crosswalk_targets_unknown",
            name=crosswalk.name,
            unknown=", ".join(unknown[:_SHOWN]),
            known=", ".join(id_of),
        )
    return {line.source: id_of.get(line.target) for line in crosswalk.lines}


def check_covers(crosswalk: Crosswalk, counts: Mapping[str, int]) -> None:
    """Check that a crosswalk covers every label.

    Args:
        counts: decisions by the label's name.

    Raises:
        UserError: naming the labels that it lacks, with their decisions.
    """
    targets = crosswalk.targets()
    missing = [f"{name} ({count:,})" for name, count in counts.items() if name not in targets]
    if missing:
        raise UserError(
            "crosswalk_incomplete", name=crosswalk.name, unknown=", ".join(missing[:_SHOWN]), known=", ".join(targets)
        )
