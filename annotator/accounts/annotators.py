"""The people who decide, by name, each with their own id."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from db.people import annotators

if TYPE_CHECKING:
    from db import Database

MAX_NAME_CHARACTERS = 40

IMPORTER = "가져오기:"
"""Begins the name under which the labels of a file are kept; nobody else may have such a name."""


def plain_name(name: str) -> str:
    """Return the form in which names are kept: NFC, inner white space single, up to 40 characters."""
    return " ".join(unicodedata.normalize("NFC", name).split())[:MAX_NAME_CHARACTERS].strip()


def get_or_create(db: Database, name: str) -> int:
    """Return the id of the person of that name, who is added if new."""
    return annotators.get_or_create_id(db, plain_name(name))


def list_people(db: Database) -> list[str]:
    """Return the names of people without importers; whoever decided last comes first."""
    return annotators.list_people(db)
