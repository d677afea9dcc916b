"""Hidden repeats and gold diaries: when they come, where answers go, and how they are taken back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotator.labelling import decisions as labelling_decisions
from db import connection
from db.answers import decisions, gold, queue, repeats
from db.answers.decisions import Decision, NewDecision
from db.answers.queue import Rules
from db.answers.repeats import NewAnswer, Repeat
from db.connection import rows, scalar
from db.people import annotators
from db.texts import care_flags
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database
    from db.answers.queue import Lease

REPEATS = Rules(repeat_share=0.02)


@pytest.fixture
def me(opened: Database) -> int:
    fill(opened, 140)
    return annotators.get_or_create_id(opened, "나")


def _label(db: Database, annotator_id: int, count: int, *, rules: Rules | None = None) -> list[Lease]:
    """Label so many diaries one after the other and return what was handed out."""
    handed = []
    for _ in range(count):
        lease = queue.claim(db, annotator_id=annotator_id, holder="tab", limit=1, seconds=60, rules=rules)[0]
        handed.append(lease)
        if lease.is_repeat:
            repeats.add(db, NewAnswer(lease.diary_id, annotator_id, "label", lease.token, 1))
        else:
            decisions.add(db, NewDecision(lease.diary_id, annotator_id, "label", lease.token, 1))
    return handed


def test_the_first_repeat_comes_after_fifty_decisions_and_then_one_in_so_many(opened: Database, me: int) -> None:
    handed = _label(opened, me, 104, rules=Rules(repeat_share=0.04))
    places = [i for i, lease in enumerate(handed) if lease.is_repeat]
    assert places == [50, 75, 100]
    assert all(handed[i].diary_id in {lease.diary_id for lease in handed[: i - 29]} for i in places), "long ago"
    assert len({handed[i].diary_id for i in places}) == 3, "each once"


def test_a_clock_that_was_set_back_changes_neither_when_repeats_come_nor_what_an_undo_takes(
    opened: Database, me: int
) -> None:
    sparse = Rules(repeat_share=0.04)
    _label(opened, me, 51, rules=sparse)
    opened.conn.execute("update repeats set answered_at = '2999-01-01T00:00:00.000Z'")
    assert [i for i, lease in enumerate(_label(opened, me, 26, rules=sparse)) if lease.is_repeat] == [24]
    _label(opened, me, 1)
    recent = labelling_decisions.list_recent(opened, me, limit=3)
    assert [type(answer) for answer in recent] == [Decision, Decision, Repeat]


def test_without_a_share_a_finished_diary_never_comes_back(opened: Database, me: int) -> None:
    handed = _label(opened, me, 140, rules=Rules(repeat_share=0.0))
    assert len({lease.diary_id for lease in handed}) == 140
    assert queue.claim(opened, annotator_id=me, holder="tab", limit=3, seconds=60) == []


def test_an_answer_is_kept_apart_from_decisions_and_once(opened: Database, me: int) -> None:
    _label(opened, me, 50)
    before = decisions.last_decision_id(opened)
    lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60, rules=REPEATS)[0]
    assert (lease.is_repeat, repeats.is_repeat(lease.token)) == (True, True)
    answer = NewAnswer(lease.diary_id, me, "label", lease.token, 5, 2.0)
    assert repeats.add(opened, answer)
    assert repeats.add(opened, answer)
    kept = repeats.list_answers(opened, me)
    assert [(a.diary_id, a.kind, a.label_id) for a in kept] == [(lease.diary_id, "label", 5)]
    assert decisions.last_decision_id(opened) == before
    assert [d.label_id for d in decisions.list_standing(opened, [lease.diary_id])] == [1]
    assert queue.list_leases(opened, annotator_id=me, holder="tab") == []


def test_an_undo_takes_the_answer_back_that_it_names_and_only_once(opened: Database, me: int) -> None:
    _label(opened, me, 50)
    lease = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60, rules=REPEATS)[0]
    answer = NewAnswer(lease.diary_id, me, "skip", lease.token)
    repeats.add(opened, answer)
    taken = repeats.undo(opened, me, lease.token, token="undo-aaa")
    assert taken is not None
    assert taken == repeats.find_undone_by(opened, me, token="undo-aaa")
    assert repeats.undo(opened, me, lease.token, token="undo-bbb") is None, "it was taken back already"
    assert repeats.list_answers(opened, me) == []
    assert repeats.add(opened, answer), "an answer that arrives again is known"
    assert repeats.list_answers(opened, me) == []


def test_an_undo_leaves_the_answers_that_it_does_not_name(opened: Database, me: int) -> None:
    _label(opened, me, 51, rules=REPEATS)
    answer = repeats.list_answers(opened, me)[0]
    assert repeats.undo(opened, me, f"{answer.token} ", token="undo-aaa") is None
    assert repeats.undo(opened, me, "r-somebody-elses", token="undo-aaa") is None
    assert repeats.undo(opened, me + 1, answer.token, token="undo-aaa") is None
    assert repeats.list_answers(opened, me) == [answer]


def test_an_answer_whose_first_decision_is_gone_is_no_repeat(opened: Database, me: int) -> None:
    assert not repeats.add(opened, NewAnswer(3, me, "label", "r-token-aa", 5))
    assert repeats.list_answers(opened, me) == []


def test_a_repeat_does_not_count_as_one_more_person(opened: Database, me: int) -> None:
    _label(opened, me, 50, rules=Rules(overlap=2))
    both = Rules(overlap=2, repeat_share=0.02)
    again = queue.claim(opened, annotator_id=me, holder="tab", limit=1, seconds=60, rules=both)[0]
    you = annotators.get_or_create_id(opened, "너")
    handed = queue.claim(opened, annotator_id=you, holder="other", limit=60, seconds=60, rules=Rules(overlap=2))
    assert again.diary_id in {lease.diary_id for lease in handed}


def test_answers_of_an_older_database_find_their_place_among_the_decisions(opened: Database, me: int) -> None:
    _label(opened, me, 80, rules=Rules(repeat_share=0.04))
    place = "select id, after_decision_id from repeats order by id"
    before = rows(opened, place)
    assert [after for _, after in before] == [50, 74]
    # Times are spread out: of presses within one millisecond an older database does not tell which was first.
    opened.conn.executescript("""
        insert into forgetting (id) values (1);
        update decisions set decided_at = strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', (2 * id) || ' seconds');
        update repeats set answered_at = strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01',
            (2 * after_decision_id + 1) || ' seconds');
        delete from forgetting;
        alter table repeats drop column after_decision_id;
        delete from _sqlite_migrations where name = 'm006_in_order';
    """)
    with closing(connection.connect(Path(connection.file_of(opened)))) as newer:
        assert rows(newer, place) == before


# Gold


def test_everybody_is_handed_each_gold_diary_once_and_spread_out(opened: Database, me: int) -> None:
    you = annotators.get_or_create_id(opened, "너")
    _label(opened, me, 20)
    done = [lease.diary_id for lease in _label(opened, me, 2)]
    for diary_id in done:
        gold.add(opened, diary_id, 1, annotator_id=me)
    handed = [lease.diary_id for lease in _label(opened, you, 60, rules=Rules(gold_share=0.1))]
    places = [i for i, diary_id in enumerate(handed) if diary_id in done]
    assert places == [9, 19]
    standing = decisions.list_standing(opened, done)
    assert sorted(d.annotator_id for d in standing) == sorted([me, you] * 2), "they are decisions like others"


def test_a_gold_diary_that_waits_for_the_lead_is_not_handed_to_others(opened: Database, me: int) -> None:
    gold.add(opened, 140, 1, annotator_id=me)
    care_flags.flag(opened, [140], list_hash="x", up_to=140)
    _label(opened, me, 30, rules=Rules(sees_flagged=False))
    assert gold.find_due(opened, me, share=0.1, sees_flagged=False) is None
    assert gold.find_due(opened, me, share=0.1, sees_flagged=True) == 140


def test_a_gold_diary_can_be_changed_and_taken_off_on_record(opened: Database, me: int) -> None:
    gold.add(opened, 3, 1, annotator_id=me)
    gold.add(opened, 3, 2, annotator_id=me)
    assert [(g.diary_id, g.label_id) for g in gold.list_gold(opened)] == [(3, 2)]
    assert gold.remove(opened, 3, annotator_id=me)
    assert not gold.remove(opened, 3, annotator_id=me)
    assert gold.list_gold(opened) == []
    actions = [action for (action,) in rows(opened, "select action from audit_log order by id")]
    assert actions == ["gold.add", "gold.add", "gold.remove"]
    assert scalar(opened, "select count(*) from audit_log where subject = 'diary:3'") == 3
