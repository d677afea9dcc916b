"""One press that gives a label to many diaries, and taking it back. See docs/finding.md."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.label_sets import projection
from db.answers import decisions, groups
from db.answers.decisions import NewDecision
from db.connection import write
from db.label_sets import labels
from db.models import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.label_sets.projection import LabelProjection
    from annotator.settings import Settings
    from db import Database
    from db.answers.groups import Act as Act
    from db.answers.groups import Kind as Kind
    from db.models.models import Model

MOST = 200
"""Diaries of one press: about as many cards as somebody can look through before they forget the first ones."""

CHECKED_FROM = 5
"""Diaries of a press from which at least one is held out, if the settings hold out any."""

KINDS: tuple[Kind, ...] = ("copies", "similar", "chosen")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a press.

    Attributes:
        labelled_count: diaries that got the label.
        held_count: diaries that are asked about singly and blind later.
        gone_count: diaries that were ticked and are not open any more: decided, or before somebody else now.
    """

    token: str
    label_id: int
    labelled_count: int
    held_count: int
    gone_count: int


def receive(db: Database, raw: Any, actor: Actor) -> Outcome:
    """Keep a press as a browser sent it.

    Args:
        raw: ``ids``, ``label_id``, ``token``, ``kind`` and ``shown``, unchecked.

    Raises:
        UserError: ``event_broken`` if it isn't one; or as `label` does.
    """
    try:
        ids, label_id, shown = [_whole(i) for i in raw["ids"]], _whole(raw["label_id"]), _whole(raw["shown"])
        token, kind = str(raw["token"]), raw["kind"]
    except (TypeError, KeyError, ValueError) as error:
        raise UserError("event_broken") from error
    return label(db, actor, ids, label_id, token=token, kind=kind, shown_count=min(shown, MOST))


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**53:
        raise ValueError
    return value


def label(
    db: Database,
    actor: Actor,
    diary_ids: Sequence[int],
    label_id: int,
    *,
    token: str,
    kind: Kind,
    shown_count: int | None = None,
) -> Outcome:
    """Give a label to all of some diaries, in one transaction, but for a share that is held out.

    Those that are not open any more are left out. A press that comes again under its token changes nothing.

    Args:
        diary_ids: what was ticked, at most `MOST`.
        token: of the grid; a press on it counts once.
        shown_count: cards that were on the grid; as many as were ticked by default.

    Raises:
        UserError: ``group_empty`` or ``group_large``; ``group_gone`` if none of them is open any more;
            ``label_unknown`` or ``label_not_in_force``; or as `diary_access.require` does for one that this person
            may not see or decide.
        NotFoundError: for a diary that is not there, to those whom every diary is open to.
    """
    ids = list(dict.fromkeys(diary_ids))
    _check(ids, token, kind)
    with write(db):
        if (before := groups.find_act(db, token)) is not None:
            return _repeated(before, actor, ids)
        label_id = _label_in_force(db, label_id)
        _require(db, actor, ids)
        settings = project_settings.load(db)
        open_ids = list_open(db, actor, ids, settings)
        if not open_ids:
            raise UserError("group_gone", count=len(ids))
        held_ids = draw_held(settings, token, open_ids)
        act = groups.NewAct(token, actor.annotator_id, label_id, kind, max(shown_count or 0, len(ids)))
        act_id = groups.add_act(db, act)
        assert act_id is not None, "looked for above, in the same transaction"
        decision_of = _decide(db, actor, token, label_id, [i for i in open_ids if i not in held_ids])
        groups.add_members(db, act_id, decision_of, held_ids)
    return Outcome(token, label_id, len(decision_of), len(held_ids), len(ids) - len(open_ids))


def _check(ids: Sequence[int], token: str, kind: str) -> None:
    if not groups.GROUP_KEY.fullmatch(token) or kind not in KINDS:
        raise UserError("event_broken")
    if not ids:
        raise UserError("group_empty")
    if len(ids) > MOST:
        raise UserError("group_large", count=len(ids), most=MOST)


def _require(db: Database, actor: Actor, diary_ids: Sequence[int]) -> None:
    """Raise unless somebody may both see and decide each of some diaries, as for the first that they may not."""
    allowed = diary_access.allowed(db, actor, "see", diary_ids) & diary_access.allowed(db, actor, "decide", diary_ids)
    for diary_id in diary_ids:
        if diary_id not in allowed:
            diary_access.require(db, actor, "see", diary_id)
            diary_access.require(db, actor, "decide", diary_id)


