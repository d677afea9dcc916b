"""The label set as it grows: add, change, merge, split, retire, take back. No decision is ever lost or rewritten.

A decision keeps the label that was pressed. What it counts for follows from `merged_into` (see the triggers of
`db.migrations`), so that a merge is taken back by forgetting where its label points.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats.label_text import plain_label
from annotator.label_sets import definitions
from annotator.label_sets import history as label_changes
from db import clock
from db.connection import write
from db.label_sets import history, labels
from db.people import audit_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db import Database
    from db.label_sets.history import Action, Fields
    from db.label_sets.history import Change as Change
    from db.label_sets.labels import Label as Label

_EDITS: tuple[tuple[Action, tuple[str, ...]], ...] = (
    ("rename", ("name",)),
    ("define", ("definition",)),
    ("recolour", ("colour", "key")),
)


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label to be added. Without a colour or key, a free one is chosen."""

    name: str
    definition: str = ""
    colour: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a change of one label affects: decisions in force that count for it, their diaries and people."""

    decisions: int
    diaries: int
    people: int


def reach(db: Database, label_id: int) -> Reach:
    """Return what merging, splitting or retiring a label would affect."""
    return Reach(*history.count_reach(db, label_id))


def label_named(db: Database, name: str) -> Label:
    """Return the label in force of a name.

    Raises:
        UserError: if there is none.
    """
    plain_name, label_set = plain(name), labels.list_labels(db)
    for label in label_set:
        if label.name == plain_name:
            return label
    raise UserError("label_unknown", found=name, known=", ".join(label.name for label in label_set))


def plain(name: str) -> str:
    """Return the form in which label names are kept and compared."""
    return plain_label(name)


def add(db: Database, new: NewLabel, *, annotator_id: int, note: str = "") -> int:
    """Add a label at the end of the set, or bring back a retired one of that name; return its id.

    Raises:
        UserError: if the name, colour or key can't be used.
    """
    with write(db):
        before, after = _make(db, [new], merge_into=None)
        label_id = next(iter(after))
        _keep(db, "add", label_id, before, after, annotator_id=annotator_id, note=note)
    return label_id


def edit(db: Database, changes: Mapping[int, Mapping[str, str]], *, annotator_id: int, note: str = "") -> list[int]:
    """Change names, definitions, colours and keys, all or none; return the ids of the recorded changes.

    Args:
        changes: values by label id and field; unchanged values are ignored.

    Raises:
        UserError: if the label set could not be used then, or a label is not in force any more.
    """
    change_ids = []
    with write(db):
        for action, fields in _EDITS:
            now = {label_id: _in_force(db, label_id) for label_id in changes}
            after = {
                label_id: {f: _clean(label_id, f, values[f]) for f in fields if f in values}
                for label_id, values in changes.items()
            }
            after = {
                i: {f: value for f, value in values.items() if value != getattr(now[i], f)}
                for i, values in after.items()
            }
            after = {label_id: values for label_id, values in after.items() if values}
            if after:
                before = {i: {f: getattr(now[i], f) for f in values} for i, values in after.items()}
                about = next(iter(after)) if len(after) == 1 else None
                change_ids.append(_keep(db, action, about, before, after, annotator_id=annotator_id, note=note))
    return change_ids


def _clean(label_id: int, field: str, value: str) -> str:
    if field != "key":
        return plain(value)
    return value.strip().lower() or definitions.no_key(label_id)


def reorder(db: Database, label_ids: Sequence[int], *, annotator_id: int, note: str = "") -> int | None:
    """Put the labels in force in another order; return the change, or None if it is the same.

    Raises:
        UserError: if these are not exactly the labels in force.
    """
    with write(db):
        now = labels.list_labels(db)
        if sorted(label_ids) != sorted(label.id for label in now):
            raise UserError("label_order_incomplete", count=len(now), found=len(label_ids))
        place = dict(zip(label_ids, [label.position for label in now], strict=True))
        moved = [label for label in now if place[label.id] != label.position]
        if not moved:
            return None
        before: Fields = {label.id: {"position": label.position} for label in moved}
        after: Fields = {label.id: {"position": place[label.id]} for label in moved}
        return _keep(db, "order", None, before, after, annotator_id=annotator_id, note=note)


def merge(db: Database, label_id: int, target_id: int, *, annotator_id: int, note: str = "") -> int:
    """Count the decisions of a label for another one and retire it; return the change.

    Raises:
        UserError: if either is not in force, they are the same, or fewer than two labels would be left.
    """
    with write(db):
        label, target = _in_force(db, label_id), _in_force(db, target_id)
        if label.id == target.id:
            raise UserError("label_merge_itself", name=label.name)
        followers = [i for i, into in labels.list_merged(db).items() if into == label.id]
        before: Fields = {label.id: _placed(label), **{i: {"merged_into": label.id} for i in followers}}
        after: Fields = {label.id: _retired(label.id, target.id), **{i: {"merged_into": target.id} for i in followers}}
        return _keep(db, "merge", label.id, before, after, annotator_id=annotator_id, note=note)


def split(
    db: Database,
    label_id: int,
    parts: Sequence[NewLabel],
    *,
    keep: bool,
    annotator_id: int,
    note: str = "",
) -> int:
    """Add the labels that a label is split into, and have its older decisions checked again; return the change.

    Args:
        keep: whether the old label stays one of them.

    Raises:
        UserError: for too few parts, or names that can't be used.
    """
    with write(db):
        label = _in_force(db, label_id)
        least = 1 if keep else 2
        if len(parts) < least:
            raise UserError("label_split_too_few", name=label.name, least=least, found=len(parts))
        before, after = _make(db, parts, merge_into=label.id)
        if not keep:
            before[label.id], after[label.id] = _placed(label), _retired(label.id, None)
        return _keep(db, "split", label.id, before, after, annotator_id=annotator_id, note=note)


def retire(db: Database, label_id: int, *, annotator_id: int, note: str = "") -> int:
    """Take a label out of the set; its decisions wait to be looked at again. Return the change.

    Raises:
        UserError: if it is not in force, or fewer than two labels would be left.
    """
    with write(db):
        label = _in_force(db, label_id)
        before: Fields = {label.id: _placed(label)}
        after: Fields = {label.id: _retired(label.id, None)}
        return _keep(db, "retire", label.id, before, after, annotator_id=annotator_id, note=note)


def undo(db: Database, change_id: int, *, annotator_id: int, note: str = "") -> int:
    """Take a change back, however long ago it was; return the change that does so.

    A label that the change had added is retired; one that a split had added counts for what was split.

    Raises:
        UserError: if it has been taken back already, or a later change rests on it.
        NotFoundError: if there is no such change.
    """
    with write(db):
        change = history.get_change(db, change_id)
        if change.action == "undo" or change.undone_by is not None:
            raise UserError("label_change_undone", id=change_id)
        if blocking := label_changes.blocked_by(change, history.list_changes(db)):
            raise UserError("label_change_blocked", id=change_id, first=blocking[0].id, count=len(blocking))
        now = {label.id: label for label in labels.list_all_labels(db)}
        before: Fields = {i: {f: getattr(now[i], f) for f in fields} for i, fields in change.before.items()}
        return _keep(
            db,
            "undo",
            change.label_id,
            before,
            change.before,
            annotator_id=annotator_id,
            note=note,
            undoes=change_id,
        )


def list_labels(db: Database) -> list[Label]:
    """Return the labels in force, in their order."""
    return labels.list_labels(db)


def names_of_all(db: Database) -> dict[int, str]:
    """Return the name of every label by id, including labels that are not in force."""
    return {label.id: label.name for label in labels.list_all_labels(db)}


def list_changes(db: Database) -> list[Change]:
    """Return the history of the label set, newest first."""
    return history.list_changes(db)


def _in_force(db: Database, label_id: int) -> Label:
    for label in labels.list_labels(db):
        if label.id == label_id:
            return label
    name = next((label.name for label in labels.list_all_labels(db) if label.id == label_id), str(label_id))
    raise UserError("label_not_in_force", name=name)


def _placed(label: Label) -> dict[str, Any]:
    return {"key": label.key, "retired_at": label.retired_at, "merged_into": label.merged_into}


def _retired(label_id: int, into: int | None) -> dict[str, Any]:
    # The key is free for others; names stay, so that histories and exports remain readable.
    return {"key": f"-{label_id}", "retired_at": clock.now(), "merged_into": into}


def _make(db: Database, parts: Sequence[NewLabel], *, merge_into: int | None) -> tuple[Fields, Fields]:
    """Put new labels into the table; return the values before and after that make this a change.

    Args:
        merge_into: the label that they count for when the change is taken back; None for none.
    """
    everyone = labels.list_all_labels(db)
    in_force = [label for label in everyone if label.retired_at is None]
    new_labels = definitions.complete_labels(_entries(parts, in_force), beside=in_force)
    definitions.check_labels([*in_force, *new_labels], changed=())
    # Checked before they are stored: a set that is read back is checked, too, as if it came from elsewhere.
    for label in new_labels:
        definitions.check_label(label)
    retired = {label.name: label for label in everyone if label.retired_at is not None}
    next_id, next_position = (1 + max(getattr(label, f) for label in everyone) for f in ("id", "position"))
    before: Fields = {}
    after: Fields = {}
    for place, label in enumerate(new_labels):
        old = retired.get(label.name)
        if old is None:
            new = replace(label, id=next_id + place, position=next_position + place)
            if label.key.startswith("-"):
                new = replace(new, key=definitions.no_key(new.id))
            labels.store_labels(db, [replace(new, key=f"-{new.id}")])
            # Once taken back, it never existed: its name is free again.
            before[new.id] = {**_retired(new.id, merge_into), "name": f"{new.name} #{new.id}"}
        elif old.merged_into is not None or merge_into is not None:
            raise UserError("label_name_retired", name=label.name)
        else:
            definition = label.definition or old.definition
            new = replace(label, id=old.id, position=next_position + place, definition=definition)
            before[new.id] = {field: getattr(old, field) for field in labels.FIELDS}
        after[new.id] = {field: getattr(new, field) for field in labels.FIELDS}
    return before, after


def _entries(parts: Sequence[NewLabel], in_force: Sequence[Label]) -> list[dict[str, str]]:
    """Return new labels as in a label file, with unused colours as far as there are any."""
    used = {label.colour for label in in_force}
    free = [colour for colour in definitions.COLOURS if colour not in used] or list(definitions.COLOURS)
    colours = [part.colour or free[i % len(free)] for i, part in enumerate(parts)]
    return [{**asdict(part), "colour": colour} for part, colour in zip(parts, colours, strict=True)]


def _keep(
    db: Database,
    action: Action,
    label_id: int | None,
    before: Fields,
    after: Fields,
    *,
    annotator_id: int,
    note: str,
    undoes: int | None = None,
) -> int:
    """Apply a change, check the resulting label set, and record it in history and audit log."""
    renamed = {fields["name"] for fields in after.values() if "name" in fields}
    for label in labels.list_all_labels(db):
        if label.retired_at is not None and label.id not in after and label.name in renamed:
            raise UserError("label_name_retired", name=label.name)
    definitions.check_labels(_after(db, after), changed=set(after))
    labels.change_labels(db, after)
    change_id = history.add_change(
        db, action, label_id, before, after, annotator_id=annotator_id, note=note.strip(), undoes=undoes
    )
    subject = "" if label_id is None else f"label:{label_id}"
    audit_log.add(db, annotator_id, f"label.{action}", subject, change=change_id, undoes=undoes)
    return change_id


def _after(db: Database, changes: Fields) -> list[Label]:
    """Return the labels that would be in force after a change."""
    changed = [replace(label, **changes.get(label.id, {})) for label in labels.list_all_labels(db)]
    return [label for label in changed if label.retired_at is None]
