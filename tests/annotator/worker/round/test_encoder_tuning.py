"""Rounds that tune the encoder: what they keep, what they measure, how they are cut off, and the way back."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator import settings as project_settings
from annotator.serving import encoder_cache
from annotator.training import rounds as round_cases
from annotator.training import tier_gains
from annotator.worker.round import encoder_tuning
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from db.errors import DatabaseError
from db.label_sets import labels
from db.models import encoders, facts, models, predictions, rounds
from db.texts import diaries
from learner.encoders import tiers
from learner.encoders.encoder import default_cache
from learner.encoders.precision import LEAST_COSINE
from learner.errors import EncoderError
from tests.annotator.worker.conftest import CHARACTERS, catch_up, keep_up
from tests.conftest import copy_project, fill
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.worker.round.inputs import Result
    from db import Database

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def caught_up(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that reads with a tiny encoder: 40 labelled diaries, 60 others, and the first model."""
    path = tmp_path_factory.mktemp("caught_up") / "project.db"
    project.init(path, seed="00" * 16, encoder=str(tiny))
    with closing(project.open_project(path)) as db:
        fill(db, 40, labelled=True)
        fill(db, 60)
    catch_up(path)
    return path


@pytest.fixture
def opened(caught_up: Path, tmp_path: Path) -> Iterator[Database]:
    with closing(project.open_project(copy_project(caught_up, tmp_path))) as db:
        yield db


@pytest.fixture
def runtime(opened: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerRuntime]:
    monkeypatch.setattr(tiers, "STEPS", {"adapter": 6, "full": 6})
    monkeypatch.setattr(encoder_tuning, "ENCODED_AHEAD", 10)
    made = WorkerRuntime(tmp_path / "project.db", cache=default_cache())
    yield made
    made.close()


def _round(runtime: WorkerRuntime, db: Database, tier: str) -> rounds.Round:
    round_id = round_cases.request(db, annotator_id=None, tier=tier)
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))
    return rounds.get_round(db, round_id)


def _serving(db: Database) -> models.Model:
    active = models.find_active(db)
    assert active is not None
    return active


def test_a_stratified_share_is_kept_from_tuning() -> None:
    columns = np.array([0] * 40 + [1] * 6 + [2] * 2 + [3])
    parts = encoder_tuning.split(columns, seed=0)
    assert sorted([*parts.tuned, *parts.validation]) == list(range(len(columns)))
    assert np.bincount(columns[parts.validation], minlength=4).tolist() == [6, 2, 1, 0]
    np.testing.assert_array_equal(encoder_tuning.split(columns, seed=0).validation, parts.validation)


@pytest.mark.parametrize("tier", ["adapter", "full"])
def test_a_deeper_round_serves_with_an_encoder_of_its_own(runtime: WorkerRuntime, opened: Database, tier: str) -> None:
    untuned = runtime.encoder(opened)
    done = _round(runtime, opened, tier)
    assert (done.status, done.error) == ("done", None)
    assert "before" in done.report, "both versions are measured, each with its own encoder"
    active = _serving(opened)
    (tuned,) = encoders.list_encoders(opened)
    assert (active.tier, active.encoder, active.encoder_hash) == (tier, f"{tier}-1", tuned.hash)
    assert tuned.base == untuned.name
    assert tuned.hash != untuned.hash
    assert runtime.encoder(opened).hash == tuned.hash
    assert not (project.tuning_folder(runtime.database)).exists(), "what was only needed for tuning is gone"

    test = diaries.list_ids(opened, "test")
    assert not set(tuned.tuned_on) & set(test.tolist())
    kept = tuned.metrics["validation"]
    assert kept >= 4
    assert len(tuned.tuned_on) + kept == done.report["train"]

    # Later rounds stay with the tuned encoder, and another process finds it.
    instant = _round(runtime, opened, "instant")
    assert (instant.status, instant.error) == ("done", None)
    assert (_serving(opened).tier, _serving(opened).encoder_hash) == ("instant", tuned.hash)
    fresh = WorkerRuntime(runtime.database, cache=runtime.cache)
    assert fresh.encoder(opened).hash == tuned.hash
    vectors = fresh.encode(opened, ["오늘은 정말 기쁘고"]).vectors
    assert not np.allclose(vectors, untuned.encode(["오늘은 정말 기쁘고"]).vectors, atol=1e-3)


