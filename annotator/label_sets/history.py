"""Changes of the label set for people: in words, and which one depends on which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from annotator.messages import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annotator.messages import Language
    from db.label_sets.history import Change, Fields


def blocked_by(change: Change, changes: Sequence[Change]) -> list[Change]:
    """Return the later changes in force that depend on a change, newest first: they must be taken back before it."""
    needed = {(label_id, field) for label_id, fields in change.before.items() for field in fields}
    needed |= {(into, "retired_at") for into in _targets(change.before)}
    names_and_keys = {(f, fields[f]) for fields in change.before.values() for f in ("name", "key") if f in fields}
    return [
        later
        for later in changes
        if later.id > change.id
        and later.action != "undo"
        and later.undone_by is None
        and (needed & _touched(later) or names_and_keys & _given(later))
    ]


def _targets(fields: Fields) -> list[int]:
    return [values["merged_into"] for values in fields.values() if values.get("merged_into")]


def _touched(change: Change) -> set[tuple[int, str]]:
    """Return what a change has set, and the labels that it needs to be in force because others point to them."""
    touched = {(label_id, field) for label_id, fields in change.after.items() for field in fields}
    return touched | {(into, "retired_at") for into in _targets(change.after)}


def _given(change: Change) -> set[tuple[str, Any]]:
    return {(f, fields[f]) for fields in change.after.values() for f in ("name", "key") if f in fields}


def describe(change: Change, changes: Sequence[Change], names: Mapping[int, str], language: Language) -> str:
    """Describe in one sentence what a change did.

    Args:
        changes: the history that it stands in.
        names: of all labels, the retired ones included.
    """
    if change.action == "undo":
        undone = next(c for c in changes if c.id == change.undoes)
        return say("labels.did.undo", language, what=describe(undone, changes, names, language))
    name = _name_then(change, names)
    if change.action == "merge":
        into = names[_targets(change.after)[0]]
        return say("labels.did.merge", language, name=name, into=into)
    if change.action == "split":
        part_names = ", ".join(str(fields["name"]) for fields in change.after.values() if "name" in fields)
        stays = change.label_id not in change.after
        return say("labels.did.split_kept" if stays else "labels.did.split", language, name=name, parts=part_names)
    if change.action in ("rename", "define", "recolour") and change.label_id is None:
        return say(f"labels.did.{change.action}_many", language, count=len(change.after))
    if change.action == "rename":
        return say("labels.did.rename", language, old=name, new=change.after[change.label_id or 0]["name"])
    if change.action == "recolour" and "key" in change.after[change.label_id or 0]:
        return say("labels.did.key", language, name=name, key=change.after[change.label_id or 0]["key"].upper())
    return say(f"labels.did.{change.action}", language, name=name)


def _name_then(change: Change, names: Mapping[int, str]) -> str:
    """Return the name that a change's label had when it was made, as far as the change records it."""
    label_id = change.label_id or 0
    fields = change.before.get(label_id, {}) if change.action == "rename" else change.after.get(label_id, {})
    return str(fields.get("name", names.get(label_id, "")))
