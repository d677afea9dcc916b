"""One press labels many diaries: all or none of them, once, and it can be taken back as one."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator import blinding, project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.exporting import export
from annotator.finding import diary as diary_pages
from annotator.importing import Choices, import_file
from annotator.label_sets import editing
from annotator.labelling import board, group_acts
from annotator.labelling import decisions as labelling_decisions
from annotator.privacy import forgetting
from annotator.privacy.forgetting import Selection
from annotator.quality.group_checks import measure
from annotator.training.examples import examples_of
from db import connection
from db.answers import decisions, gold, group_checks, queue, repeats, training_data
from db.connection import rows, scalar, write
from db.errors import NotFoundError
from db.people import annotators
from db.stats import agreement
from db.texts import care_flags
from tests import reviewed
from tests.conftest import ROOT, fill
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from annotator.accounts.diary_access import Actor
    from db import Database

IDS = list(range(1, 41, 2))


@pytest.fixture
def db(opened: Database) -> Database:
    """Forty undecided diaries of the pool, and a model that knows their mood."""
    fill(opened, 40)
    with write(opened):
        opened.conn.execute("update diaries set part = 'pool'")
    reviewed.add_model(opened)
    return opened


@pytest.fixture
def me(db: Database) -> Actor:
    return diary_access.person(annotators.get_or_create_id(db, "지민"))


def _label(
    db: Database, actor: Actor, ids: list[int], label_id: int = HAPPY, token: str = "token-of-a-grid"
) -> group_acts.Outcome:
    return group_acts.label(db, actor, ids, label_id, token=token, kind="similar")


def _standing(db: Database) -> dict[int, int]:
    return dict(rows(db, "select diary_id, label_id from standing order by diary_id"))


def test_all_that_are_ticked_get_the_label_but_for_the_share_that_is_held_out(db: Database, me: Actor) -> None:
    outcome = _label(db, me, IDS)
    held = group_checks.list_held_ids(db)
    assert (outcome.labelled_count, outcome.held_count, outcome.gone_count) == (18, 2, 0)
    assert _standing(db) == dict.fromkeys(sorted(set(IDS) - set(held)), HAPPY)
    kept = rows(db, "select distinct asked_by, shown_label_id, seconds, blind from decisions")
    assert kept == [("group", HAPPY, None, None)]


@pytest.mark.parametrize(
    ("count", "share", "held"), [(1, 0.1, 0), (4, 0.1, 0), (5, 0.1, 1), (20, 0.1, 2), (9, 1, 8), (9, 0, 0)]
)
def test_at_least_one_of_five_is_held_out_unless_none_shall_be(
    db: Database, me: Actor, count: int, share: float, held: int
) -> None:
    project_settings.change(db, group_check_share=share)
    outcome = _label(db, me, IDS[:count])
    assert (outcome.labelled_count, outcome.held_count) == (count - held, held)


def test_a_press_that_comes_again_changes_nothing(db: Database, me: Actor) -> None:
    first = _label(db, me, IDS)
    before = decisions.last_decision_id(db)
    assert _label(db, me, IDS) == first
    assert _label(db, me, IDS, SAD) == first, "whatever it says: it is the same press"
    assert decisions.last_decision_id(db) == before


def test_the_same_token_of_somebody_else_is_refused(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    you = diary_access.person(annotators.get_or_create_id(db, "민준"))
    with pytest.raises(UserError, match="event_broken"):
        _label(db, you, IDS)


def test_presses_at_the_same_time_count_once(db: Database, me: Actor) -> None:
    """Twice under one token, as of a double click, and once under another, as of a second tab."""
    path, outcomes = Path(connection.file_of(db)), []
    gate = threading.Barrier(6)

    def press(token: str) -> None:
        with closing(project.open_project(path)) as own:
            gate.wait()
            try:
                outcomes.append(_label(own, me, IDS, token=token))
            except UserError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=press, args=(f"token-of-tab-{number % 2}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("group_gone") == 3
    assert len({each for each in outcomes if each != "group_gone"}) == 1
    assert scalar(db, "select count(*) from decisions") == 18
    assert scalar(db, "select count(*) from group_acts") == 1


def test_what_is_not_open_any_more_is_left_out_and_said(db: Database, me: Actor) -> None:
    you = annotators.get_or_create_id(db, "민준")
    reviewed.label(db, IDS[0], SAD, name="서연")
    queue.lease_again(db, diary_id=IDS[1], annotator_id=you, holder="tab", seconds=60)
    outcome = _label(db, me, IDS[:7])
    assert outcome.gone_count == 2
    assert _standing(db)[IDS[0]] == SAD
    assert IDS[1] not in _standing(db)
    with pytest.raises(UserError, match="group_gone"):
        _label(db, me, IDS[:2], token="another-grid")


def _flag(db: Database, diary_id: int) -> None:
    care_flags.flag(db, [diary_id], list_hash="list", up_to=40)


def _to_test(db: Database, diary_id: int) -> None:
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id = ?", [diary_id])


def _to_gold(db: Database, diary_id: int) -> None:
    gold.add(db, diary_id, label_id=SAD, annotator_id=annotators.get_or_create_id(db, "서연"))


def _draw(db: Database, diary_id: int) -> None:
    entries = [queue.QueueEntry(diary_id, "random", 0.0)]
    model_id = scalar(db, "select max(id) from models")
    queue.replace_queue(db, entries, model_id=model_id)


def _hold_out(db: Database, diary_id: int) -> None:
    with write(db):
        db.conn.execute("update queue set strategy = 'group_check' where diary_id = ?", [diary_id])


def _blind(db: Database, diary_id: int) -> None:
    share = blinding.blind_draw(project_settings.load(db).seed, diary_id)
    project_settings.change(db, blind_share=share + 1e-9)


@pytest.mark.parametrize("make", [_flag, _to_test, _to_gold, _draw, _hold_out, _blind])
def test_what_measures_or_is_withheld_is_never_labelled_as_one_of_many(db: Database, me: Actor, make: object) -> None:
    assert group_acts.list_open(db, me, [IDS[0]], project_settings.load(db)) == [IDS[0]]
    make(db, IDS[0])  # type: ignore[operator]
    assert group_acts.list_open(db, me, [IDS[0]], project_settings.load(db)) == []
    with pytest.raises(UserError, match="group_gone"):
        _label(db, me, [IDS[0]])


def test_somebody_elses_lease_that_has_run_out_holds_nothing(db: Database, me: Actor) -> None:
    you = annotators.get_or_create_id(db, "민준")
    queue.lease_again(db, diary_id=IDS[0], annotator_id=you, holder="tab", seconds=-1)
    assert group_acts.list_open(db, me, [IDS[0]], project_settings.load(db)) == [IDS[0]]


@pytest.mark.parametrize(
    ("ids", "label_id", "token", "code"),
    [
        ([], HAPPY, "token-of-a-grid", "group_empty"),
        (list(range(1, 202)), HAPPY, "token-of-a-grid", "group_large"),
        ([1], 99, "token-of-a-grid", "label_unknown"),
        ([1], HAPPY, "a:b-with-colon", "event_broken"),
        ([1], HAPPY, "short", "event_broken"),
    ],
)
def test_what_a_press_can_not_be_is_refused(
    db: Database, me: Actor, ids: list[int], label_id: int, token: str, code: str
) -> None:
    with pytest.raises(UserError, match=code):
        _label(db, me, ids, label_id, token)
    assert scalar(db, "select count(*) from group_acts") == 0


def test_a_diary_that_was_forgotten_meanwhile_refuses_the_whole_press(db: Database, me: Actor) -> None:
    forgetting.forget(db, None, Selection(ids=(IDS[3],)))
    with pytest.raises(NotFoundError, match="diary_forgotten"):
        _label(db, me, IDS)
    assert _standing(db) == {}


def test_a_label_that_was_merged_since_counts_for_what_it_is_now(db: Database, me: Actor) -> None:
    editing.merge(db, HAPPY, SAD, annotator_id=me.annotator_id)
    assert _label(db, me, IDS).label_id == SAD


def test_undo_takes_all_of_it_back_and_puts_the_diaries_into_the_queue_again(db: Database, me: Actor) -> None:
    outcome = _label(db, me, IDS)
    assert [act.token for act in group_acts.list_recent(db, me)] == [outcome.token]
    act = group_acts.undo(db, me, outcome.token)
    assert act.undone_at is not None
    assert _standing(db) == {}
    assert group_acts.list_recent(db, me) == []
    assert group_checks.list_held_ids(db) == []
    before = decisions.last_decision_id(db)
    assert group_acts.undo(db, me, outcome.token) == act
    assert decisions.last_decision_id(db) == before
    assert set(IDS) <= set(queue.list_head(db, 99))
    assert _label(db, me, IDS, SAD, token="grid-again").labelled_count == 18


def test_nobody_takes_back_what_somebody_else_pressed(db: Database, me: Actor) -> None:
    outcome = _label(db, me, IDS)
    you = diary_access.person(annotators.get_or_create_id(db, "민준"))
    for actor, token in ((you, outcome.token), (me, "no-such-token")):
        with pytest.raises(UserError, match="undo_not_in_force"):
            group_acts.undo(db, actor, token)
    assert len(_standing(db)) == 18


def test_a_later_decision_on_a_member_survives_the_undo_and_does_not_bring_the_label_back(
    db: Database, me: Actor
) -> None:
    outcome = _label(db, me, IDS)
    member = min(_standing(db))
    diary_pages.label(db, me, member, SAD, shown=None)
    assert group_acts.list_recent(db, me)[0].corrected_count == 1
    group_acts.undo(db, me, outcome.token)
    assert _standing(db) == {member: SAD}
    newest = decisions.list_standing(db, [member])[0]
    decisions.undo(db, newest.id, token="undo-of-the-correction")
    assert _standing(db) == {}


def test_the_label_page_neither_lists_nor_takes_back_a_group(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    assert labelling_decisions.list_recent(db, me.annotator_id, limit=9) == []
    assert decisions.list_times(db, me.annotator_id, limit=9) == []
    token = scalar(db, "select min(token) from decisions")
    with pytest.raises(UserError, match="undo_not_in_force"):
        labelling_decisions.undo(db, token, token="undo-press", annotator_id=me.annotator_id, holder="tab")


def test_what_is_held_out_is_asked_singly_and_blind_once_some_minutes_have_passed(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    held = set(group_checks.list_held_ids(db))
    shown = _board(db, me)
    assert not held & {item["diary_id"] for item in shown}
    with write(db):
        db.conn.execute("update group_acts set decided_at = '2020'")
        db.conn.execute("delete from leases")
    (item,) = [item for item in _board(db, me) if item["diary_id"] in held]
    assert item["blind"]
    assert item["prediction"] is None
    blind = next(i for i in _board(db, me) if i["diary_id"] == item["diary_id"])["why"]
    assert "무작위로 골라 예측을 가린" in blind


def _board(db: Database, me: Actor) -> list[dict[str, object]]:
    return board.load_board(db, annotator_id=me.annotator_id, holder="tab", language="ko").items


def test_what_is_held_out_is_asked_at_once_where_nothing_else_is_left(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    held = set(group_checks.list_held_ids(db))
    with write(db):
        db.conn.execute("delete from queue where strategy <> 'group_check'")
    seen = set()
    for _ in range(2):
        (item, *_rest) = _board(db, me)
        seen.add(item["diary_id"])
        raw = {"seq": 1, "kind": "label", "token": item["token"], "diary_id": item["diary_id"], "label_id": HAPPY}
        raw |= {"seconds": 2.0}
        receipt = labelling_decisions.receive(db, raw, annotator_id=me.annotator_id, holder="tab", acked=0)
        assert receipt.refused is None
    assert seen == held
    said = rows(db, "select distinct asked_by, shown_label_id, blind from decisions where seconds is not null")
    assert said == [("group_check", None, 0)], "blind, and not by the draw with which the effect of seeing is measured"


def test_the_answers_to_what_was_held_out_are_counted_against_the_press(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    held = sorted(group_checks.list_held_ids(db))
    assert (group_checks.list_checked(db), group_checks.count_waiting(db)) == ([], 2)
    _answer(db, me, held[0], HAPPY)
    you = diary_access.person(annotators.get_or_create_id(db, "민준"))
    _answer(db, you, held[1], SAD)
    own, other = group_checks.list_checked(db)
    assert (own.worth, own.is_label, own.is_same, own.is_own) == (10, True, True, True)
    assert (other.worth, other.is_label, other.is_same, other.is_own) == (10, True, False, False)
    measured = measure(db)
    assert (measured.same, measured.count, measured.different, measured.waiting) == (1, 2, None, 0)
    group_acts.undo(db, me, "token-of-a-grid")
    assert (group_checks.list_checked(db), group_checks.count_waiting(db)) == ([], 0)


def _answer(db: Database, actor: Actor, diary_id: int, label_id: int) -> None:
    new = decisions.NewDecision(diary_id, actor.annotator_id, "label", f"single-{diary_id}", label_id, seconds=1.0)
    assert decisions.add(db, new) is not None


def test_a_round_leaves_what_is_held_out_in_the_queue(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    held = set(group_checks.list_held_ids(db))
    queue.replace_queue(db, [queue.QueueEntry(2, "margin", 0.1)], model_id=scalar(db, "select max(id) from models"))
    assert set(group_checks.list_held_ids(db)) == held


def test_labels_of_a_group_are_neither_repeated_nor_compared_between_people(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    for diary_id in _standing(db):
        reviewed.label(db, diary_id, SAD, name="서연")
    assert len(agreement.list_answers(db)) == 0
    with write(db):
        db.conn.execute(
            "insert into decisions (diary_id, annotator_id, kind, label_id, token, source, decided_at) "
            "select id, ?, 'skip', null, 'skip-' || id, 'person', '2020' from diaries where id % 2 = 0 "
            "union all select id, ?, 'skip', null, 'skip-again-' || id, 'person', '2020' from diaries",
            [me.annotator_id] * 2,
        )
    due = {repeats.find_due(db, me.annotator_id, share=0.5, sees_flagged=True) for _ in range(60)}
    assert due
    grouped = {
        i
        for (i,) in rows(db, "select m.diary_id from group_members m join standing s on s.decision_id = m.decision_id")
    }
    assert not due & grouped


def test_a_round_learns_one_example_of_a_press_and_is_measured_on_none(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    reviewed.label(db, 2, SAD)
    diary_pages.label(db, me, 1, HAPPY, shown=None)
    training = examples_of(training_data.list_labelled(db, part="pool"), (HAPPY, SAD))
    by_themselves = training.diary_ids[training.is_single].tolist()
    assert sorted(by_themselves) == [1, 2]
    assert training.weights.sum() == pytest.approx(3)
    assert decisions.count_said(db) == {HAPPY: 1 + (1 in by_themselves), SAD: 1}
    with write(db):
        db.conn.execute("update diaries set part = 'test'")
    tested = training_data.list_labelled(db, part="test")
    assert sorted(tested.diary_ids.tolist()) == [1, 2]


def test_forgetting_members_leaves_the_others_and_no_trace_of_them(db: Database, me: Actor) -> None:
    _label(db, me, IDS)
    forgetting.forget(db, None, Selection(ids=tuple(IDS[:5])))
    assert rows(db, "select diary_id from group_members where diary_id in (1, 3, 5, 7, 9)") == []
    (act,) = group_acts.list_recent(db, me)
    assert act.labelled_count + act.held_count == 15
    group_acts.undo(db, me, act.token)
    forgetting.forget(db, None, Selection(ids=tuple(IDS[5:])))
    assert group_acts.list_recent(db, me) == []
    assert rows(db, "pragma foreign_key_check") == []


def test_forgetting_an_import_that_brought_a_group_leaves_nothing_of_it(
    db: Database, me: Actor, tmp_path: Path
) -> None:
    _label(db, me, IDS)
    export(db, tmp_path / "out.jsonl", file_format="jsonl")
    project.init(tmp_path / "second.db", seed="00" * 16)
    with closing(project.open_project(tmp_path / "second.db")) as second:
        fill(second, 40)
        import_file(second, tmp_path / "out.jsonl", "out.jsonl", choices=Choices(several="all"))
        kinds = rows(second, "select kind, count(*) from group_acts join group_members on act_id = id group by kind")
        assert kinds == [("import", 18)]
        newest = scalar(second, "select max(id) from batches")
        forgetting.forget(second, None, Selection(batch_id=newest))
        assert rows(second, "select act_id from group_members") == []
        assert rows(second, "pragma foreign_key_check") == []


_KILLED = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from annotator import project
from annotator.accounts import diary_access
from annotator.labelling import group_acts
from db.answers import groups

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

path, me, step = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
with closing(project.open_project(path)) as db:
    count = [0]
    def trace(statement):
        count[0] += 1
        if count[0] == int(step):
            die()
    db.conn.set_trace_callback(trace)
    group_acts.label(db, diary_access.person(me), list(range(1, 41, 2)), 2, token="token-of-a-grid", kind="similar")
"""


@pytest.mark.parametrize("step", [30, 60, 90, 110, 150])
def test_a_press_that_is_killed_in_the_middle_is_there_as_a_whole_or_not_at_all(
    db: Database, me: Actor, step: int
) -> None:
    path = connection.file_of(db)
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, path, str(me.annotator_id), str(step)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    counts = scalar(db, "select count(*) from decisions"), scalar(db, "select count(*) from group_members")
    assert counts in ((0, 0), (18, 20)), done.stderr[-500:]
    assert done.returncode == -9 or counts == (18, 20)
    assert _label(db, me, IDS).labelled_count == 18
    assert scalar(db, "select count(*) from decisions") == 18
