"""Taking a whole import back: its diaries go, its decisions are undone, and what stood before is in force again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from db.connection import write
from db.texts import batches, taking_back

if TYPE_CHECKING:
    from annotator.accounts.permissions import Person
    from db import Database


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What is undone.

    Attributes:
        file_name: of the import.
        diary_count: diaries that go. The same texts may be imported again.
        staying_count: diaries that stay, since somebody here has said something about them.
        decision_count, mark_count: decisions and marks that the import brought.
    """

    file_name: str
    diary_count: int
    staying_count: int
    decision_count: int
    mark_count: int


def preview(db: Database, batch_id: int) -> TakenBack:
    """Return what taking an import back would do; changes nothing.

    Raises:
        UserError: if there is no such import.
    """
    file_name = _file_name(db, batch_id)
    removable, undone = taking_back.list_removable(db, batch_id), taking_back.count(db, batch_id)
    staying = _kept_count(db, batch_id) - len(removable)
    return TakenBack(file_name, len(removable), staying, undone.decisions, undone.marks)


def take_back(db: Database, batch_id: int, by: Person | None) -> TakenBack:
    """Take an import back. Interrupted, it can be repeated; repeated, it changes nothing.

    Args:
        by: an administrator; None for the command line.

    Raises:
        UserError: if there is no such import, or for anybody else.
    """
    file_name = _file_name(db, batch_id)
    if by is not None:
        diary_access.require_right(db, diary_access.actor_of(by), "administrate")
    with write(db):
        removable = taking_back.list_removable(db, batch_id)
        staying = _kept_count(db, batch_id) - len(removable)
        undone = taking_back.undo(db, batch_id)
    if removable:
        forgetting.forget(db, by, Selection(tuple(removable)), refuse_later=False, leaves_pools=False)
    return TakenBack(file_name, len(removable), staying, undone.decisions, undone.marks)


def _batch(db: Database, batch_id: int) -> batches.Batch:
    batch_row = next((batch for batch in batches.list_batches(db) if batch.id == batch_id), None)
    if batch_row is None:
        raise UserError("forget_batch_unknown", id=batch_id)
    return batch_row


def _file_name(db: Database, batch_id: int) -> str:
    return _batch(db, batch_id).file_name


def _kept_count(db: Database, batch_id: int) -> int:
    return _batch(db, batch_id).kept_count