def test_the_rest_is_encoded_and_ranked_after_the_round(runtime: WorkerRuntime, opened: Database) -> None:
    _round(runtime, opened, "adapter")
    active = _serving(opened)
    file = runtime.vector_file(opened)
    ids = diaries.list_ids(opened)
    assert 0 < file.has(ids).sum() < len(ids), "nobody waits for the whole pool"
    keep_up(runtime, opened)
    assert file.has(ids).all()
    assert not np.isnan(predictions.load_predictions(opened, active)).any()
    pool = set(diaries.list_ids(opened, "pool").tolist())
    waiting = opened.conn.execute("select diary_id, strategy from queue").fetchall()
    strategies = [strategy for diary_id, strategy in waiting if diary_id in pool]
    drawn = round(project_settings.load(opened).uniform_share * len(strategies))
    assert strategies.count("random") == drawn, "all others are ranked by now"


def test_a_version_of_the_untuned_encoder_can_be_put_in_force_again(runtime: WorkerRuntime, opened: Database) -> None:
    untuned = runtime.encoder(opened)
    _round(runtime, opened, "instant")
    _round(runtime, opened, "adapter")
    tuned = runtime.encoder(opened)
    assert tuned.hash != untuned.hash
    round_cases.activate(opened, 1)
    assert runtime.encoder(opened).hash == untuned.hash
    keep_up(runtime, opened)
    assert not np.isnan(predictions.load_predictions(opened, _serving(opened))).any()
    round_cases.activate(opened, 2)
    assert runtime.encoder(opened).hash == tuned.hash


def test_a_cancel_while_it_tunes_ends_the_round_and_changes_nothing(runtime: WorkerRuntime, opened: Database) -> None:
    before = _serving(opened)
    round_id = round_cases.request(opened, annotator_id=None, tier="adapter")

    def step(name: str) -> Result:
        if name == "tune":
            round_cases.cancel(opened)
        return round_job.run_step(runtime, round_id, name)

    round_job.run(step)
    assert rounds.get_round(opened, round_id).status == "cancelled"
    assert _serving(opened) == before


def test_a_worker_that_ends_while_it_tunes_goes_on_later(runtime: WorkerRuntime, opened: Database) -> None:
    round_id = round_cases.request(opened, annotator_id=None, tier="adapter")
    assert not round_job.run_step(runtime, round_id, "gather").get("ended")
    runtime.end()
    with pytest.raises(SystemExit):
        round_job.run_step(runtime, round_id, "tune")
    assert rounds.get_round(opened, round_id).status == "running"
    assert list(project.tuning_folder(runtime.database).rglob("checkpoint-*")), "what was done is kept"
    later = WorkerRuntime(runtime.database, cache=runtime.cache)
    round_job.run(lambda name: round_job.run_step(later, round_id, name))
    assert rounds.get_round(opened, round_id).status == "done"


def test_a_step_that_runs_twice_makes_one_encoder(runtime: WorkerRuntime, opened: Database) -> None:
    round_id = round_cases.request(opened, annotator_id=None, tier="adapter")
    for name in round_job.STEPS:
        round_job.run_step(runtime, round_id, name)
        if name == "tune":
            (once,) = encoders.list_encoders(opened)
            round_job.run_step(runtime, round_id, name)
    assert encoders.list_encoders(opened) == [once]


def test_what_a_cancelled_round_has_left_is_cleared_by_the_next(runtime: WorkerRuntime, opened: Database) -> None:
    round_id = round_cases.request(opened, annotator_id=None, tier="full")
    for name in ("gather", "tune"):
        round_job.run_step(runtime, round_id, name)
    rounds.end(opened, round_id, status="cancelled")
    folder = project.encoders_folder(runtime.database) / "full-1"
    assert folder.is_dir()
    _round(runtime, opened, "adapter")
    assert [tuned.name for tuned in encoders.list_encoders(opened)] == ["adapter-2"]
    assert not folder.exists()


@pytest.mark.parametrize("harm", ["remove", "change"])
def test_a_checkpoint_folder_that_is_lost_or_changed_is_named(
    runtime: WorkerRuntime, opened: Database, harm: str
) -> None:
    _round(runtime, opened, "full")
    folder = project.encoders_folder(runtime.database) / "full-1"
    if harm == "remove":
        shutil.rmtree(folder)
    else:
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    later = WorkerRuntime(runtime.database, cache=runtime.cache)
    with pytest.raises(EncoderError, match="encoder_folder_missing" if harm == "remove" else "encoder_damaged"):
        later.encoder(opened)
    failed = _round(later, opened, "instant")
    assert failed.status == "failed"
    round_cases.activate(opened, 0)
    assert later.serving(opened) is not None, "an earlier version serves again"


