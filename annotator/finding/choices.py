"""What filters can be set to: labels, people and sources of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.label_sets import labels
from db.review import reviews
from db.search import facets

if TYPE_CHECKING:
    from db import Database

_MOST_SOURCES = 200


def list_labels(db: Database) -> list[str]:
    """Return the names of the labels in force, in their order."""
    return [label.name for label in labels.list_labels(db)]


def list_people(db: Database) -> list[str]:
    """Return the names of everybody with a decision, oldest first."""
    return [name for _, name in reviews.list_deciders(db)]


def list_sources(db: Database) -> list[str]:
    """Return the names of sources, the newest import's first."""
    return facets.list_sources(db, limit=_MOST_SOURCES)
