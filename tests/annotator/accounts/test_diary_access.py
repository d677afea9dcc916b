"""Who may see or change which diary: every entry, every role, every state of a diary, against one table."""

from __future__ import annotations

import ast
import secrets
import shutil
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator import project
from annotator.accounts import accounts, diary_access
from annotator.accounts.permissions import ROLES, Person, Role
from annotator.dictionary import evidence
from annotator.errors import UserError
from annotator.exporting import export_bytes, job
from annotator.finding import changed as changed_for_people
from annotator.finding import diary as diary_pages
from annotator.finding import finder, pool_map
from annotator.finding.query import Query
from annotator.labelling import board as labelling
from annotator.labelling import decisions as labelling_decisions
from annotator.labelling import events, group_acts, rationales
from annotator.labelling.events import read_event
from annotator.messages import explain
from annotator.privacy import care, forgetting, masking
from annotator.privacy.forgetting import Selection
from annotator.quality import gold
from annotator.review import actions, bulk, case, excerpts, rechecks, returned
from annotator.review.actions import ReviewAction
from annotator.training import changed_answers
from db import connection
from db.answers import decisions, queue
from db.answers import rationales as kept_marks
from db.connection import scalar, write
from db.errors import NotFoundError
from db.models import explanations, models, predictions, word_emotions
from db.models.rounds import Round
from db.people import annotators
from db.review import reviews
from db.texts import care_flags as flags
from db.texts import diaries
from tests import mapped
from tests.conftest import ROOT, copy_project, fill
from tests.reviewed import add_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.accounts.diary_access import Actor
    from db import Database

STATES = ("handed", "expired", "decided", "returned", "not_handed", "withheld", "withheld_late", "deleted")
"""Of a diary, as 지민 knows it: before them now; handed once, and now before 민준; decided; sent back by a reviewer;
never handed; flagged and never handed; flagged after it was handed; handed and deleted."""

TAB, OTHER_TAB = "tab-of-jimin", "tab-of-minjun"

PEOPLE: dict[str, tuple[str, Role]] = {
    "annotator": ("지민", "annotator"),
    "other": ("민준", "annotator"),
    "reviewer": ("서연", "reviewer"),
    "administrator": ("수아", "administrator"),
    "closed": ("하준", "reviewer"),
}

LETTERS = {
    "diary_not_handed": "N",
    "right_missing": "R",
    "diary_missing": "M",
    "diary_forgotten": "M",
    "reveal_forbidden": "F",
    "care_forbidden": "F",
    "correction_gone": "G",
    "review_undecided": "U",
    "gold_undecided": "U",
    "care_flag_missing": "U",
    "group_gone": "U",
}
"""K: kept or shown. ``-``: not shown. N: refused, and nothing is said of the diary. R, F: the role lacks the right.
G: not sent back to this person. M: there is no such diary, or no more. U: open to this person, with nothing to do."""


@dataclass
class World:
    """A project in which each state has a diary, and somebody who acts."""

    db: Database
    who: str
    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    review_id: int = 0
    is_alone: bool = False

    @property
    def person(self) -> Person:
        """Whoever acts, with the role that their page was drawn for."""
        name, role = PEOPLE[self.who]
        if self.is_alone:
            return Person(annotators.get_or_create_id(self.db, name), name, "administrator", is_solo=True)
        return Person(annotators.get_or_create_id(self.db, name), name, role, is_solo=False)

    def press(self, kind: str, state: str, *, token: str | None = None, **values: Any) -> labelling_decisions.Receipt:
        raw = {"seq": 1, "kind": kind, "token": token or secrets.token_hex(16), "diary_id": self.ids[state], **values}
        me = self.person.annotator_id
        return labelling_decisions.receive(self.db, raw, annotator_id=me, holder=TAB, acked=0)

    def shown(self, holder: str = TAB) -> list[int]:
        me = self.person.annotator_id
        board = labelling.load_board(self.db, annotator_id=me, holder=holder, language="ko", lookahead=0)
        return [item["diary_id"] for item in board.items]


