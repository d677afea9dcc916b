"""Which labels here the words of a file stand for."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.formats.label_text import NOTHING, SEPARATORS, bare_label, plain_figure, plain_label, read_list
from db.label_sets import history, labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db import Database


@dataclass(frozen=True, slots=True)
class LabelNames:
    """The names by which labels are known.

    Attributes:
        ids: by plain name; None for a name that is known and has no label here.
        former: names that labels had before, with the names that they have now.
    """

    ids: Mapping[str, int | None]
    former: Mapping[str, str] = field(default_factory=dict)


def read_names(db: Database) -> LabelNames:
    """Return the names of all labels that can be given, former ones and those of merged labels among them."""
    label_of = {label.id: label for label in labels.list_all_labels(db)}
    in_force = [label for label in label_of.values() if label_of[label.merged_into or label.id].retired_at is None]
    ids = {plain_label(label.name): label.id for label in in_force}
    former = {
        plain_label(label.name): label_of[label.merged_into].name for label in in_force if label.merged_into is not None
    }
    for change in history.list_changes(db):
        for label_id, fields in change.before.items() if change.action == "rename" else ():
            name = plain_label(str(fields.get("name", "")))
            label = label_of.get(label_id)
            if name and name not in ids and label is not None and label in in_force:
                ids[name] = label_id
                former[name] = label_of[label.merged_into or label_id].name
    return LabelNames(ids, former)


@dataclass(frozen=True, slots=True)
class Understood:
    """What one cell says.

    Attributes:
        ids: of the labels that it names, in its order.
        unknown: names that no label has.
        former: names of labels that are called otherwise now.
        is_trimmed: whether something around a label, or unseen in it, is not part of it.
        several: whether it names more than one label.
    """

    ids: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    is_trimmed: bool = False
    several: bool = False


_NOTHING = Understood()


@dataclass(slots=True)
class LabelReader:
    """Understands cells; the same words are read once.

    Attributes:
        separator: what stands between several labels of a cell; None finds it out.
        adds: names that no label has become labels.
        unknown: names that no label has, with how often they occur.
        unknown_count: how often all of them occur; summing `unknown` up for each row would take as long as both
            together are large.
        added: names that become labels, with the numbers below zero that stand for them until the set has them.
    """

    names: LabelNames
    separator: str | None = None
    adds: bool = False
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_count: int = 0
    added: dict[str, int] = field(default_factory=dict)
    _known: dict[str, Understood] = field(default_factory=dict)
    _figures: dict[str, str] = field(init=False)
    _folded: dict[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        """Note the labels that are figures, and those that differ from no other but in case."""
        self._folded = {}
        for name in self.names.ids:
            self._folded[name.casefold()] = None if name.casefold() in self._folded else name
        self._figures = {figure: name for name in self.names.ids if (figure := plain_figure(name)) is not None}

    def read(self, cell: str) -> Understood:
        """Return what a cell says, and count the names in it that are unknown."""
        understood = self._known.get(cell)
        if understood is None:
            understood = self._known[cell] = self._understand(self._split(cell), cell, adds=self.adds)
        self._count(understood)
        return understood

    def read_all(self, names: Sequence[str]) -> Understood:
        """Return what several names say, each of which is one label."""
        understood = self._understand(list(names), "", adds=self.adds)
        self._count(understood)
        return understood

    def _count(self, understood: Understood) -> None:
        if understood.unknown:
            self.unknown.update(understood.unknown)
            self.unknown_count += len(understood.unknown)

    def knows(self, cell: str) -> bool:
        """Return whether a cell names nothing but labels."""
        understood = self._understand(self._split(cell), cell)
        return bool(understood.ids) and not understood.unknown

    def _split(self, cell: str) -> list[str]:
        if not cell or self._resolve(cell) is not None:
            return [cell]
        listed = read_list(cell)
        if listed is not None:
            return listed
        if self.separator is not None:
            return cell.split(self.separator)
        for separator in SEPARATORS:
            parts = cell.split(separator)
            if len(parts) > 1 and all(not plain_label(part) or self._resolve(part) is not None for part in parts):
                return parts
        return [cell]

    def _resolve(self, written: str) -> str | None:
        """Return the name under which a label is known; None if it isn't."""
        name = plain_label(written)
        if name in self.names.ids:
            return name
        figure = plain_figure(name) if self._figures else None
        if figure is not None:
            return self._figures.get(figure)
        return self._folded.get(name.casefold()) or self._folded.get(bare_label(written).casefold())

    def _understand(self, parts: list[str], cell: str, *, adds: bool = False) -> Understood:
        ids: dict[int, None] = {}
        unknown, former = [], []
        for part in parts:
            name = self._resolve(part)
            if name is None:
                plain = plain_label(part)
                if plain.casefold() in NOTHING:
                    continue
                if plain and adds:
                    ids[self.added.setdefault(plain, -1 - len(self.added))] = None
                elif plain:
                    unknown.append(plain)
                continue
            if name in self.names.former:
                former.append(name)
            if (label_id := self.names.ids[name]) is not None:
                ids[label_id] = None
        is_trimmed = parts == [cell] and bool(ids) and unicodedata.normalize("NFC", cell) not in self.names.ids
        return Understood(tuple(ids), tuple(unknown), tuple(former), is_trimmed, several=len(ids) > 1)
