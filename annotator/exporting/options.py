"""The choices that a person makes when exporting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotator.label_sets.crosswalks import Crosswalk


@dataclass(frozen=True, slots=True)
class Choice:
    """Which parts of a project are exported, and how.

    Attributes:
        crosswalk: write the labels of another set, those that it leads to from the ones here.
        unmasked: cover nothing, which is put on record. Only for whoever may run commands on the database.
        name_people: let the data card name the people; otherwise it only counts them.
    """

    decided_only: bool = False
    crosswalk: Crosswalk | None = None
    unmasked: bool = False
    name_people: bool = False
