"""Decisions and marks that come with an import: what a file says each of several people decided about its diaries."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from db import clock
from db.answers import groups, rationales
from db.answers.rationales import NewRationale
from db.connection import one, rows, scalar
from db.label_sets import labels
from db.people import annotators

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

Again = Literal["correct", "add", "keep"]
"""What a label without a name says of a text that has another one without a name: the first was corrected, there is a
second opinion, or nothing."""

Cleared = Literal["undo", "keep"]
"""What a label that was cleared in an edited export says: the person takes the decision back, or nothing."""

_MOST_OPINIONS = 9
"""Different labels of one importer on one text in a file; more are no opinions."""

BACK = "back-"
"""Begins the tokens of rows that take an import back."""


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
        annotator: their name here; None for whoever imports the file.
        kind: None if the person only marked words.
        other_label_ids: further emotions besides `label_id`.
        intensity: 1 to 5.
        decided_at: when, in UTC as everywhere here; empty for now.
        is_cleared: the label was cleared since the person decided so.
        group: key of the press that gave the label to many diaries at once; empty for none.
    """

    annotator: str | None
    kind: Literal["label", "skip", "flag"] | None
    label_id: int | None = None
    other_label_ids: tuple[int, ...] = ()
    memo: str = ""
    intensity: int | None = None
    marks: tuple[NewMark, ...] = ()
    decided_at: str = ""
    is_cleared: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How votes on texts that have others are placed.

    Attributes:
        again: for labels without a name; None leaves them open, to be asked about.
        cleared: for labels that were cleared; None leaves them open, to be asked about.
        several_opinions: a second label of a text in the same file is an opinion of its own; otherwise it is left out.
        cover: masks a text as exports do, so that a memo that went out masked is known again.
    """

    again: Again | None = None
    cleared: Cleared | None = None
    several_opinions: bool = False
    cover: Callable[[str], str] = field(default=str)


Fate = Literal["superseding", "joined", "open", "conflict", "older", "label_cleared", "duplicate"]
"""What became of a vote: it supersedes the same person's decision, or takes it back; is added; waits for a choice;
contradicts the file itself; is older than what the person decided since; was cleared, and the decision stays; or says
what is there already."""

FATES: tuple[Fate, ...] = ("open", "superseding", "joined", "conflict", "older", "label_cleared", "duplicate")
"""What a row with several votes ends as is the first of these that one of them has."""


class Placed(NamedTuple):
    """What became of a vote, and between which labels."""

    fate: Fate
    before: int | None = None
    after: int | None = None


class _Standing(NamedTuple):
    decision_id: int
    annotator_id: int
    kind: str
    label_id: int | None
    memo: str
    intensity: int | None
    decided_at: str
    token: str
    other_label_ids: str | None


_STANDING = """
    select d.id, d.annotator_id, d.kind, d.label_id, d.memo, d.intensity, d.decided_at, d.token,
        (select group_concat(f.label_id) from decision_labels f where f.decision_id = d.id)
    from standing s join decisions d on d.id = s.decision_id where s.diary_id = :diary and