def _repeated(act: Act, actor: Actor, ids: Sequence[int]) -> Outcome:
    """Return what a press did that has come before."""
    if act.annotator_id != actor.annotator_id:
        raise UserError("event_broken")
    gone = max(0, len(ids) - act.labelled_count - act.held_count)
    return Outcome(act.token, act.label_id, act.labelled_count, act.held_count, gone)


def _label_in_force(db: Database, label_id: int) -> int:
    """Return a label, or what it was merged into since the grid was drawn."""
    of_id = {each.id: each for each in labels.list_all_labels(db)}
    given = of_id.get(label_id)
    if given is None:
        in_force = ", ".join(each.name for each in labels.list_labels(db))
        raise UserError("label_unknown", found=str(label_id), known=in_force)
    if given.merged_into is not None:
        return given.merged_into
    if given.retired_at:
        raise UserError("label_not_in_force", name=given.name)
    return label_id


def list_open(db: Database, actor: Actor, diary_ids: Sequence[int], settings: Settings) -> list[int]:
    """Return those of some diaries that a press may take now, in their order.

    Not those that somebody has decided or holds now, that are withheld, gold, held out already, of the test part,
    drawn uniformly, or decided blind: a press on many may not change what those measure.
    """
    open_ids = groups.list_open(db, diary_ids, actor.annotator_id)
    return [i for i in open_ids if blinding.blind_draw(settings.seed, i) >= settings.blind_share]


def draw_held(settings: Settings, token: str, diary_ids: Sequence[int]) -> list[int]:
    """Return the diaries of a press that are held out: a share, and at least one of `CHECKED_FROM` or more.

    They are drawn from what was ticked, so that what is said of them later holds for all that was ticked.
    """
    share, count = settings.group_check_share, len(diary_ids)
    held = 0 if share <= 0 else max(round(share * count), int(count >= CHECKED_FROM))
    return sorted(diary_ids, key=lambda diary_id: _draw(settings.seed, token, diary_id))[: min(held, count - 1)]


def _draw(seed: str, token: str, diary_id: int) -> bytes:
    return hashlib.blake2b(f"group/{seed}/{token}/{diary_id}".encode(), digest_size=8).digest()


def _decide(db: Database, actor: Actor, token: str, label_id: int, diary_ids: Sequence[int]) -> dict[int, int]:
    """Make a decision on each diary, noted with the model's answer, which the grid showed."""
    active = models.find_active(db)
    columns = None if active is None else projection.current_projection(db, active)
    decision_of = {}
    for diary_id in diary_ids:
        new = _decision(db, actor, groups.token_of(token, diary_id), label_id, diary_id, active, columns)
        decision_id = decisions.add(db, new)
        assert decision_id is not None, "its token holds that of the press, which is new"
        decision_of[diary_id] = decision_id
    return decision_of


def _decision(
    db: Database,
    actor: Actor,
    token: str,
    label_id: int,
    diary_id: int,
    active: Model | None,
    columns: LabelProjection | None,
) -> NewDecision:
    proba: NDArray[np.float32] | None = None
    if active is not None and columns is not None:
        proba = projection.find_proba(db, active, diary_id, columns)
    said = None if proba is None or columns is None else columns.label_ids[int(proba.argmax())]
    return NewDecision(
        diary_id,
        actor.annotator_id,
        "label",
        token,
        label_id,
        model_id=None if said is None or active is None else active.id,
        shown_label_id=said,
        shown_proba=None if proba is None else float(proba.max()),
        predicted_label_id=said,
        asked_by=groups.STRATEGY,
    )


def undo(db: Database, actor: Actor, token: str) -> Act:
    """Take a press back as a whole, and return it; a second time changes nothing.

    What the same person decided of a member since, by itself, stays.

    Raises:
        UserError: ``undo_not_in_force`` for a press that this person has not made; ``right_missing`` for somebody whose
            account is closed.
    """
    with write(db):
        diary_access.require_right(db, actor, "label")
        act = groups.find_act(db, token)
        if act is None or act.annotator_id != actor.annotator_id or act.kind not in KINDS:
            raise UserError("undo_not_in_force")
        groups.undo(db, act.id)
        undone = groups.find_act(db, token)
        assert undone is not None, "presses are kept"
    return undone


def list_recent(db: Database, actor: Actor, *, limit: int = 5) -> list[Act]:
    """Return somebody's newest presses on groups that are in force, newest first; none of those who may not label."""
    return groups.list_acts(db, actor.annotator_id, limit=limit) if diary_access.has_right(db, actor, "label") else []