def test_a_damaged_adapter_is_named(runtime: WorkerRuntime, opened: Database) -> None:
    _round(runtime, opened, "adapter")
    opened.conn.execute("update encoders set adapter = substr(adapter, 1, 100)")
    opened.conn.commit()
    with pytest.raises(DatabaseError, match="encoder_damaged"):
        WorkerRuntime(runtime.database, cache=runtime.cache).encoder(opened)


def test_an_encoder_tuned_on_another_edition_of_its_base_is_refused_in_words(
    runtime: WorkerRuntime, opened: Database, tmp_path: Path
) -> None:
    _round(runtime, opened, "adapter")
    other = write_tiny_encoder(tmp_path / "other", "갸" + CHARACTERS)
    opened.conn.execute("update encoders set base = ?", (str(other),))
    opened.conn.commit()
    project_settings.change(opened, encoder=str(other))
    with pytest.raises(EncoderError, match="encoder_damaged"):
        WorkerRuntime(runtime.database, cache=runtime.cache).encoder(opened)


def test_int8_serves_from_the_next_round_on_and_says_how_near_it_is(runtime: WorkerRuntime, opened: Database) -> None:
    project_settings.change(opened, precision="int8")
    assert not _serving(opened).encoder.endswith("-int8"), "not before a round"
    report = _round(runtime, opened, "instant")
    assert (report.status, _serving(opened).encoder[-5:]) == ("done", "-int8")
    keep_up(runtime, opened)
    measured = facts.measured_precision(opened)
    agreement = measured["agreement"]["int8"]
    assert (measured["checked_version"], agreement["n"]) == (_serving(opened).version, diaries.count_diaries(opened))
    assert LEAST_COSINE <= agreement["mean_cosine"] < 1
    project_settings.change(opened, precision="fp32")
    _round(runtime, opened, "instant")
    assert not _serving(opened).encoder.endswith("-int8")


def test_an_int8_form_that_disagrees_never_serves(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _serving(opened).id
    project_settings.change(opened, precision="int8")
    monkeypatch.setattr(encoder_cache, "LEAST_COSINE", 1.1)
    for _ in range(2):
        ended = _round(runtime, opened, "instant")
        assert ended.status == "failed"
        assert ended.error is not None
        assert ended.error["code"] == "int8_disagrees"
    assert _serving(opened).id == before


def test_a_label_added_after_a_round_is_learned_by_the_next_and_the_old_version_serves_until_then(
    runtime: WorkerRuntime, opened: Database
) -> None:
    _round(runtime, opened, "instant")
    old = _serving(opened)
    added = replace(labels.list_labels(opened)[0], id=99, name="설렘", key="q", position=len(old.label_ids))
    labels.store_labels(opened, [added])
    keep_up(runtime, opened)
    assert _serving(opened).id == old.id
    report = _round(runtime, opened, "instant")
    assert report.status == "done"
    assert _serving(opened).label_ids == (*old.label_ids, 99)


def test_another_encoder_in_the_settings_takes_the_place_of_a_tuned_one(
    runtime: WorkerRuntime, opened: Database
) -> None:
    _round(runtime, opened, "adapter")
    project_settings.change(opened, encoder="bundled")
    assert encoder_cache.in_force(opened).name == "bundled"


def test_a_tier_that_pays_is_offered_once_at_each_threshold(
    runtime: WorkerRuntime, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tier_gains.MEASURED, "adapter", (tier_gains.Gain(50, 0.05, 0.02, 0.08, 4),))
    assert round_cases.plan_round(opened).offered_tier is None, "32 labels are too few"
    fill(opened, 240, labelled=True)
    assert round_cases.plan_round(opened).offered_tier == "adapter"
    _round(runtime, opened, "adapter")
    assert round_cases.plan_round(opened).offered_tier is None
    fill(opened, 501, labelled=True)
    assert round_cases.plan_round(opened).offered_tier == "adapter"
    project_settings.change(opened, deeper_tier="off")
    assert round_cases.plan_round(opened).offered_tier is None
