"""Labels that a file brings: added to the set within the import that needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.importing.label_names import read_names
from annotator.label_sets import editing
from annotator.label_sets.editing import NewLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db import Database
    from db.answers.imported_decisions import NewVote
    from db.texts.batches import NewDiary


def add_labels(db: Database, provisional: Mapping[str, int], *, annotator_id: int, note: str) -> dict[int, int]:
    """Add labels to the set, within the caller's transaction.

    Args:
        provisional: the numbers by which diaries name the labels meanwhile, by the labels' names.

    Returns:
        The labels' ids by those numbers.

    Raises:
        UserError: if a name can't be a label's.
    """
    known = read_names(db).ids
    return {
        number: known.get(name) or editing.add(db, NewLabel(name), annotator_id=annotator_id, note=note)
        for name, number in provisional.items()
    }


def settler(ids: Mapping[int, int]) -> Callable[[NewDiary], NewDiary]:
    """Return what puts the labels' ids into a diary."""

    def settle(diary: NewDiary) -> NewDiary:
        label_id = diary.label_id
        votes = tuple(_settled(vote, ids) for vote in diary.votes)
        return diary._replace(label_id=None if label_id is None else ids.get(label_id, label_id), votes=votes)

    return settle


def _settled(vote: NewVote, ids: Mapping[int, int]) -> NewVote:
    return replace(
        vote,
        label_id=None if vote.label_id is None else ids.get(vote.label_id, vote.label_id),
        other_label_ids=tuple(ids.get(each, each) for each in vote.other_label_ids),
        marks=tuple(replace(mark, label_id=ids.get(mark.label_id, mark.label_id)) for mark in vote.marks),
    )
