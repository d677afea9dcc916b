"""What `kill.py` knows of the presses that were sent and confirmed, and what it checks a database against."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from db import connect
from db.connection import rows, scalar

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.kill_processes import Running
    from db import Database

OVERLAP = 2
"""People who are asked about each diary."""


@dataclass
class Tab:
    """A browser tab of one person, which outlives the process that serves it.

    Attributes:
        waiting: the press that was sent and not confirmed; a browser sends it again.
        last: the newest confirmed press; None if that was an undo.
    """

    annotator_id: int
    holder: str
    waiting: dict[str, Any] | None = None
    last: dict[str, Any] | None = None


@dataclass
class Ledger:
    """What was sent and confirmed at one copy of the project, and what is wrong with it.

    Attributes:
        groups: by token of a confirmed press on many diaries, how many got the label and how many are held out.
    """

    sent: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    groups: dict[str, tuple[int, int]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    doubled: int = 0
    turned_away: int = 0

    @property
    def grouped_count(self) -> int:
        """Diaries that confirmed presses on many have labelled."""
        return sum(labelled for labelled, _ in self.groups.values())

    def hear(self, tab: Tab, process: Running) -> int:
        """Record what a person's process has reported; return how often the database could not save a press."""
        refused = 0
        for message in process.read():
            press = message.get("press")
            if message["did"] == "sent":
                self.sent.add(press["token"])
                tab.waiting = press
            elif message["did"] == "kept":
                self.kept.add(press["token"])
                if press["kind"] == "group":
                    self.groups[press["token"]] = tuple(message["counts"])
                tab.waiting, tab.last = None, taken_back(press)
            elif message["did"] == "turned_away":
                self.turned_away += 1
                tab.waiting = None
            else:
                refused += 1
        return refused

    def check(self, path: Path, kept: set[str]) -> bool:
        """Return whether a database is sound, with every confirmed press in it once; exceptions are counted."""
        with closing(connect(path)) as db:
            is_sound = scalar(db, "pragma integrity_check") == "ok" and not rows(db, "pragma foreign_key_check")
            stored = [token for (token,) in rows(db, _SINGLE)]
            # An answer to a hidden repeat is stored apart, with the token that took it back.
            stored += [part for (token,) in rows(db, "select token from repeats") for part in token.split()]
            groups = {token: (is_undone, labelled, held) for token, is_undone, labelled, held in rows(db, _GROUPS)}
            stored += [*groups, *(undoing(token) for token, (is_undone, *_) in groups.items() if is_undone)]
            self.lost |= kept - set(stored)
            self.lost |= {
                token for token in kept & self.groups.keys() & groups.keys() if groups[token][1:] != self.groups[token]
            }
            twice = count_decided_too_often(db, overlap=OVERLAP) + abs(int(scalar(db, _ASTRAY)))
        self.doubled = max(self.doubled, len(stored) - len(set(stored) & self.sent) + twice)
        return is_sound


_SINGLE = """
    select token from decisions
    where source = 'person' and token not like 'group:%' and token not like 'undo-group:%'
"""

_GROUPS = """
    select a.token, a.undone_at is not null, count(m.decision_id), count(*) - count(m.decision_id)
    from group_acts a join group_members m on m.act_id = a.id group by a.id
"""

_ASTRAY = """
    select (select count(*) from decisions where token like 'group:%' or token like 'undo-group:%')
        - (select coalesce(sum(1 + (a.undone_at is not null)), 0) from group_acts a
            join group_members m on m.act_id = a.id where m.decision_id is not null)
"""
"""Decisions of presses on many diaries, taken back or not, more or fewer than those presses have members."""


def count_decided_too_often(db: Database, *, overlap: int) -> int:
    """Count the diaries that more people have decided than were asked.

    Whoever takes a skip back gets the diary again, though somebody else may have it by then: both are meant to count.
    """
    sql = """
        select count(*) from (
            select s.diary_id from standing s join decisions d on d.id = s.decision_id
            where s.kind <> 'skip' and d.source = 'person' and not exists (
                select 1 from decisions u join decisions k on k.id = u.undoes
                where u.diary_id = s.diary_id and k.kind = 'skip')
            group by s.diary_id having count(*) > :overlap)
    """
    return int(scalar(db, sql, overlap=overlap))


def undoing(token: str) -> str:
    """Return what stands in the ledger for taking a press on many diaries back: it has no token of its own."""
    return f"undoing:{token}"


def taken_back(press: dict[str, Any]) -> dict[str, Any] | None:
    """Return the press that an undo after this one would take back."""
    return None if press["kind"] in ("undo", "group_undo") else press
