"""Crosswalks: which label of another set is which one here. Files, n:1, with the reason of each line.

A crosswalk is TOML, ``labels = [{ from = "…", to = "…", why = "…" }]`` with ``title`` and ``source`` beside it, or
CSV with the columns ``from,to,why``. An empty ``to`` says that there is no such label here. Some come along in
`learner/crosswalks`.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_FOLDER = files("learner") / "crosswalks"

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One label of the other set; `target` is empty where there is no such label here."""

    source: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Which label of another set is which one here.

    Attributes:
        title, source: what it maps, and where that comes from; empty where the file doesn't say.
    """

    name: str
    title: str
    source: str
    lines: tuple[Line, ...]

    def targets(self) -> dict[str, str]:
        """Return the label here by that of the other set, both NFC; empty for none."""
        return {line.source: line.target for line in self.lines}


@cache
def list_names() -> tuple[str, ...]:
    """Return the names of the crosswalks that come along."""
    return tuple(sorted(PurePath(file.name).stem for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


def read(name: str) -> Crosswalk:
    """Read a crosswalk that comes along, by its name, or one from a file, by its path.

    Raises:
        UserError: if there is none, it can't be read, or one label goes to two places.
    """
    if name in list_names():
        return read_bytes((_FOLDER / f"{name}.toml").read_bytes(), f"{name}.toml")
    if Path(name).suffix.lower() not in (".toml", ".csv"):
        raise UserError("crosswalk_unknown", name=name, known=", ".join(list_names()))
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise UserError("file_unreadable", path=name, reason=error.strerror or "") from error
    return read_bytes(content, name)


def read_bytes(content: bytes, name: str) -> Crosswalk:
    """Read a crosswalk from the bytes of a file, whose name says the format.

    Raises:
        UserError: as `read` does.
    """
    try:
        text = content.decode("utf-8-sig")
        loaded: dict[str, Any]
        if PurePath(name).suffix.lower() == ".csv":
            loaded = {"labels": list(csv.DictReader(io.StringIO(text)))}
        else:
            loaded = tomllib.loads(text)
        lines = tuple(Line(_plain(e["from"]), _plain(e["to"]), str(e.get("why") or "")) for e in loaded["labels"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("crosswalk_broken", name=PurePath(name).name, reason=type(error).__name__) from error
    twice = [source for source, count in Counter(line.source for line in lines).items() if count > 1]
    if twice:
        raise UserError("crosswalk_repeated", name=PurePath(name).name, found=twice[0])
    return Crosswalk(PurePath(name).stem, str(loaded.get("title", "")), str(loaded.get("source", "")), lines)


def _plain(name: Any) -> str:
    return unicodedata.normalize("NFC", str(name or "")).strip()


def ids_by_name(crosswalk: Crosswalk, id_of: Mapping[str, int | None]) -> dict[str, int | None]:
    """Return the label's id by the name in the other set; None where there is no such label here.

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
    """Check that a crosswalk says something of every label.

    Args:
        counts: decisions by the label's name.

    Raises:
        UserError: naming the labels that it lacks, with their decisions.
    """
    known = crosswalk.targets()
    missing = [f"{name} ({count:,})" for name, count in counts.items() if name not in known]
    if missing:
        raise UserError(
            "crosswalk_incomplete", name=crosswalk.name, unknown=", ".join(missing[:_SHOWN]), known=", ".join(known)
        )


def translate_columns(columns: Sequence[str], crosswalk: Crosswalk) -> list[str]:
    """Return the columns of an export whose labels are those of the other side of a crosswalk."""
    targets = crosswalk.targets()
    found = [f"proba_{targets[c.removeprefix('proba_')]}" if c.startswith("proba_") else c for c in columns]
    return [column for column in dict.fromkeys(found) if column != "proba_"]


def _translate_shares(shares: str | None, targets: Mapping[str, str]) -> str | None:
    """Return a soft label on the other side; what has no counterpart is left out, so that the sum may be below 1."""
    summed: dict[str, float] = {}
    for name, share in json.loads(shares or "{}").items():
        if target := targets.get(name):
            summed[target] = round(summed.get(target, 0.0) + share, 6)
    return json.dumps(summed, ensure_ascii=False) if summed else None


def translate_rows(rows: Iterator[dict[str, Any]], crosswalk: Crosswalk) -> Iterator[dict[str, Any]]:
    """Yield rows of an export in terms of the other side of a crosswalk; probabilities are summed.

    A label that has no counterpart leaves its cell empty.
    """
    targets = crosswalk.targets()
    for row in rows:
        made = {key: value for key, value in row.items() if not key.startswith("proba_")}
        made["label"] = targets.get(row["label"] or "") or None
        for key, value in row.items():
            target = targets.get(key.removeprefix("proba_"), "") if key.startswith("proba_") else ""
            if target:
                column = f"proba_{target}"
                made[column] = value if made.get(column) is None else round(made[column] + (value or 0.0), 6)
        proba = {key: value for key, value in made.items() if key.startswith("proba_") and value is not None}
        made["predicted"] = max(proba, key=proba.__getitem__).removeprefix("proba_") if proba else None
        told = [
            {
                **d,
                "label": targets.get(d["label"] or "") or None,
                "other_labels": [targets[name] for name in d["other_labels"] if targets.get(name)],
            }
            for d in json.loads(row["decisions"])
        ]
        made["decisions"] = json.dumps(told, ensure_ascii=False)
        marks = [{**m, "label": targets.get(m["label"]) or None} for m in json.loads(row["rationales"])]
        made["rationales"] = json.dumps(marks, ensure_ascii=False)
        made["soft_label"] = _translate_shares(row["soft_label"], targets)
        yield made
