"""Who uses the app, and what their role lets them do. The only place that gives rights to roles."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, get_args

from annotator.errors import UserError

Role = Literal["annotator", "reviewer", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Every role, from the fewest rights to all of them."""

Right = Literal["label", "review", "administrate"]

_NEEDED: dict[Right, Role] = {"label": "annotator", "review": "reviewer", "administrate": "administrator"}
"""The least role that has each right. `label`: diaries and one's own decisions; `review`: everybody's decisions,
import, training and export; `administrate`: people, settings, what is masked."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may use the app.

    Attributes:
        annotator_id: whose decisions theirs are.
        is_solo: nobody has an account yet: one person on one machine, who needs no login and may do everything.
        is_owner: runs commands on the machine, and could read the file of the database itself.
    """

    annotator_id: int
    name: str
    role: Role
    is_solo: bool
    is_owner: bool = False


def machine_owner(annotator_id: int = 0, name: str = "") -> Person:
    """Return whoever runs commands on the machine. Without an id, for actions that record no name."""
    return Person(annotator_id, name, "administrator", is_solo=True, is_owner=True)


def role_has(role: Role, right: Right) -> bool:
    """Return whether a role has a right."""
    return ROLES.index(role) >= ROLES.index(_NEEDED[right])


def may(person: Person, right: Right) -> bool:
    """Return whether a person's role has a right."""
    return role_has(person.role, right)


def require(person: Person, right: Right) -> None:
    """Raise unless a person's role has a right: it may have changed since the page was drawn.

    Raises:
        UserError: if it is lacking.
    """
    if not may(person, right):
        raise UserError("right_missing")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
