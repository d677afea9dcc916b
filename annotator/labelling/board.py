"""Labelling: hand out diaries, store what people decide about them, take it back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.labelling import rationales
from annotator.labelling.board_items import BoardContext, item_of, load_context
from annotator.labelling.decisions import list_recent
from annotator.labelling.pace import find_pace
from annotator.labelling.waiting import wait_for
from annotator.privacy import care
from annotator.training.rounds import learned_up_to
from db.answers import decisions, queue, repeats
from db.answers.repeats import Repeat
from db.models import models
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.diary_access import Actor
    from annotator.labelling.pace import Pace
    from annotator.labelling.waiting import Wait
    from annotator.messages import Language
    from annotator.settings import Settings
    from db import Database
    from db.answers.queue import Lease

LOOKAHEAD = 6
"""Diaries a browser tab holds: the one on screen and those that follow it without waiting."""

_MOST_HELD = 10 * LOOKAHEAD
"""Diaries one person holds in all tabs together: whoever names ever new tabs does not get to read everything."""

_RECENT = 8


def keep_alive(db: Database, *, annotator_id: int, holder: str) -> None:
    """Extend the leases of a person's tab that is still open."""
    queue.renew(db, annotator_id=annotator_id, holder=holder, seconds=project_settings.LEASE_SECONDS)


def storage_scope(db: Database, name: str) -> str:
    """Return a name for one person's work in one project, under which a browser keeps its unsent events."""
    seed = project_settings.load(db).seed
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Board:
    """What one browser tab shows.

    Attributes:
        items: the diary on screen and those that follow it, ready for JSON.
        diary_count: diaries in the project.
        left: diaries this person could still be asked for.
        mine: labels this person has given.
        since_round: labels that the serving model has not seen.
        recent: this person's newest decisions, newest first.
        model_id: the serving model.
        wait: what the first diary still waits for; None if nothing is missing.
        pace: how fast the person reads in this sitting; None before ten diaries of it.
    """

    items: list[dict[str, Any]]
    diary_count: int
    left: int
    mine: int
    since_round: int
    recent: list[dict[str, Any]]
    model_id: int | None
    wait: Wait | None
    pace: Pace | None


def load_board(
    db: Database,
    *,
    annotator_id: int,
    holder: str,
    language: Language,
    shown_model_id: int | None = None,
    lookahead: int = LOOKAHEAD,
    sees_flagged: bool = True,
    with_repeats: bool = True,
    by: Actor | None = None,
) -> Board:
    """Return what a tab shows, handing out diaries as needed.

    Args:
        shown_model_id: the model that served when the tab was last drawn. When another one serves now, the
            diaries that the tab holds but does not show are exchanged for those the new model asks for.
        lookahead: how many diaries the holder gets when it runs low.
        sees_flagged: whether diaries that the lead looks after are handed out, too, to those who may see them; see
            `annotator.privacy.care`.
        with_repeats: whether some diaries may be ones that the person has decided before.
        by: who looks; None for the annotator, at the app.

    Raises:
        UserError: ``right_missing`` for somebody whose account is closed.
    """
    actor = by or diary_access.person(annotator_id, holder=holder)
    diary_access.require_right(db, actor, "label")
    settings = project_settings.load(db)
    sees_flagged = sees_flagged and diary_access.has_right(db, actor, "review")
    rules = rules_of(settings, sees_flagged=sees_flagged, with_repeats=with_repeats)
    active = models.find_active(db)
    leases = _visible_leases(db, actor)
    if active is not None and shown_model_id not in (None, active.id) and leases:
        queue.release(db, annotator_id=annotator_id, holder=holder, keep=[leases[0].diary_id])
        leases = leases[:1]
    if len(leases) <= lookahead // 2:
        leases = queue.claim(
            db,
            annotator_id=annotator_id,
            holder=holder,
            limit=lookahead - len(leases),
            seconds=project_settings.LEASE_SECONDS,
            rules=rules,
        )
    phrases = care.load_list(db)
    scene = load_context(db, settings, active, language)
    items = [item_of(db, lease, scene) for lease in leases]
    for lease, item in zip(leases, items, strict=True):
        item["care"] = care.needs_care(db, lease.diary_id, item["text"], phrases)
        marks = [] if lease.is_repeat else rationales.list_for_diary(db, item["diary_id"], annotator_id=annotator_id)
        item["rationales"] = marks
    if items and not leases[0].is_repeat:
        items[0]["previous"] = _previous(db, leases[0].diary_id, annotator_id)
    counted = queue.tally_of(db, rules)
    return Board(
        items=items,
        diary_count=diaries.count_diaries(db),
        left=queue.count_open(db, annotator_id, rules),
        mine=counted.labels_of[annotator_id] + repeats.count_labels(db, annotator_id),
        since_round=counted.labels_since(learned_up_to(db, active)),
        recent=_recent(db, annotator_id),
        model_id=None if active is None else active.id,
        wait=_wait(db, items, scene),
        pace=find_pace(db, annotator_id, now=datetime.now(UTC)),
    )


def _wait(db: Database, items: Sequence[dict[str, Any]], scene: BoardContext) -> Wait | None:
    if not items or items[0]["blind"] or (items[0]["prediction"] and items[0]["explanation"]):
        return None
    model_id = None if scene.model is None else scene.model.id
    return wait_for(db, items[0]["diary_id"], model_id=model_id, unit=scene.settings.unit)


def _visible_leases(db: Database, actor: Actor) -> list[Lease]:
    """Return the leases of a tab, and give back those whose diaries its person may no longer see."""
    leases = queue.list_leases(db, annotator_id=actor.annotator_id, holder=actor.holder)
    visible = diary_access.allowed(db, actor, "see", [lease.diary_id for lease in leases])
    if len(visible) < len(leases):
        queue.release(db, annotator_id=actor.annotator_id, holder=actor.holder, keep=visible)
    return [lease for lease in leases if lease.diary_id in visible]


def rules_of(settings: Settings, *, sees_flagged: bool = True, with_repeats: bool = True) -> queue.Rules:
    """Return the rules by which a project hands out its diaries."""
    return queue.Rules(
        overlap=settings.overlap,
        overlap_share=settings.overlap_share,
        repeat_share=settings.repeat_share if with_repeats else 0.0,
        gold_share=settings.gold_share,
        searched_share=settings.searched_share,
        sees_flagged=sees_flagged,
        most_held=_MOST_HELD,
    )


def _recent(db: Database, annotator_id: int) -> list[dict[str, Any]]:
    """Return a person's newest answers, ready for JSON."""
    return [
        {
            "token": answer.token,
            "diary_id": answer.diary_id,
            "kind": answer.kind,
            "label_id": answer.label_id,
            "other_label_ids": () if isinstance(answer, Repeat) else answer.other_label_ids,
            "intensity": None if isinstance(answer, Repeat) else answer.intensity,
        }
        for answer in list_recent(db, annotator_id, limit=_RECENT)
    ]


def _previous(db: Database, diary_id: int, annotator_id: int) -> dict[str, Any] | None:
    undone = decisions.find_undone(db, diary_id, annotator_id)
    if undone is None:
        return None
    return {
        "kind": undone.kind,
        "label_id": undone.label_id,
        "memo": undone.memo,
        "other_label_ids": list(undone.other_label_ids),
        "intensity": undone.intensity,
    }
