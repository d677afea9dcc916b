"""Who the people of a file are here: one person is one person, whatever the file is called."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.accounts.annotators import IMPORTER
from annotator.formats import table as tables
from annotator.formats.label_text import plain_label
from db.people import annotators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db import Database

OURS = "마음결"
"""The tool that exports from here come from, in the names of people who are not in this project."""

TABLE = "표"
"""The tool of tables that nobody knows the origin of."""

_MOST_CHARACTERS = 100


@dataclass(slots=True)
class PeopleNames:
    """Names here of people in a file.

    A person whom another tool names is somebody else than a person of this project of the same name, unless somebody
    says otherwise. An export from here names people of a project: those who are here are meant.

    Attributes:
        tool: what wrote the file, and the project there.
        chosen: names here by names in the file, where somebody has said so.
        existing: everybody here.
        counts: in how many rows each person of the file decided.
    """

    tool: str
    chosen: Mapping[str, str] = field(default_factory=dict)
    existing: frozenset[str] = frozenset()
    _known: dict[tuple[str, bool], str | None] = field(default_factory=dict)

    def find(self, person: str, *, is_ours: bool = False) -> str | None:
        """Return somebody's name here; None for whoever imports the file, if the file names nobody."""
        key = (person, is_ours)
        if key not in self._known:
            self._known[key] = self._find(person, is_ours=is_ours)
        return self._known[key]

    def _find(self, person: str, *, is_ours: bool) -> str | None:
        name = plain_label(tables.printable(person))
        if not name:
            return None
        if name in self.chosen:
            return self.chosen[name]
        short = tables.shorten(name, _MOST_CHARACTERS)
        if self.tool.startswith("Label Studio") and (handed := f"label-studio:{name.casefold()}") in self.existing:
            return handed  # known through its webhook, see `annotator.ingest.label_studio`
        return self._find_ours(short) if is_ours else f"{IMPORTER}{self.tool or TABLE} · {short}"

    def _find_ours(self, name: str) -> str:
        prefix = f"{IMPORTER}{OURS} · "
        at_home = name.removeprefix(prefix)
        known = next((each for each in (name, at_home) if each in self.existing), None)
        if known is not None:
            return known
        return name if name.startswith(IMPORTER) else prefix + name


def read_people(db: Database, tool: str, chosen: Mapping[str, str]) -> PeopleNames:
    """Return the names of people in a file of a tool."""
    existing = frozenset(name for _, name in annotators.list_annotators(db))
    plain = {plain_label(there): unicodedata.normalize("NFC", here).strip() for there, here in chosen.items()}
    return PeopleNames(tool, plain, existing)