@pytest.fixture(scope="module")
def filled(empty_project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A closed project in which each state has a diary, and where they are."""
    path = Path(shutil.copy(empty_project, tmp_path_factory.mktemp("filled") / "project.db"))
    with closing(project.open_project(path)) as db:
        return path, _make(db)


@pytest.fixture
def world(filled: tuple[Path, World], tmp_path: Path) -> Iterator[World]:
    """A copy of that project, in which somebody may act."""
    path, made = filled
    with closing(project.open_project(copy_project(path, tmp_path / "world"))) as db:
        yield replace(made, db=db, ids=dict(made.ids), tokens=dict(made.tokens))


def _make(db: Database) -> World:
    fill(db, 24)
    with write(db):
        db.conn.execute("update diaries set part = 'pool'")
    world = World(db, "annotator")
    for name, role in (PEOPLE["administrator"], *PEOPLE.values()):
        if accounts.has_any(db) and name in {account.name for account in accounts.list_people(db)}:
            continue
        accounts.add(db, None, name, role, email=f"{role}-{len(accounts.list_people(db))}@example.org")
    accounts.set_disabled(db, None, accounts.get_id(db, PEOPLE["closed"][0]), disabled=True)
    _hand_out(world)
    _flag_and_delete(world)
    return world


def _hand_out(world: World) -> None:
    db = world.db
    me, you, lead = (accounts.get_id(db, PEOPLE[who][0]) for who in ("annotator", "other", "reviewer"))
    items = labelling.load_board(db, annotator_id=me, holder=TAB, language="ko").items
    states = ("handed", "expired", "decided", "returned", "withheld_late", "deleted")
    for state, item in zip(states, items, strict=True):
        world.ids[state], world.tokens[state] = item["diary_id"], item["token"]
    for state in ("decided", "returned"):
        raw = {"seq": 1, "kind": "label", "token": world.tokens[state], "diary_id": world.ids[state], "label_id": 2}
        assert labelling_decisions.receive(db, raw, annotator_id=me, holder=TAB, acked=0).refused is None
    back = ReviewAction(
        "return", world.ids["returned"], reviews.get_revision(db, world.ids["returned"]), comment="다시 봐 주세요"
    )
    actions.apply(db, back, reviewer_id=lead)
    world.review_id = reviews.last_review_id(db)
    with write(db):
        db.conn.execute("update leases set expires_at = '2000' where diary_id = ?", [world.ids["expired"]])
        db.conn.execute("update queue set place = -1 where diary_id = ?", [world.ids["expired"]])
    taken = labelling.load_board(db, annotator_id=you, holder=OTHER_TAB, language="ko", lookahead=1).items
    assert [item["diary_id"] for item in taken] == [world.ids["expired"]]
    rest = [i for i in queue.list_head(db, 24) if i not in world.ids.values()]
    world.ids |= {"not_handed": rest[-1], "withheld": rest[-2]}


def _flag_and_delete(world: World) -> None:
    withheld = [world.ids["withheld"], world.ids["withheld_late"]]
    flags.flag(world.db, withheld, list_hash="list", up_to=24)
    forgetting.forget(world.db, None, Selection(ids=(world.ids["deleted"],)))


# What can be tried. Each returns whether the text was shown or the act kept, or raises why not.


def _decide(kind: str, **values: Any) -> Callable[[World, str], bool]:
    def press(world: World, state: str) -> bool:
        before = decisions.last_decision_id(world.db)
        refused = world.press(kind, state, token=world.tokens.get(state) if state == "handed" else None, **values)
        if refused.refused is not None:
            assert decisions.last_decision_id(world.db) == before
            raise refused.refused
        return decisions.last_decision_id(world.db) == before + 1

    return press


def _mark(world: World, state: str) -> bool:
    refused = world.press("rationale", state, label_id=2, span=[0, 2], verdict="right").refused
    marked = bool(kept_marks.list_standing(world.db, world.ids[state], world.person.annotator_id))
    if refused is not None:
        assert not marked
        raise refused
    return marked


def _undo(world: World, state: str) -> bool:
    """Skip a diary and take that back, which brings it onto the screen where it may be seen."""
    token = world.tokens[state] if state == "handed" else secrets.token_hex(16)
    kept = world.press("skip", state, token=token).refused is None
    receipt = world.press("undo", state, undoes=token)
    is_shown = world.ids[state] in world.shown()
    if kept and world.who != "closed":
        notice = receipt.notice.code if receipt.notice else None
        assert notice == (None if is_shown else "undo_not_shown")
    return is_shown


def _board(world: World, state: str) -> bool:
    return world.ids[state] in world.shown()


def _quote(world: World, state: str) -> bool:
    row = evidence.Row("오늘", None, None, 1, 1, (world.ids[state],), None, None)
    return bool(evidence.list_examples(world.db, row, person=world.person))


def _find(world: World, state: str) -> bool:
    path, actor = Path(connection.file_of(world.db)), diary_access.person(world.person.annotator_id)
    return world.ids[state] in [hit.diary_id for hit in finder.find(world.db, path, actor, Query()).hits]


def _find_page(world: World, state: str) -> bool:
    path, actor = Path(connection.file_of(world.db)), diary_access.person(world.person.annotator_id)
    return bool(diary_pages.read(world.db, path, actor, world.ids[state], "ko").text)


def _find_label(world: World, state: str) -> bool:
    actor = diary_access.person(world.person.annotator_id)
    return diary_pages.label(world.db, actor, world.ids[state], 5, shown=None) is not None


def _label_group(world: World, state: str) -> bool:
    actor = diary_access.person(world.person.annotator_id, holder=TAB)
    token = secrets.token_hex(16)
    return group_acts.label(world.db, actor, [world.ids[state]], 5, token=token, kind="chosen").labelled_count == 1


def _reveal(world: World, state: str) -> bool:
    return bool(masking.reveal(world.db, world.ids[state], person=world.person))


def _answer(world: World, state: str) -> bool:
    review_id = world.review_id if state == "returned" else 10**6 + world.ids[state]
    return returned.answer(world.db, review_id, 5, annotator_id=world.person.annotator_id) > 0


def _answer_card(world: World, state: str) -> bool:
    card = returned.next_card(world.db, world.person.annotator_id)
    return card is not None and card.diary_id == world.ids[state]


def _undo_answer(world: World, state: str) -> bool:
    standing = decisions.list_standing(world.db, [world.ids[state]])
    decision_id = standing[0].id if standing else 10**6
    return returned.undo(world.db, decision_id, annotator_id=world.person.annotator_id)


def _review(kind: str, **values: Any) -> Callable[[World, str], bool]:
    def act(world: World, state: str) -> bool:
        mark = reviews.get_revision(world.db, world.ids[state])
        actions.apply(
            world.db,
            ReviewAction(kind, world.ids[state], mark, **values),  # type: ignore[arg-type]
            reviewer_id=world.person.annotator_id,
        )
        return reviews.get_revision(world.db, world.ids[state])[1] > mark[1]

    return act


def _case(world: World, state: str) -> bool:
    path, me = Path(connection.file_of(world.db)), world.person.annotator_id
    return bool(case.read(world.db, path, world.ids[state], "ko", reviewer_id=me).item["text"])


def _rows(world: World, state: str) -> bool:
    return bool(excerpts.list_excerpts(world.db, [world.ids[state]], reviewer_id=world.person.annotator_id))


def _gold(world: World, state: str) -> bool:
    return gold.toggle(world.db, world.ids[state], person=world.person) is not None


def _gold_named(world: World, state: str) -> bool:
    return bool(gold.add(world.db, world.ids[state], "행복", annotator_id=world.person.annotator_id))


def _care(world: World, state: str) -> bool:
    care.handle(world.db, world.ids[state], "연락했어요", person=world.person)
    return True


def _care_card(world: World, state: str) -> bool:
    cards = care.list_cards(world.db, person=world.person, which="open", limit=9)
    return world.ids[state] in [card.flag.diary_id for card in cards]


def _forget(world: World, state: str) -> bool:
    return forgetting.forget(world.db, world.person, Selection(ids=(world.ids[state],))).diary_count == 1


def _marked_word(world: World, state: str) -> bool:
    mark = {"diary_id": world.ids[state], "span": [0, 2], "label_id": 2, "verdict": "right", "before": 1, "after": 0}

    report = {"rationales": [mark]}
    ended = Round(1, 1, "done", False, "", None, None, "", 1.0, None, None, None, report, None, "instant")
    return bool(rationales.list_for_round(world.db, ended, person=world.person))


def _changed_answer(world: World, state: str) -> bool:
    example = {"diary_id": world.ids[state], "before": 1, "after": 2}
    report = {"changed": {"n": 9, "count": 1, "examples": [example]}}
    ended = Round(1, 1, "done", False, "", None, None, "", 1.0, None, None, None, report, None, "instant")
    changed = changed_answers.find_changed(world.db, ended, person=world.person)
    return changed is not None and bool(changed.examples)


def _add_versions(world: World) -> Actor:
    """Add two versions that answer every diary differently."""
    for shift in (0, 1):
        proba = np.roll(np.tile(np.float32([0.7, *[0.05] * 6]), (diaries.last_diary_id(world.db), 1)), shift, axis=1)
        made = models.add_model(world.db, models.NewModel("instant", "e", "h", (1, 2, 3, 4, 5, 6, 7), b"", {}))
        predictions.store_predictions(world.db, made, proba)
    return diary_access.person(world.person.annotator_id)


def _find_changed(world: World, state: str) -> bool:
    listed = changed_for_people.list_changed(world.db, _add_versions(world), 0, 1, limit=99).diaries
    return world.ids[state] in [each.hit.diary_id for each in listed]


def _find_map(world: World, state: str) -> bool:
    path, actor = Path(connection.file_of(world.db)), diary_access.person(world.person.annotator_id)
    mapped.lay_out(world.db)
    shown = pool_map.read(world.db, path, actor, Query())
    on_it = shown.ids[shown.ids == world.ids[state]]
    return any(pool_map.list_lines(world.db, actor, on_it))


def _find_sides(world: World, state: str) -> bool:
    return bool(changed_for_people.read_sides(world.db, _add_versions(world), world.ids[state], 0, 1, "ko")[1])


ENTRIES: dict[str, Callable[[World, str], bool]] = {
    "press.label": _decide("label", label_id=1, memo="메모"),
    "press.skip": _decide("skip"),
    "press.flag": _decide("flag", memo="메모"),
    "press.rationale": _mark,
    "press.undo": _undo,
    "board": _board,
    "dictionary.examples": _quote,
    "find": _find,
    "find.page": _find_page,
    "find.label": _find_label,
    "groups.label": _label_group,
    "find.changed": _find_changed,
    "find.sides": _find_sides,
    "find.map": _find_map,
    "reveal": _reveal,
    "correction.card": _answer_card,
    "correction.answer": _answer,
    "correction.undo": _undo_answer,
    "review.accept": _review("accept"),
    "review.label": _review("label", label_id=6, comment="메모"),
    "review.return": _review("return", comment="다시"),
    "review.ambiguous": _review("ambiguous"),
    "review.case": _case,
    "review.rows": _rows,
    "gold.toggle": _gold,
    "gold.add": _gold_named,
    "care.handle": _care,
    "care.cards": _care_card,
    "learn.marked_words": _marked_word,
    "learn.changed_answers": _changed_answer,
    "forget": _forget,
}

ANNOTATOR, OTHER, REVIEWER, ADMINISTRATOR, CLOSED = "annotator", "other", "reviewer", "administrator", "closed"

_NONE, _NO_RIGHT = "--------", "RRRRRRRR"
_OWN = {ANNOTATOR: "KKKKNNKN", OTHER: "NKNNNNNN", REVIEWER: "KKKKKKKM", ADMINISTRATOR: "KKKKKKKM", CLOSED: _NO_RIGHT}
_REVIEWED = {
    ANNOTATOR: _NO_RIGHT,
    OTHER: _NO_RIGHT,
    REVIEWER: "UUKKUUUM",
    ADMINISTRATOR: "UUKKUUUM",
    CLOSED: _NO_RIGHT,
}

EXPECTED: dict[str, dict[str, str]] = {
    # In the order of STATES:
    #        handed, expired, decided, returned, not_handed, withheld, withheld_late, deleted
    "press.label": _OWN,
    "press.skip": _OWN,
    "press.flag": _OWN,
    "press.rationale": _OWN,
    "press.undo": {
        ANNOTATOR: "KKKK----",
        OTHER: "-K------",
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NO_RIGHT,
    },
    # With the name of 지민's tab, whoever asks.
    "board": {ANNOTATOR: "K-------", OTHER: _NONE, REVIEWER: _NONE, ADMINISTRATOR: _NONE, CLOSED: _NO_RIGHT},
    # Annotators find what they have decided themselves, if it is not withheld.
    "find": {
        ANNOTATOR: "--KK----",
        OTHER: _NONE,
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NO_RIGHT,
    },
    "find.page": {
        ANNOTATOR: "NNKKNNNN",
        OTHER: "N" * 8,
        REVIEWER: "KKKKKKKM",
        ADMINISTRATOR: "KKKKKKKM",
        CLOSED: _NO_RIGHT,
    },
    "find.label": _OWN,
    # What is decided, withheld, or before somebody else now, is left out, whoever may decide it by itself.
    "groups.label": {
        ANNOTATOR: "KNUUNNNN",
        OTHER: "N" * 8,
        REVIEWER: "UUUUKUUM",
        ADMINISTRATOR: "UUUUKUUM",
        CLOSED: _NO_RIGHT,
    },
    "find.changed": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NO_RIGHT,
    },
    "find.sides": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "KKKKKKKM",
        ADMINISTRATOR: "KKKKKKKM",
        CLOSED: _NO_RIGHT,
    },
    "find.map": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NO_RIGHT,
    },
    "dictionary.examples": {
        ANNOTATOR: "KKKKK---",
        OTHER: "KKKKK---",
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NONE,
    },
    "reveal": {ANNOTATOR: "F" * 8, OTHER: "F" * 8, REVIEWER: "F" * 8, ADMINISTRATOR: "KKKKKKKM", CLOSED: "F" * 8},
    "correction.card": {ANNOTATOR: "---K----", OTHER: _NONE, REVIEWER: _NONE, ADMINISTRATOR: _NONE, CLOSED: _NONE},
    "correction.answer": {
        ANNOTATOR: "GGGKGGGG",
        OTHER: "GGGGGGGG",
        REVIEWER: "GGGGGGGG",
        ADMINISTRATOR: "GGGGGGGG",
        CLOSED: "GGGGGGGG",
    },
    "correction.undo": {
        ANNOTATOR: "NNKKNNNN",
        OTHER: "NNNNNNNN",
        REVIEWER: "NNNNNNNN",
        ADMINISTRATOR: "NNNNNNNN",
        CLOSED: "NNNNNNNN",
    },
    "review.accept": _REVIEWED,
    "review.label": _REVIEWED,
    "review.return": _REVIEWED,
    "review.ambiguous": _REVIEWED,
    "review.case": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "KKKKKKKM",
        ADMINISTRATOR: "KKKKKKKM",
        CLOSED: _NO_RIGHT,
    },
    "review.rows": {ANNOTATOR: _NONE, OTHER: _NONE, REVIEWER: "KKKKKKK-", ADMINISTRATOR: "KKKKKKK-", CLOSED: _NONE},
    "gold.toggle": _REVIEWED,
    "gold.add": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "KKKKKKKM",
        ADMINISTRATOR: "KKKKKKKM",
        CLOSED: _NO_RIGHT,
    },
    "care.handle": {
        ANNOTATOR: "F" * 8,
        OTHER: "F" * 8,
        REVIEWER: "UUUUUKKU",
        ADMINISTRATOR: "UUUUUKKU",
        CLOSED: "F" * 8,
    },
    "care.cards": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: "-----KK-",
        ADMINISTRATOR: "-----KK-",
        CLOSED: _NO_RIGHT,
    },
    "learn.marked_words": {
        ANNOTATOR: "--KK----",
        OTHER: _NONE,
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NONE,
    },
    "learn.changed_answers": {
        ANNOTATOR: "--KK----",
        OTHER: _NONE,
        REVIEWER: "KKKKKKK-",
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NONE,
    },
    "forget": {
        ANNOTATOR: _NO_RIGHT,
        OTHER: _NO_RIGHT,
        REVIEWER: _NO_RIGHT,
        ADMINISTRATOR: "KKKKKKK-",
        CLOSED: _NO_RIGHT,
    },
}


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_keeps_and_shows_what_the_table_says(world: World, entry: str, who: str) -> None:
    world.who = who
    assert "".join(_outcome(world, entry, state) for state in STATES) == EXPECTED[entry][who]


def _outcome(world: World, entry: str, state: str) -> str:
    try:
        return "K" if ENTRIES[entry](world, state) else "-"
    except (UserError, NotFoundError) as error:
        return LETTERS[error.code]


@pytest.mark.parametrize("entry", ENTRIES)
def test_alone_on_one_machine_one_person_may_everything_and_holds_only_their_own_tabs(world: World, entry: str) -> None:
    world.who = ANNOTATOR
    with write(world.db):
        world.db.conn.execute("delete from accounts")
    world.is_alone = True
    is_theirs = entry in ("board", "correction.card", "correction.answer", "correction.undo")
    expected = EXPECTED[entry][ANNOTATOR if is_theirs else ADMINISTRATOR]
    if entry == "groups.label":
        expected = f"K{expected[1:]}"  # what they hold themselves
    assert "".join(_outcome(world, entry, state) for state in STATES) == expected


@pytest.mark.parametrize("entry", ["press.label", "press.skip", "press.flag", "press.rationale"])
def test_a_refusal_says_nothing_of_the_diary_not_even_whether_there_is_one(world: World, entry: str) -> None:
    world.who = OTHER
    world.ids["never"] = 10**6
    said = set()
    for state in ("handed", "not_handed", "withheld", "withheld_late", "deleted", "never"):
        with pytest.raises(UserError) as raised:
            ENTRIES[entry](world, state)
        said.add((raised.value.code, str(raised.value.details), explain(raised.value, "ko")))
    assert len(said) == 1
    assert not any(character.isdigit() for _, details, sentence in said for character in details + sentence)


# Roles of this moment


@pytest.mark.parametrize("entry", ["press.label", "review.label", "review.case", "gold.add", "care.handle", "reveal"])
def test_a_role_that_is_lowered_counts_from_the_next_act_on_whatever_a_page_was_drawn_for(
    world: World, entry: str
) -> None:
    world.who = ADMINISTRATOR
    accounts.add(world.db, None, "대신", "administrator", email="x@example.org")
    accounts.set_role(world.db, None, world.person.annotator_id, "annotator")
    assert world.person.role == "administrator", "as the page that was drawn before has it"
    assert _outcome(world, entry, "withheld") in "NRF"


def test_a_lowered_reviewers_tab_gives_back_what_only_leads_may_see(world: World) -> None:
    world.who = REVIEWER
    me = world.person.annotator_id
    queue.lease_again(world.db, diary_id=world.ids["withheld"], annotator_id=me, holder=TAB, seconds=60)
    assert world.shown() == [world.ids["withheld"]]
    accounts.set_role(world.db, None, me, "annotator")
    assert world.shown() == []
    assert queue.list_leases(world.db, annotator_id=me, holder=TAB) == []


def test_a_page_drawn_for_a_lower_role_does_no_more_than_that(world: World) -> None:
    world.who = ADMINISTRATOR
    lower = replace(world.person, role="reviewer")
    assert not diary_access.may(world.db, diary_access.actor_of(lower), "reveal", world.ids["handed"])


# Tabs and tokens


def test_the_name_of_somebody_elses_tab_gives_nothing_and_takes_nothing(world: World) -> None:
    world.who = OTHER
    you = accounts.get_id(world.db, "지민")
    me = world.person.annotator_id
    theirs = queue.list_leases(world.db, annotator_id=you, holder=TAB)
    board = labelling.load_board(world.db, annotator_id=me, holder=TAB, language="ko")
    assert board.items
    assert not {lease.diary_id for lease in theirs} & {item["diary_id"] for item in board.items}
    labelling.keep_alive(world.db, annotator_id=me, holder=TAB)
    queue.release(world.db, annotator_id=me, holder=TAB)
    assert queue.list_leases(world.db, annotator_id=you, holder=TAB) == theirs


def test_two_people_may_hold_the_same_diary_under_the_same_name_of_a_tab(opened: Database) -> None:
    fill(opened, 1)
    people = [annotators.get_or_create_id(opened, name) for name in ("나", "너")]
    twice = queue.Rules(overlap=2)
    held = [queue.claim(opened, annotator_id=i, holder=TAB, limit=1, seconds=60, rules=twice) for i in people]
    assert [lease.diary_id for leases in held for lease in leases] == [1, 1]


def test_whoever_names_ever_new_tabs_does_not_get_to_read_everything(opened: Database) -> None:
    fill(opened, 100)
    me = annotators.get_or_create_id(opened, "나")
    tabs = [
        labelling.load_board(opened, annotator_id=me, holder=f"tab-{number:04}", language="ko").items
        for number in range(14)
    ]
    assert [len(items) for items in tabs] == [labelling.LOOKAHEAD] * 10 + [0] * 4


@pytest.mark.parametrize("kind", ["undo", "label"])
def test_a_token_of_somebody_else_opens_nothing_and_ends_no_lease(world: World, kind: str) -> None:
    world.who = OTHER
    you = accounts.get_id(world.db, "지민")
    newest = labelling_decisions.list_recent(world.db, you, limit=1)[0]
    labelling_decisions.undo(world.db, newest.token, token="undo-of-jimin", annotator_id=you, holder=TAB)
    before = queue.list_leases(world.db, annotator_id=you, holder=TAB)
    tokens = ["undo-of-jimin", *(lease.token for lease in before)]
    for token in tokens:
        world.press(kind, "handed", token=token, label_id=1, undoes=newest.token if kind == "undo" else None)
    assert queue.list_leases(world.db, annotator_id=you, holder=TAB) == before
    assert world.shown() == []


def test_a_browser_can_not_use_up_a_token_of_what_the_app_does_by_itself() -> None:
    for token in ("correct:review:3:1:2:0", "answer:1:7", "undo-review:5", "undo-answer:12"):
        with pytest.raises(UserError, match="event_broken"):
            read_event({"seq": 1, "kind": "skip", "token": token, "diary_id": 1})


def test_nobody_answers_a_hidden_repeat_that_they_were_not_handed(world: World) -> None:
    world.who = ANNOTATOR
    receipt = world.press("label", "decided", token="r" + "0" * 32, label_id=1)
    assert receipt.refused is not None
    assert receipt.refused.code == "diary_not_handed"
    assert scalar(world.db, "select count(*) from repeats") == 0


def test_a_hidden_repeat_counts_once_however_late_and_however_often_it_comes(world: World) -> None:
    world.who = ANNOTATOR
    me, diary_id = world.person.annotator_id, world.ids["decided"]
    again = {"diary_id": diary_id, "annotator_id": me, "holder": TAB, "seconds": -1.0}
    queue.lease_again(world.db, **again, is_repeat=True)  # type: ignore[arg-type]
    leases = queue.list_leases(world.db, annotator_id=me, holder=TAB)
    token = next(lease.token for lease in leases if lease.is_repeat)
    with write(world.db):
        world.db.conn.execute("delete from leases where is_repeat = 1")
    for _ in range(2):
        assert world.press("label", "decided", token=token, label_id=1).refused is None
    assert scalar(world.db, "select count(*) from repeats") == 1


def test_a_press_that_was_kept_is_kept_when_it_comes_again_after_a_restart(world: World) -> None:
    world.who = ANNOTATOR
    for _ in range(2):
        receipt = world.press("label", "handed", token=world.tokens["handed"], label_id=1)
        assert receipt == labelling_decisions.Receipt(1)
    assert scalar(world.db, "select count(*) from decisions where token = :t", t=world.tokens["handed"]) == 1


@pytest.mark.parametrize("what", ["released", "expired", "flagged"])
def test_what_was_handed_out_still_counts_when_the_lease_is_gone(world: World, what: str) -> None:
    world.who = ANNOTATOR
    me = world.person.annotator_id
    if what == "released":
        queue.release_person(world.db, me)
    elif what == "expired":
        queue.renew(world.db, annotator_id=me, holder=TAB, seconds=-1)
        queue.claim(world.db, annotator_id=me, holder="another-tab", limit=1, seconds=60)
    else:
        flags.flag(world.db, [world.ids["handed"]], list_hash="list", up_to=24)
    assert world.press("label", "handed", token=world.tokens["handed"], label_id=1).refused is None
    assert world.press("rationale", "handed", label_id=1, span=[0, 2], verdict="right").refused is None


def test_an_answered_card_says_nothing_of_somebody_elses(world: World) -> None:
    world.who = OTHER
    said = set()
    for review_id in (world.review_id, 10**6):
        with pytest.raises(UserError) as raised:
            returned.answer(world.db, review_id, 5, annotator_id=world.person.annotator_id)
        said.add((raised.value.code, str(raised.value.details)))
    assert said == {("correction_gone", "{}")}


def test_a_card_that_care_withholds_is_neither_shown_nor_counted_but_an_answer_on_its_way_is_kept(
    world: World,
) -> None:
    world.who = ANNOTATOR
    me = world.person.annotator_id
    assert returned.count(world.db, me) == 1
    flags.flag(world.db, [world.ids["returned"]], list_hash="list", up_to=24)
    assert (returned.next_card(world.db, me), returned.count(world.db, me)) == (None, 0)
    assert returned.answer(world.db, world.review_id, 5, annotator_id=me)


# What many diaries go out by


@pytest.mark.parametrize("who", PEOPLE)
def test_an_export_is_for_those_who_may_review(world: World, who: str) -> None:
    world.who = who
    person, path = world.person, Path(connection.file_of(world.db))
    may = who in (REVIEWER, ADMINISTRATOR)
    ways: list[Callable[[], Any]] = [
        lambda: export_bytes(path, "jsonl", person=person),
        lambda: evidence.export_csv(world.db, None, person=person),
        lambda: job.start(path, "jsonl", person=person, decided_only=False, crosswalk=None, language="ko"),
        lambda: actions.undo_last(world.db, person.annotator_id),
        lambda: bulk.accept(world.db, [1], reviewer_id=person.annotator_id, seen_decision_id=0),
        lambda: rechecks.next_card(world.db, annotator_id=person.annotator_id),
    ]
    for way in ways:
        if may:
            way()
            continue
        with pytest.raises(UserError, match="right_missing"):
            way()
    job.forget(path)


def test_words_and_vectors_of_the_dictionary_leave_out_what_care_withholds(world: World) -> None:
    world.who = ANNOTATOR
    withheld = {world.ids["withheld"], world.ids["withheld_late"]}
    pool_ids = set(word_emotions.list_first_pool(world.db, limit=100))
    assert pool_ids
    assert not pool_ids & withheld
    assert len(diaries.sample_texts(world.db, limit=100, with_flagged=False)) == 23 - len(withheld)
    assert len(diaries.sample_texts(world.db, limit=100)) == 23


def test_the_gathered_words_change_when_a_diary_is_flagged(opened: Database) -> None:
    fill(opened, 4)
    add_model(opened)
    model_id = models.find_active_id(opened)
    assert model_id is not None
    for diary_id in (1, 2):
        text = diaries.get_diary(opened, diary_id).text
        weights = np.ones((1, 7), np.float32)
        explanations.store_explanation(
            opened, explanations.Explanation(diary_id, model_id, "eojeol", ((0, len(text)),), weights, (0.5,) * 7, 100)
        )
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    before, mark = evidence.gather(opened), evidence.get_revision(opened)
    flags.flag(opened, [1], list_hash="list", up_to=4)
    after = evidence.gather(opened)
    assert before is not None
    assert after is not None
    assert (before.evidence.diary_total, after.evidence.diary_total) == (2, 1)
    assert evidence.get_revision(opened) != mark


# Nothing new without a row in the tables


def test_every_kind_of_press_and_of_review_has_a_row() -> None:
    assert {f"press.{kind}" for kind in events.KINDS} <= EXPECTED.keys()
    assert {f"review.{kind}" for kind in actions.KINDS} <= EXPECTED.keys()
    assert ENTRIES.keys() == EXPECTED.keys()
    assert all(row.keys() == PEOPLE.keys() for row in EXPECTED.values())
    assert {role for _, role in PEOPLE.values()} == set(ROLES)


TOUCHES = {
    "db.texts.diaries": {"get_diary", "list_diaries", "list_texts", "sample_texts"},
    "db.models.word_emotions": {"list_explained"},
    "db.texts.care_flags": {"list_texts_after", "handle"},
    "db.answers.decisions": {"add", "undo"},
    "db.answers.rationales": {"add"},
    "db.review.reviews": {"add", "undo", "accept_all"},
    "db.answers.repeats": {"add", "undo"},
    "db.answers.queue": {"claim", "lease_again"},
    "db.answers.gold": {"add", "remove"},
}
"""What reads texts, or acts on diaries, by modules of `db`."""

USES = {
    # The tables above say who may.
    "privacy.care.list_cards": "care.cards",
    "privacy.care.handle": "care.handle",
    "review.returned.next_card": "correction.card",
    "review.returned.undo": "correction.undo",
    "privacy.forgetting._check_known": "forget",
    "quality.gold.add": "gold.add",
    "quality.gold.toggle": "gold.toggle",
    "labelling.board.load_board": "board",
    "labelling.board_items.item_of": "board",
    "labelling.decisions.decide": "press.label",
    "labelling.decisions._answers_repeat": "press.label",
    "labelling.decisions._was_blind": "press.label",
    "labelling.decisions.undo": "press.undo",
    "labelling.decisions._take_back": "press.undo",
    "privacy.masking.reveal": "reveal",
    "labelling.rationales.add": "press.rationale",
    "labelling.rationales._check": "press.rationale",
    "labelling.rationales.list_for_round": "learn.marked_words",
    "training.changed_answers.find_changed": "learn.changed_answers",
    "review.actions.apply": "review.label",
    "review.actions.undo_last": "export",
    "review.bulk.accept": "export",
    "review.excerpts.list_excerpts": "review.rows",
    "review.rechecks.next_card": "export",
    "review.case.read": "review.case",
    "review.case._neighbour": "review.case",
    "dictionary.evidence.list_examples": "dictionary.examples",
    "finding.hits.describe": "find",
    "finding.diary.read": "find.page",
    "finding.changed.read_sides": "find.sides",
    "finding.diary._is_test_undecided": "find.label",
    "labelling.group_acts._decide": "groups.label",
    # tests/service/test_diary_access.py
    "ingest.api.read": "service",
    "ingest.api.find_explanation": "service",
    # Shown to nobody: ids only, or words of the dictionary without those that care withholds.
    "accounts.diary_access.require": "refuses",
    "importing.twins.twin_finder": "owner",
    "dictionary.evidence.gather": "words",
    # On the machine itself, from commands and in the worker.
    "cli.predict.explain_": "owner",
    "cli.care.remove": "owner",
    "serving.predictor.Predictor._ensure_prediction": "worker",
    "training.pretrained.prefill": "owner",
    "training.pretrained._vectors": "owner",
    "publishing.publish._compared": "owner",
    "serving.mask_comparison.choose": "owner",
    # What whoever loads a model does for the above.
    "serving.encoder_cache._compare": "worker",
    "serving.explaining._explain_diary": "worker",
    "serving.runtime.ModelRuntime.encode_missing": "worker",
    "serving.runtime.ModelRuntime.text_features": "worker",
}
"""Each use-case that reads texts or acts on a diary, and where it stands who may; the worker has no guests."""


def test_every_use_case_that_touches_a_diary_stands_in_a_table() -> None:
    modules = sorted((ROOT / "annotator").rglob("*.py"))
    users = {name for path in modules for name in _users_in(path) if not name.startswith("worker.")}
    assert users == USES.keys()
    rows = {*EXPECTED, "export", "service", "refuses", "words", "owner", "worker"}
    assert set(USES.values()) <= rows


def _users_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    users = set()
    for owner, function in _functions(tree):
        for node in ast.walk(function):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            if node.attr in TOUCHES.get(names.get(node.value.id, ""), ()):
                module = path.relative_to(ROOT / "annotator").with_suffix("").parts
                users.add(".".join([*module, *owner, function.name]))
    return users


def _functions(tree: ast.Module) -> list[tuple[list[str], ast.FunctionDef]]:
    inner = [([node.name], each) for node in tree.body if isinstance(node, ast.ClassDef) for each in node.body]
    every = [*(([], node) for node in tree.body), *inner]
    return [(owner, node) for owner, node in every if isinstance(node, ast.FunctionDef)]


DOWNLOADS = {
    "overview/exports.py": "export",
    "dictionary/adding.py": "export",
    # Figures, reports by row number, and an example: no text of a diary.
    "team/agreement.py": "none",
    "simulate/result.py": "none",
    "import_diaries/page.py": "none",
    "import_diaries/report.py": "none",
    "import_diaries/history.py": "none",
}


def test_every_download_stands_in_a_table() -> None:
    pages = ROOT / "pages"
    pages_with_downloads = {
        str(path.relative_to(pages)) for path in pages.rglob("*.py") if "download_button(" in path.read_text("utf-8")
    }
    assert pages_with_downloads == DOWNLOADS.keys()
