"""The tally says at every moment what counting anew would say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.answers import decisions, progress_counts, queue
from db.answers.decisions import NewDecision
from db.answers.queue import Rules
from db.connection import rows
from db.people import annotators
from tests.conftest import fill, undo_newest

if TYPE_CHECKING:
    from db import Database

STEPS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 2), st.sampled_from(["label", "label", "skip", "flag", "undo"])),
    max_size=14,
)


def _counted(db: Database, people: list[int], rules: Rules, since: int) -> list[tuple[int, int]]:
    """Count what is left and labelled for each person, straight from the decisions in force."""
    cut = rules.parameters()["cut"]
    needed = {i: rules.overlap if draw % 9973 < cut else 1 for i, draw in rows(db, "select id, draw from diaries")}
    standing = rows(db, "select diary_id, annotator_id, kind, decision_id from standing")
    done = {i for i in needed if sum(d == i and kind != "skip" for d, _, kind, _ in standing) >= needed[i]}
    counted = []
    for person in people:
        mine = {d for d, who, _, _ in standing if who == person}
        counted.append(
            (len(set(needed) - done - mine), sum(who == person and k == "label" for _, who, k, _ in standing))
        )
    return [*counted, (sum(k == "label" and i > since for _, _, k, i in standing), 0)]


@pytest.mark.parametrize("rules", [Rules(), Rules(overlap=2), Rules(overlap=2, overlap_share=0.5)], ids=str)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=STEPS)
def test_it_follows_every_press_of_everybody(opened: Database, rules: Rules, steps: list[tuple[int, int, str]]) -> None:
    if not rows(opened, "select 1 from diaries limit 1"):
        fill(opened, 5)
    people = [annotators.get_or_create_id(opened, f"사람 {i}") for i in range(3)]
    for diary_id, who, kind in steps:
        token = f"token-{decisions.last_decision_id(opened)}-{diary_id}"
        if kind == "undo":
            undo_newest(opened, people[who], token=token)
        else:
            label_id = 1 if kind == "label" else None
            decisions.add(opened, NewDecision(diary_id, people[who], kind, token, label_id))  # type: ignore[arg-type]
        since = decisions.last_decision_id(opened) // 2
        kept = progress_counts.get_counts(opened, overlap=rules.overlap, cut=rules.parameters()["cut"])
        told = [(queue.count_open(opened, person, rules), kept.labels_of[person]) for person in people]
        assert [*told, (kept.labels_since(since), 0)] == _counted(opened, people, rules, since)


def test_an_older_copy_of_the_database_is_counted_anew(opened: Database) -> None:
    fill(opened, 5)
    me = annotators.get_or_create_id(opened, "나")
    decisions.add(opened, NewDecision(1, me, "label", "token-aa", 1))
    assert progress_counts.get_counts(opened, overlap=1, cut=9973).labels_of[me] == 1
    opened.conn.execute("drop trigger decisions_last")
    opened.conn.execute("delete from standing")
    opened.conn.execute("delete from decisions")
    opened.conn.commit()
    assert progress_counts.get_counts(opened, overlap=1, cut=9973).labels_of[me] == 0