"""


class VotePlacer:
    """Stores what an import's rows say about diaries, within the caller's transaction.

    Args:
        importer_id: whose vote it is when a vote names nobody.
        prefix: of the tokens of this import's rows.
    """

    def __init__(self, db: Database, importer_id: int, prefix: str, rules: Rules) -> None:
        self.decision_count = 0
        self.asked: list[tuple[str, Placed]] = []
        self._db, self._importer_id, self._prefix, self._rules = db, importer_id, prefix, rules
        self._merged = labels.list_merged(db)
        self._heard: set[tuple[int, int]] = set()
        self._ids: dict[str, int] = {}

    def place(self, diary_id: int, votes: Sequence[NewVote], *, token: str) -> list[Placed]:
        """Store votes and return what became of each.

        Args:
            token: prefix of the rows' tokens, used for no other row.
        """
        return [self._place(diary_id, vote, f"{token}-{place}") for place, vote in enumerate(votes)]

    def _place(self, diary_id: int, vote: NewVote, token: str) -> Placed:
        if vote.is_cleared and vote.kind is None and not self._exists(vote.annotator):
            return Placed("duplicate")
        annotator_id = self._importer_id if vote.annotator is None else self._id_of(vote.annotator)
        standing = self._standing_of(diary_id, annotator_id)
        if vote.is_cleared and (cleared := self._clear(diary_id, standing, vote, token)) is not None:
            return cleared
        if vote.annotator is None and standing is None:
            return self._place_nameless(diary_id, annotator_id, vote, token)
        if standing is None or vote.kind is None:
            return self._store(diary_id, annotator_id, vote, token)
        if self._says_the_same(standing, vote):
            if not standing.token.startswith(self._prefix):
                self._heard.add((diary_id, annotator_id))
            return self._mark(diary_id, annotator_id, vote, token)
        if (diary_id, annotator_id) in self._heard or standing.token.startswith(self._prefix):
            return self._second_opinion(diary_id, annotator_id, standing, vote, token)
        if vote.decided_at and vote.decided_at < standing.decided_at:
            self._heard.add((diary_id, annotator_id))
            return Placed("older", standing.label_id, vote.label_id)
        self._store(diary_id, annotator_id, vote, token)
        return Placed("superseding", standing.label_id, vote.label_id)

    def _place_nameless(self, diary_id: int, annotator_id: int, vote: NewVote, token: str) -> Placed:
        """Place what nobody is named for, and the importer has not said before."""
        if self._is_said_already(diary_id, vote):
            new = tuple(mark for mark in vote.marks if not self._is_marked(diary_id, mark))
            return self._mark(diary_id, annotator_id, replace(vote, marks=new), token)
        others = self._nameless(diary_id)
        if any(self._says_the_same(other, vote) for other in others):
            return Placed("duplicate")
        if others and self._rules.again != "add":
            return self._settle(diary_id, others[0], vote, token)
        return self._store(diary_id, annotator_id, vote, token)

    def _clear(self, diary_id: int, standing: _Standing | None, vote: NewVote, token: str) -> Placed | None:
        """Place a label that was cleared; None if the decision is to be placed as it was."""
        if standing is None and vote.kind is None:
            return Placed("duplicate")
        if standing is not None and (standing.kind != "label" or not self._says_the_same(standing, vote)):
            return Placed("older", vote.label_id, standing.label_id)
        placed = Placed("label_cleared", vote.label_id if standing is None else standing.label_id)
        if self._rules.cleared is None:
            self.asked.append(("cleared", placed))
        if self._rules.cleared != "undo":
            return None if standing is None else placed
        if standing is None:
            return placed
        _undo(self._db, diary_id, standing, token)
        return Placed("superseding", standing.label_id)

    def _id_of(self, name: str) -> int:
        if name not in self._ids:
            self._ids[name] = annotators.get_or_create_id(self._db, name, kind="importer")
        return self._ids[name]

    def _exists(self, name: str | None) -> bool:
        """Return whether somebody of that name is here; an empty cell makes nobody known."""
        return bool(scalar(self._db, "select exists (select 1 from annotators where name = :name)", name=name))

    def _standing_of(self, diary_id: int, annotator_id: int) -> _Standing | None:
        row = one(self._db, f"{_STANDING} s.annotator_id = :annotator", diary=diary_id, annotator=annotator_id)
        return None if row is None else _Standing(*row)

    def _nameless(self, diary_id: int) -> list[_Standing]:
        """Return what files without names say about a diary, newest first."""
        importers = "s.annotator_id in (select imported_by from batches) order by s.decision_id desc"
        sql = f"{_STANDING} {importers}"
        return [_Standing(*row) for row in rows(self._db, sql, diary=diary_id)]

    def _is_said_already(self, diary_id: int, vote: NewVote) -> bool:
        """Return whether a label without a name is what people together say: an export that names nobody holds that."""
        if vote.kind != "label":
            return False
        sql = f"{_STANDING} d.kind = 'label'"
        standing = [_Standing(*row) for row in rows(self._db, sql, diary=diary_id)]
        together = {self._now(each.label_id) for each in standing}.union(*map(self._others, standing))
        return together == {self._now(i) for i in (vote.label_id, *vote.other_label_ids)}

    def _is_marked(self, diary_id: int, mark: NewMark) -> bool:
        """Return whether anybody has marked words so."""
        sql = """
            select exists (select 1 from rationales where diary_id = :diary and span_start = :start
                and span_end = :end and verdict = :verdict)
        """
        words = {"start": mark.start, "end": mark.end, "verdict": mark.verdict}
        return bool(scalar(self._db, sql, diary=diary_id, **words))

    def _settle(self, diary_id: int, other: _Standing, vote: NewVote, token: str) -> Placed:
        if self._rules.again != "correct":
            placed = Placed("open" if self._rules.again is None else "conflict", other.label_id, vote.label_id)
            if placed.fate == "open":
                self.asked.append(("again", placed))
            return placed
        self._store(diary_id, other.annotator_id, vote, token)
        return Placed("superseding", other.label_id, vote.label_id)

    def _second_opinion(
        self, diary_id: int, annotator_id: int, standing: _Standing, vote: NewVote, token: str
    ) -> Placed:
        """Place a vote on a text whose row before, in the same file, says something else of the same person."""
        if not self._rules.several_opinions:
            return Placed("conflict", standing.label_id, vote.label_id)
        name = scalar(self._db, "select name from annotators where id = :id", id=annotator_id)
        for number in range(2, _MOST_OPINIONS + 1):
            other_id = self._id_of(f"{name} ({number})")
            other = self._standing_of(diary_id, other_id)
            if other is None:
                self._store(diary_id, other_id, vote, token)
                return Placed("joined", standing.label_id, vote.label_id)
            if self._says_the_same(other, vote):
                return Placed("duplicate")
        return Placed("conflict", standing.label_id, vote.label_id)

    def _says_the_same(self, standing: _Standing, vote: NewVote) -> bool:
        if vote.kind is None:
            return True
        return (
            standing.kind == vote.kind
            and self._now(standing.label_id) == self._now(vote.label_id)
            and self._others(standing) == {self._now(i) for i in vote.other_label_ids} - {self._now(vote.label_id)}
            and vote.intensity in (None, standing.intensity)
            and vote.memo in ("", standing.memo, self._rules.cover(standing.memo))
        )

    def _now(self, label_id: int | None) -> int | None:
        return None if label_id is None else self._merged.get(label_id, label_id)

    def _others(self, standing: _Standing) -> set[int | None]:
        written = (standing.other_label_ids or "").split(",")
        return {self._now(int(i)) for i in written if i} - {self._now(standing.label_id)}

    def _store(self, diary_id: int, annotator_id: int, vote: NewVote, token: str) -> Placed:
        if vote.kind is not None:
            self.decision_count += 1
            _add_decision(self._db, diary_id, vote, annotator_id, token)
        marked = self._mark(diary_id, annotator_id, vote, token)
        return Placed("joined", None, vote.label_id) if vote.kind is not None else marked

    def _mark(self, diary_id: int, annotator_id: int, vote: NewVote, token: str) -> Placed:
        """Store the marks that are new; those that the person has taken back since stay so."""
        new = [mark for mark in vote.marks if not self._is_known(diary_id, annotator_id, mark)]
        for number, mark in enumerate(new):
            words = (mark.label_id, mark.start, mark.end, mark.verdict)
            rationales.add(self._db, NewRationale(diary_id, annotator_id, *words, token=f"{token}-{number}"))
        return Placed("joined" if new else "duplicate")

    def _is_known(self, diary_id: int, annotator_id: int, mark: NewMark) -> bool:
        sql = """
            select label_id, verdict, token from rationales where diary_id = :diary and annotator_id = :annotator
                and span_start = :start and span_end = :end order by id desc limit 1
        """
        words = {"start": mark.start, "end": mark.end}
        row = one(self._db, sql, diary=diary_id, annotator=annotator_id, **words)
        if row is None:
            return False
        label_id, verdict, token = row
        if verdict == "none":
            return not str(token).startswith(BACK)
        return bool(verdict == mark.verdict and self._now(label_id) == self._now(mark.label_id))


def fate_of(placed: Sequence[Placed]) -> Placed:
    """Return what a row ends as whose votes were placed."""
    return min(placed, key=lambda each: FATES.index(each.fate), default=Placed("duplicate"))


def _add_decision(db: Database, diary_id: int, vote: NewVote, annotator_id: int, token: str) -> None:
    parameters: tuple[Any, ...] = (diary_id, annotator_id, vote.kind, vote.label_id, vote.memo, token, vote.intensity)
    added = db.conn.execute(
        """
        insert into decisions (diary_id, annotator_id, kind, label_id, memo, token, source, intensity, decided_at)
        values (?, ?, ?, ?, ?, ?, 'import', ?, ?)
        """,
        (*parameters, vote.decided_at or clock.now()),
    )
    decision_id = int(added.lastrowid or 0)
    others = [(decision_id, label_id) for label_id in dict.fromkeys(vote.other_label_ids)]
    db.conn.executemany("insert into decision_labels (decision_id, label_id) values (?, ?)", others)
    if vote.group:
        groups.note_imported(db, vote.group, decision_id)


def _undo(db: Database, diary_id: int, standing: _Standing, token: str) -> None:
    """Take a person's decision back, as they would themselves."""
    db.conn.execute(
        """
        insert into decisions (diary_id, annotator_id, kind, token, undoes, source, decided_at)
        values (?, ?, 'undo', ?, ?, 'import', ?)
        """,
        (diary_id, standing.annotator_id, token, standing.decision_id, clock.now()),
    )
