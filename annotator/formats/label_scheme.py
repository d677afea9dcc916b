"""The labels of a project as writers of file formats need them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Scheme:
    """The label set of an export.

    Attributes:
        names: of the labels in force, in their order.
        colours: ``#rrggbb`` of each.
        several: whether a decision may name more than one label.
        intensity: whether a decision may say how strong the emotion is.
        people: everybody with a decision in force, by name.
        words: label by confirmed word of the word-emotion dictionary; None for words without emotion.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]
    several: bool = False
    intensity: bool = False
    words: Mapping[str, str | None] = field(default_factory=dict)
    people: tuple[str, ...] = ()
