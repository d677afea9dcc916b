"""Decisions and marks that come with an import: what a file says each of several people decided about its diaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from db import clock
from db.answers import rationales
from db.answers.rationales import NewRationale
from db.connection import scalar
from db.people import annotators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class NewMark:
    """Words that somebody marked.

    Attributes:
        start, end: half-open characters of the diary's text.
    """

    label_id: int
    start: int
    end: int
    verdict: Literal["right", "wrong"]


@dataclass(frozen=True, slots=True)
class NewVote:
    """What one person says about one diary in a file.

    Attributes:
        annotator: their name here, that of an annotator of kind ``importer``; None for whoever imports the file.
        kind: None if the person only marked words.
        other_label_ids: further emotions besides `label_id`.
        intensity: 1 to 5.
    """

    annotator: str | None
    kind: Literal["label", "skip", "flag"] | None
    label_id: int | None = None
    other_label_ids: tuple[int, ...] = ()
    memo: str = ""
    intensity: int | None = None
    marks: tuple[NewMark, ...] = ()


def add_votes(db: Database, diary_id: int, votes: Sequence[NewVote], *, importer_id: int, token: str) -> int:
    """Store what people say about a diary, within the caller's transaction; return how many votes were new.

    A person who has decided or marked the diary before is ignored, so a file that is imported twice changes nothing.

    Args:
        importer_id: whose vote it is when a vote names nobody.
        token: prefix of the rows' tokens, used for no other diary.
    """
    added = 0
    for place, vote in enumerate(votes):
        if vote.annotator is None:
            annotator_id = importer_id
        else:
            annotator_id = annotators.get_or_create_id(db, vote.annotator, kind="importer")
        if _has_spoken(db, diary_id, annotator_id):
            continue
        added += 1
        if vote.kind is not None:
            _add_decision(db, diary_id, vote, annotator_id, f"{token}-{place}")
        for number, mark in enumerate(vote.marks):
            rationales.add(
                db,
                NewRationale(
                    diary_id=diary_id,
                    annotator_id=annotator_id,
                    label_id=mark.label_id,
                    start=mark.start,
                    end=mark.end,
                    verdict=mark.verdict,
                    token=f"{token}-{place}-{number}",
                ),
            )
    return added


def _has_spoken(db: Database, diary_id: int, annotator_id: int) -> bool:
    sql = """
        select exists (select 1 from decisions where diary_id = :diary and annotator_id = :annotator)
            or exists (select 1 from rationales where diary_id = :diary and annotator_id = :annotator)
    """
    return bool(scalar(db, sql, diary=diary_id, annotator=annotator_id))


def _add_decision(db: Database, diary_id: int, vote: NewVote, annotator_id: int, token: str) -> None:
    added = db.conn.execute(
        """
        insert into decisions (diary_id, annotator_id, kind, label_id, memo, token, source, intensity, decided_at)
        values (?, ?, ?, ?, ?, ?, 'import', ?, ?)
        """,
        (diary_id, annotator_id, vote.kind, vote.label_id, vote.memo, token, vote.intensity, clock.now()),
    )
    others = [(added.lastrowid, label_id) for label_id in dict.fromkeys(vote.other_label_ids)]
    db.conn.executemany("insert into decision_labels (decision_id, label_id) values (?, ?)", others)
