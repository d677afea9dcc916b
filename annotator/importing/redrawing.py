"""Drawing the parts of a project anew: for projects whose diaries came in before they could be split by writers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from annotator import settings as project_settings
from annotator.errors import UserError
from annotator.importing import parts
from db.answers import decisions
from db.connection import write
from db.models import facts, models, rounds
from db.people import audit_log
from db.texts import diaries

if TYPE_CHECKING:
    from db import Database
    from db.texts.diaries import Part


@dataclass(frozen=True, slots=True)
class Redraw:
    """What drawing the parts anew does.

    Attributes:
        by: what will be drawn: writers, or texts where there are too few of them.
        writer_count: writers of the project.
        moved_count, moved_decided_count: diaries that change their part, and those of them that have a decision.
        test_count, test_decided_count: diaries of the test part afterwards.
        swayed_count: of the latter with a decision, those that were decided with a prediction in view.
    """

    by: Literal["writers", "texts"]
    writer_count: int
    diary_count: int
    moved_count: int
    moved_decided_count: int
    test_count: int
    test_decided_count: int
    swayed_count: int


def is_offered(db: Database) -> bool:
    """Return whether people should be told that the project could be split by writers and is not."""
    if project_settings.load(db).writer_cut or facts.is_parts_notice_closed(db):
        return False
    return _new_cut(db, _count_by_writer(db)) > 0


def close_offer(db: Database) -> None:
    """Tell people no more that the project could be split by writers."""
    facts.close_parts_notice(db)


def preview(db: Database) -> Redraw:
    """Return what drawing anew would do; writes nothing."""
    return _draw(db)[0]


def redraw(db: Database) -> Redraw:
    """Draw the parts of all diaries anew, by writers if there are enough; every decision stays.

    Raises:
        UserError: ``round_open`` while a round is waiting or running.
    """
    with write(db):
        if rounds.find_open(db) is not None:
            raise UserError("round_open")
        outcome, cut, placed = _draw(db)
        diaries.place(db, placed)
        project_settings.change(db, writer_cut=cut)
        audit_log.add(db, None, "parts.draw", by=outcome.by, moved=outcome.moved_count)
        facts.close_parts_notice(db)
        facts.store_parts_drawn(db, decisions.last_decision_id(db))
        if (active := models.find_active(db)) is not None:
            facts.mark_partly_ranked(db, active.id)  # the worker makes the queue anew
    return outcome


def _count_by_writer(db: Database) -> Counter[str]:
    counts = Counter[str]()
    for author, count in diaries.count_by_author(db):
        if writer := parts.writer_of(author):
            counts[writer] += count
    return counts


def _new_cut(db: Database, counts: Counter[str]) -> int:
    settings = project_settings.load(db)
    return parts.choose_cut(counts, seed=bytes.fromhex(settings.seed), test_share=settings.test_share)


def _draw(db: Database) -> tuple[Redraw, int, list[tuple[int, Part, int]]]:
    """Return what changes, the new cut, and id, part and draw of every diary."""
    settings, counts = project_settings.load(db), _count_by_writer(db)
    cut = _new_cut(db, counts)
    split = parts.Split(bytes.fromhex(settings.seed), settings.test_share, cut)
    decided, swayed = set(decisions.list_decided_ids(db).tolist()), decisions.list_swayed_ids(db)
    placed: list[tuple[int, Part, int]] = []
    tally = Counter[str]()
    for diary_id, text, author, before in diaries.read_for_drawing(db):
        draw = parts.draw_of_text(text, seed=split.seed)
        part = split.part_of(author, draw)
        placed.append((diary_id, part, draw))
        tally["moved"] += part != before
        tally["moved_decided"] += part != before and diary_id in decided
        tally["test"] += part == "test"
        tally["test_decided"] += part == "test" and diary_id in decided
        tally["swayed"] += part == "test" and diary_id in swayed
    return (
        Redraw(
            by="writers" if cut else "texts",
            writer_count=len(counts),
            diary_count=len(placed),
            moved_count=tally["moved"],
            moved_decided_count=tally["moved_decided"],
            test_count=tally["test"],
            test_decided_count=tally["test_decided"],
            swayed_count=tally["swayed"],
        ),
        cut,
        placed,
    )
