"""Access to diaries: the one place that decides who may see or change which diary right now. See docs/access.md.

Whatever shows a text or acts on a diary asks here, within the transaction of the act. The rights of roles are read
from the database each time: the page may have been drawn for a role that has since been taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from annotator.accounts import permissions
from annotator.errors import UserError
from db.errors import NotFoundError
from db.people import diary_ties
from db.texts import diaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from annotator.accounts.api_tokens import Caller
    from annotator.accounts.permissions import Person, Right, Role
    from db import Database
    from db.people.diary_ties import Ties

Action = Literal["see", "quote", "decide", "mark", "answer", "review", "reveal"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""`see`: the text; `quote`: some words around one; `decide`: label, skip, flag, with memo; `mark`: a rationale;
`answer`: what a reviewer sent back; `review`: also gold and care; `reveal`: what is masked."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts on diaries: a person at the app, a program with a token, or the owner of the file in a terminal.

    Attributes:
        annotator_id: whose decisions theirs are.
        holder: the browser tab whose leases count.
        most: the role that a page was drawn for; the account's counts if it is lower.
        scopes: of a program's token; None for people.
        is_owner: runs commands on the machine, and could read the file itself.
    """

    annotator_id: int
    holder: str = ""
    most: Role = "administrator"
    scopes: frozenset[str] | None = None
    is_owner: bool = False


def person(annotator_id: int, *, holder: str = "") -> Actor:
    """Return somebody at the app, with the role of their account."""
    return Actor(annotator_id, holder)


def actor_of(person: Person) -> Actor:
    """Return the actor for a person whose role has already been looked up."""
    return Actor(person.annotator_id, most=person.role, is_owner=person.is_owner)


def program(caller: Caller) -> Actor:
    """Return a program with its token."""
    return Actor(caller.annotator_id, scopes=caller.scopes)


def owner(annotator_id: int, *, holder: str = "") -> Actor:
    """Return whoever runs commands on the machine."""
    return Actor(annotator_id, holder, is_owner=True)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What an action takes.

    Attributes:
        right: with it, the action is open on every diary; None where no right suffices.
        tied: with these ties a person may without the right; None where no ties suffice.
        scope: what a program's token needs; None where no program may.
        program: with these ties a program may.
    """

    right: Right | None
    tied: Callable[[Ties], bool] | None
    scope: str | None = None
    program: Callable[[Ties], bool] = lambda ties: True


def _is_before_them(ties: Ties) -> bool:
    return not ties.is_withheld and (ties.is_leased or ties.was_decided or ties.is_returned)


def _is_theirs(ties: Ties) -> bool:
    # Withheld or not: a press may have been on its way when the diary was flagged, and shows nothing of it.
    return ties.is_leased or ties.was_handed or ties.was_decided or ties.is_returned


_RULES: dict[Action, _Rule] = {
    "see": _Rule("review", _is_before_them, "read", lambda ties: ties.was_handed or not ties.is_withheld),
    "quote": _Rule("review", lambda ties: not ties.is_withheld),
    "decide": _Rule("review", _is_theirs, "write"),
    "mark": _Rule("review", _is_theirs),
    "answer": _Rule(None, lambda ties: ties.is_returned),
    "review": _Rule("review", None),
    "reveal": _Rule("administrate", None),
}


def allowed(db: Database, actor: Actor, action: Action, diary_ids: Iterable[int]) -> frozenset[int]:
    """Return those of the given diaries on which somebody may take an action right now."""
    ties = diary_ties.find_ties(db, actor.annotator_id, diary_ids, holder=actor.holder)
    needed = _needed(db, actor, action)
    return frozenset(diary_id for diary_id, tie in ties.items() if needed is not None and needed(tie))


def may(db: Database, actor: Actor, action: Action, diary_id: int) -> bool:
    """Return whether somebody may take an action on a diary right now."""
    return diary_id in allowed(db, actor, action, [diary_id])


def require(db: Database, actor: Actor, action: Action, diary_id: int) -> None:
    """Raise unless somebody may take an action on a diary right now.

    Raises:
        UserError: ``right_missing`` where the action takes a role; ``diary_not_handed`` where it takes the diary, which
            says nothing of it, not even whether there is one.
        NotFoundError: ``diary_missing`` or ``diary_forgotten``, to those whom every diary is open to, and programs; to
            a program what is withheld from it is missing.
    """
    if may(db, actor, action, diary_id):
        return
    needed = _needed(db, actor, action)
    if needed is None:
        raise UserError("right_missing")
    if needed is _any or actor.scopes is not None:
        diaries.get_diary(db, diary_id)
    if actor.scopes is not None:
        raise NotFoundError("diary_missing", id=diary_id)
    raise UserError("diary_not_handed")


def _needed(db: Database, actor: Actor, action: Action) -> Callable[[Ties], bool] | None:
    """Return a test for the ties to a diary that an action needs; None if no ties would do."""
    rule = _RULES[action]
    if actor.is_owner:
        return _any
    if actor.scopes is not None:
        return rule.program if rule.scope in actor.scopes else None
    if rule.right is not None and has_right(db, actor, rule.right):
        return _any
    return rule.tied if has_right(db, actor, "label") else None


def _any(ties: Ties) -> bool:
    return True


def has_right(db: Database, actor: Actor, right: Right) -> bool:
    """Return whether somebody's current role has a right. A program has none."""
    if actor.is_owner or actor.scopes is not None:
        return actor.is_owner
    state = diary_ties.find_account_state(db, actor.annotator_id)
    if state.role is None and state.has_accounts:
        return False
    role = cast("Role", state.role or "administrator")  # without accounts, one person does everything
    return all(permissions.role_has(each, right) for each in (role, actor.most))


def require_right(db: Database, actor: Actor, right: Right) -> None:
    """Raise unless somebody's role currently has a right.

    Raises:
        UserError: ``right_missing``.
    """
    if not has_right(db, actor, right):
        raise UserError("right_missing")
