"""Whatever is done to the label set, in whatever order: no decision is lost, and everything can be taken back."""

from __future__ import annotations

import tempfile
import unicodedata
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import db as database
from annotator import project
from annotator.accounts import annotators
from annotator.errors import UserError
from annotator.label_sets import definitions, editing
from annotator.label_sets.editing import NewLabel
from db.answers import decisions
from db.answers.decisions import NewDecision
from db.connection import rows
from db.label_sets import labels
from tests.conftest import fill

_NAMES = st.sampled_from(["서운함", unicodedata.normalize("NFD", "서운함"), "그리움", "설렘", "슬픔", "화"])
_PICK = st.integers(0, 30)
_DIARIES = 5


class LabelSets(RuleBasedStateMachine):
    """Changes, decisions and undos on one small project; what can't be done has to change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "project.db"
        project.init(self.path, seed="00" * 16)
        self.db = project.open_project(self.path)
        fill(self.db, _DIARIES)
        self.me = annotators.get_or_create(self.db, "나")
        self.first = labels.list_labels(self.db)
        self.pressed: dict[int, int] = {}

    def _pick(self, number: int) -> int:
        in_force = labels.list_labels(self.db)
        return in_force[number % len(in_force)].id

    def _tried(self, what: str, *args: object, **kwargs: object) -> None:
        before = (labels.list_all_labels(self.db), editing.list_changes(self.db))
        try:
            getattr(editing, what)(self.db, *args, annotator_id=self.me, **kwargs)
        except UserError:
            assert (labels.list_all_labels(self.db), editing.list_changes(self.db)) == before

    @rule(diary=st.integers(1, _DIARIES), label=_PICK)
    def decide(self, diary: int, label: int) -> None:
        label_id, token = self._pick(label), str(len(self.pressed))
        made = decisions.add(self.db, NewDecision(diary, self.me, "label", token, label_id))
        assert made is not None
        self.pressed[made] = label_id

    @rule(name=_NAMES)
    def add(self, name: str) -> None:
        self._tried("add", NewLabel(name))

    @rule(label=_PICK, name=_NAMES)
    def rename(self, label: int, name: str) -> None:
        self._tried("edit", {self._pick(label): {"name": name}})

    @rule(label=_PICK, key=st.sampled_from("12589q"))
    def change_key(self, label: int, key: str) -> None:
        self._tried("edit", {self._pick(label): {"key": key}})

    @rule(label=_PICK, into=_PICK)
    def merge(self, label: int, into: int) -> None:
        self._tried("merge", self._pick(label), self._pick(into))

    @rule(label=_PICK, first=_NAMES, second=_NAMES, keep=st.booleans())
    def split(self, label: int, first: str, second: str, keep: bool) -> None:
        self._tried("split", self._pick(label), [NewLabel(first), NewLabel(second)], keep=keep)

    @rule(label=_PICK)
    def retire(self, label: int) -> None:
        self._tried("retire", self._pick(label))

    @rule(seed=st.integers(0, 5))
    def reorder(self, seed: int) -> None:
        ids = [label.id for label in labels.list_labels(self.db)]
        self._tried("reorder", ids[seed % len(ids) :] + ids[: seed % len(ids)])

    @precondition(lambda self: editing.list_changes(self.db))
    @rule(which=_PICK)
    def undo(self, which: int) -> None:
        changes = editing.list_changes(self.db)
        self._tried("undo", changes[which % len(changes)].id)

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.db = database.connect(self.path)

    @invariant()
    def every_decision_is_as_it_was_pressed(self) -> None:
        assert dict(rows(self.db, "select id, label_id from decisions")) == self.pressed

    @invariant()
    def what_counts_is_what_the_pressed_label_was_merged_into(self) -> None:
        merged = labels.list_merged(self.db)
        assert not set(merged.values()) & set(merged)
        for decision_id, label_id in rows(self.db, "select decision_id, label_id from standing"):
            pressed = self.pressed[decision_id]
            assert label_id == merged.get(pressed, pressed)

    @invariant()
    def the_label_set_can_be_used(self) -> None:
        definitions.check_labels(labels.list_labels(self.db))
        names = [unicodedata.normalize("NFC", label.name) for label in labels.list_all_labels(self.db)]
        assert len(set(names)) == len(names)

    def teardown(self) -> None:
        """Take everything back, newest first: that always goes, and leaves the label set that it began with."""
        for change in editing.list_changes(self.db):
            if change.action != "undo" and change.undone_by is None:
                editing.undo(self.db, change.id, annotator_id=self.me)
        assert labels.list_labels(self.db) == self.first
        self.db.close()
        self.folder.cleanup()


def test_any_sequence_of_changes_keeps_every_decision_and_can_be_taken_back() -> None:
    run_state_machine_as_test(
        LabelSets,
        settings=settings(
            max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
