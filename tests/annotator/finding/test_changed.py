"""What a version answers otherwise than another, counted on all diaries and shown to whoever may see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.finding import changed
from annotator.serving import predictor_client, version_answers
from annotator.serving.runtime import ModelRuntime
from annotator.training import version_changes
from db import connection
from db.answers import decisions
from db.connection import write
from db.label_sets import labels
from db.models import facts, models, predictions
from db.models.models import NewModel
from db.people import annotators
from learner.classification import classifier as classifiers
from learner.encoders.encoder import default_cache
from tests import reviewed, trying
from tests.reviewed import HAPPY, SAD

if TYPE_CHECKING:
    from db import Database

OWNER = diary_access.owner(0)
CALM = 6


@pytest.fixture
def db(opened: Database) -> Database:
    """지민 has labelled twelve diaries, 1 and 2 wrongly; version 0 knows the mood of each."""
    reviewed.make(opened)
    return opened


def _add(db: Database, answers: dict[int, int], *, trained_on: tuple[int, ...] = (), last: int = 12) -> int:
    """Add a version that answers like version 0 but for some diaries; return its number."""
    ids = tuple(label.id for label in labels.list_labels(db))
    old = models.list_models(db)[0]
    proba = predictions.load_predictions(db, old)[:last].copy()
    for diary_id, label_id in answers.items():
        proba[diary_id - 1] = 0.05
        proba[diary_id - 1, ids.index(label_id)] = 0.7
    made = models.add_model(db, NewModel("instant", "bundled", "encoder", ids, b"", {}, trained_on))
    predictions.store_predictions(db, made, proba)
    return models.get_model(db, made).version


def _make_test_part(db: Database, *diary_ids: int) -> None:
    with write(db):
        db.conn.executemany("update diaries set part = 'test' where id = ?", [(i,) for i in diary_ids])


def _decision_of(db: Database, diary_id: int) -> int:
    return decisions.list_standing(db, [diary_id])[0].id


def test_changed_answers_are_counted_on_what_both_have_answered(db: Database) -> None:
    second = _add(db, {3: SAD, 4: HAPPY, 5: CALM}, last=10)
    changes = changed.summarize(db, OWNER, 0, second)
    assert (changes.n, changes.count, changes.unanswered) == (10, 3, (0, 2))


def test_a_damaged_label_stands_first_by_label_and_by_pair(db: Database) -> None:
    # Version 1 answers no sad diary rightly any more, and improves on the two that were labelled otherwise.
    broken = {diary_id: (HAPPY if diary_id % 4 else CALM) for diary_id in range(4, 13, 2)}
    second = _add(db, {**broken, 1: SAD})
    changes = changed.summarize(db, OWNER, 0, second)
    worst, pair = changes.by_label[0], changes.by_pair[0]
    assert changes.label_names[worst.label] == "슬픔"
    assert (worst.away.count, worst.away.lost, worst.towards.gained) == (5, 5, 1)
    assert (changes.label_names[pair.before], pair.lost) == ("슬픔", 3)
    rows = changed.list_changed(db, OWNER, 0, second).diaries
    assert [row.outcome for row in rows] == ["lost"] * 5 + ["gained"]


def test_wins_on_learned_labels_are_counted_apart_and_get_no_p_value(db: Database) -> None:
    _make_test_part(db, 9, 10, 11, 12)
    learned = tuple(_decision_of(db, diary_id) for diary_id in (1, 2))
    second = _add(db, {1: SAD, 2: HAPPY, 9: SAD, 10: HAPPY, 5: SAD}, trained_on=learned)
    groups = {each.group: each for each in changed.summarize(db, OWNER, 0, second).decided}
    assert {name: (g.n, g.gained, g.lost) for name, g in groups.items()} == {
        "test": (4, 0, 2),
        "later": (6, 0, 1),
        "learned": (2, 2, 0),
    }
    assert (groups["test"].p, groups["later"].p, groups["learned"].p) == (0.5, 1.0, None)
    assert (groups["test"].before_right, groups["test"].after_right) == (4, 2)


def test_a_diary_that_was_labelled_anew_since_still_counts_as_learned_from(db: Database) -> None:
    learned = _decision_of(db, 5)
    second = _add(db, {5: SAD}, trained_on=(learned,))
    reviewed.label(db, 5, SAD)
    assert _decision_of(db, 5) != learned
    groups = {each.group: each for each in changed.summarize(db, OWNER, 0, second).decided}
    assert (groups["learned"].n, groups["learned"].gained) == (1, 1)


def test_a_pair_narrows_the_list_and_the_surest_come_first(db: Database) -> None:
    second = _add(db, {3: SAD, 4: HAPPY, 5: CALM})
    listed = changed.list_changed(db, OWNER, 0, second, before="행복")
    # Of 3, 지민 and 서연 said different things, and the newer answer counts.
    assert [row.hit.diary_id for row in listed.diaries] == [5, 3]
    lost, wrong = listed.diaries
    assert (lost.before, lost.after, lost.truth, lost.after_proba) == ("행복", "중립", "행복", 0.7)
    assert (lost.outcome, wrong.outcome) == ("lost", "wrong")
    assert changed.list_changed(db, OWNER, 0, second, before="행복", after="중립").count == 1
    page = changed.list_changed(db, OWNER, 0, second, skip=1, limit=1)
    assert (len(page.diaries), page.count) == (1, 3)


def test_diaries_that_are_still_to_be_decided_blind_are_counted_and_not_listed(db: Database) -> None:
    second = _add(db, {3: SAD, 4: HAPPY, 6: HAPPY})
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id = 4")
        db.conn.execute("delete from standing where diary_id in (4, 6)")
    listed = changed.list_changed(db, OWNER, 0, second)
    assert ([row.hit.diary_id for row in listed.diaries], listed.hidden) == ([3, 6], 1)
    assert listed.diaries[1].truth is None
    project_settings.change(db, blind_share=1.0)
    listed = changed.list_changed(db, OWNER, 0, second)
    assert ([row.hit.diary_id for row in listed.diaries], listed.hidden) == ([3], 2)
    with pytest.raises(UserError, match="find_still_blind"):
        changed.explain(db, _path(db), OWNER, 6, 0, second, "ko")


def _path(db: Database) -> Path:
    return Path(connection.file_of(db))


def test_only_reviewers_see_what_changed(db: Database) -> None:
    second = _add(db, {3: SAD})
    seoyeon = annotators.get_or_create_id(db, "서연")
    with write(db):
        db.conn.execute(
            "insert into accounts (annotator_id, role, password_hash, created_at) values (?, 'annotator', '', '')",
            (seoyeon,),
        )
    actor = diary_access.person(seoyeon)
    for refused in (
        lambda: changed.summarize(db, actor, 0, second),
        lambda: changed.list_changed(db, actor, 0, second),
        lambda: changed.request(db, actor, 0, second),
        lambda: changed.explain(db, _path(db), actor, 3, 0, second, "ko"),
    ):
        with pytest.raises(UserError, match="right_missing"):
            refused()


def test_versions_that_are_not_there_or_the_same_are_said(db: Database) -> None:
    with pytest.raises(UserError, match="version_unknown"):
        changed.summarize(db, OWNER, 0, 9)
    with pytest.raises(UserError, match="versions_equal"):
        changed.summarize(db, OWNER, 0, 0)
    second = _add(db, {3: SAD})
    with pytest.raises(UserError, match="find_unknown_label"):
        changed.list_changed(db, OWNER, 0, second, before="없음")


def test_what_is_missing_can_be_requested_of_the_worker(db: Database) -> None:
    second = _add(db, {3: SAD}, last=4)
    assert not changed.is_requested(db)
    changed.request(db, OWNER, 0, second)
    assert changed.is_requested(db)
    for model in models.list_models(db):
        facts.end_request_of_predictions(db, model.id)
    assert not changed.is_requested(db)


def test_answers_are_in_the_labels_in_force(db: Database) -> None:
    second = _add(db, {3: SAD, 4: HAPPY})
    with write(db):
        db.conn.execute("update labels set merged_into = ?, retired_at = 'now' where id = ?", (HAPPY, SAD))
    assert changed.summarize(db, OWNER, 0, second).count == 0


def test_versions_without_a_common_diary_have_nothing_to_compare(db: Database) -> None:
    ids = tuple(label.id for label in labels.list_labels(db))
    made = models.add_model(db, NewModel("instant", "bundled", "encoder", ids, b"", {}))
    second = models.get_model(db, made)
    changes = version_changes.summarize(db, models.list_models(db)[0], second)
    assert (changes.n, changes.count, changes.decided, changes.unanswered) == (0, 0, (), (0, 12))
    assert not np.any(version_changes.load(db, models.list_models(db)[0], second).both)
    assert changed.list_versions(db) == [0, 1]


@pytest.mark.slow
def test_both_versions_explain_their_answers_in_a_process_of_their_own(tmp_path: Path) -> None:
    path = trying.make(tmp_path)
    with project.opened(path) as db:
        (old,) = models.list_models(db)
        head = classifiers.from_bytes(models.get_weights(db, old.id))
        weights = replace(head, weight=-head.weight).to_bytes()
        models.add_model(db, NewModel("instant", old.encoder, old.encoder_hash, old.label_ids, weights, {}, (1,)))
        runtime = ModelRuntime(path, cache=default_cache())
        for model in models.list_models(db):
            version_answers.fill(runtime, db, model)
        # Diary 2 may be a test diary, which nobody has decided.
        project_settings.change(db, blind_test=False, blind_share=0.0)
        text, (first, second) = changed.explain(db, path, OWNER, 2, 0, 1, "ko")
        predictor_client.close(path)
    assert text.startswith("1번째 날")
    assert (first.version, second.version) == (0, 1)
    assert first.label != second.label
    assert "짐작" in first.reason, "version 0 has learned from nobody"
    assert second.reason
    assert all(text[start:end].strip() for start, end in (*first.words, *second.words))
