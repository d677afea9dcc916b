"""Guidelines: instructions for a label, and for telling two labels apart. Versioned; the newest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from db.connection import write
from db.label_sets import guidelines, labels
from db.people import audit_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db import Database
    from db.label_sets.guidelines import Guideline as Guideline

MAX_CHARACTERS = 2000
"""A longer text is not read beside a diary."""

MAX_EXAMPLES = 8
MAX_EXAMPLE_CHARACTERS = 200


def of_label(db: Database, label_id: int) -> Guideline | None:
    """Return the guideline of a label beyond its definition; None if there is none."""
    return _newest(db, label_id, None)


def find_for_pair(db: Database, label_id: int, other_label_id: int) -> Guideline | None:
    """Return the guideline for telling two labels apart, in either order; None if there is none."""
    return _newest(db, *sorted((label_id, other_label_id)))


def _newest(db: Database, label_id: int, other_label_id: int | None) -> Guideline | None:
    versions = guidelines.list_versions(db, label_id, other_label_id)
    return versions[0] if versions and _says_something(versions[0]) else None


def _says_something(guideline: Guideline) -> bool:
    return bool(guideline.text or guideline.examples)


def list_versions(db: Database, label_id: int, other_label_id: int | None = None) -> list[Guideline]:
    """Return every version of the guideline of a label or a pair, newest first."""
    if other_label_id is None:
        return guidelines.list_versions(db, label_id)
    return guidelines.list_versions(db, *sorted((label_id, other_label_id)))


def list_in_force(db: Database) -> list[Guideline]:
    """Return the guidelines of the labels in force: first of single labels in their order, then of pairs."""
    place_of = {label.id: place for place, label in enumerate(labels.list_labels(db))}
    in_force = [g for g in guidelines.list_newest(db) if _says_something(g) and g.label_id in place_of]
    in_force = [g for g in in_force if g.other_label_id is None or g.other_label_id in place_of]
    return sorted(
        in_force,
        key=lambda g: (g.other_label_id is not None, place_of[g.label_id], place_of.get(g.other_label_id or 0, -1)),
    )


def write_guideline(
    db: Database,
    label_id: int,
    other_label_id: int | None,
    text: str,
    examples: Sequence[str],
    *,
    annotator_id: int,
) -> int | None:
    """Store a new version; return its id, or None if it equals the newest one.

    An empty text without examples removes the guideline; its versions stay.

    Args:
        examples: sentences that were made up or cleared for this; blank ones are ignored.

    Raises:
        UserError: if a label is not in force, or it is too long to be read beside a diary.
    """
    pair: tuple[int, ...] = (label_id,) if other_label_id is None else tuple(sorted((label_id, other_label_id)))
    sentences = [example.strip() for example in examples if example.strip()]
    _check(db, pair, text.strip(), sentences)
    first, second = pair[0], pair[1] if len(pair) > 1 else None
    with write(db):
        newest = guidelines.list_versions(db, first, second)
        if (text.strip(), sentences) == ((newest[0].text, list(newest[0].examples)) if newest else ("", [])):
            return None
        version = guidelines.add_guideline(db, first, second, text.strip(), sentences, annotator_id=annotator_id)
        audit_log.add(db, annotator_id, "label.guideline", f"label:{first}", other=second, version=version)
    return version


def _check(db: Database, pair: tuple[int, ...], text: str, examples: Sequence[str]) -> None:
    names = {label.id: label.name for label in labels.list_all_labels(db)}
    in_force = {label.id for label in labels.list_labels(db)}
    for label_id in pair:
        if label_id not in in_force:
            raise UserError("label_not_in_force", name=names.get(label_id, str(label_id)))
    if len(set(pair)) < len(pair):
        raise UserError("guideline_pair_itself", name=names[pair[0]])
    if len(text) > MAX_CHARACTERS:
        raise UserError("guideline_too_long", found=len(text), most=MAX_CHARACTERS)
    if len(examples) > MAX_EXAMPLES:
        raise UserError("guideline_too_many_examples", found=len(examples), most=MAX_EXAMPLES)
    if any(len(example) > MAX_EXAMPLE_CHARACTERS for example in examples):
        longest = max(map(len, examples))
        raise UserError("guideline_example_too_long", found=longest, most=MAX_EXAMPLE_CHARACTERS)


def as_board(db: Database) -> list[dict[str, Any]]:
    """Return the guidelines of labels and pairs as the label board shows them, ready for JSON."""
    return [
        {
            "label_ids": [i for i in (g.label_id, g.other_label_id) if i is not None],
            "text": g.text,
            "examples": list(g.examples),
        }
        for g in list_in_force(db)
    ]
