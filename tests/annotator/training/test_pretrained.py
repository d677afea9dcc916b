"""A published classifier's answers as predictions: mapped, shown, used to order, and left for a better model."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from annotator import project
from annotator.accounts import annotators
from annotator.cli.prefill import _pairs
from annotator.errors import UserError
from annotator.label_sets import crosswalks
from annotator.labelling import board
from annotator.messages import explain
from annotator.training import pretrained as prefill
from annotator.training import rounds as round_cases
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from db.answers import queue
from db.label_sets import labels
from db.models import models, predictions, rounds
from db.texts import diaries
from learner.classification import pretrained
from learner.encoders.encoder import default_cache
from learner.errors import LearnerError
from tests.conftest import fill, import_ours
from tests.learner.tiny import write_tiny_encoder
from tests.learner.tiny_speech import write_tiny_classifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

pytestmark = pytest.mark.slow

CHARACTERS = "0123456789번째 날. 오늘은 정말 기쁘고 즐거운 하루였다 너무 슬프고 눈물이 났다"
OWN = {0: "joy", 1: "sadness", 2: "neutral"}
PAIRS = {"joy": "행복", "sadness": "슬픔", "neutral": ""}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "encoder", CHARACTERS)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_classifier(tmp_path_factory.mktemp("tiny") / "published", CHARACTERS, OWN))


@pytest.fixture
def path(encoder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "project.db"
    project.init(path, seed="00" * 16, encoder=str(encoder), blind_share=0.0, test_share=0.2)
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as db:
        yield db


def _keep_up(path: Path, db: Database) -> list[str]:
    runtime, steps = WorkerRuntime(path, cache=default_cache()), []
    try:
        # What is on a screen is explained first; what is ranked is explained last.
        while (piece := tasks.next_piece(runtime, db)) is not None:
            if "rank" in steps and piece.step == "explain":
                break
            steps.append(piece.step)
    finally:
        runtime.close()
    return steps


def test_its_answers_are_the_predictions_and_ask_for_the_diaries_it_is_unsure_of(
    path: Path, opened: Database, checkpoint: str
) -> None:
    fill(opened, 45)
    done = prefill.prefill(opened, path, checkpoint, pairs=PAIRS, limit=30)
    assert (done.version, done.read_count, done.is_active) == (0, 30, True)
    assert done.targets == PAIRS
    assert 0 <= done.agreement <= 1
    model = models.find_active(opened)
    assert model is not None
    assert (model.tier, model.settings["checkpoint"]) == (models.READY_MADE, checkpoint)
    told = predictions.load_predictions(opened, model)
    read = np.flatnonzero(np.isfinite(told[:, 0])) + 1
    assert len(read) == 30
    own = pretrained.load(checkpoint).proba(diaries.list_texts(opened, read))
    names = [label.name for label in labels.list_labels(opened)]
    proba = told[read - 1]
    np.testing.assert_allclose(proba[:, names.index("행복")], own[:, 0] / own[:, :2].sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)

    assert "rank" in _keep_up(path, opened)
    whole = predictions.load_predictions(opened, model)
    np.testing.assert_array_equal(whole[read - 1], told[read - 1], "what the checkpoint said stays")
    assert np.isfinite(whole[:45]).all(), "what it has not read is predicted like it"
    assert queue.ranked_by(opened) == model.id
    mine = annotators.get_or_create(opened, "지민")
    shown = board.load_board(opened, annotator_id=mine, holder="a-tab-of-mine", language="en").items
    assert any(item["prediction"] and "published model" in item["why"] for item in shown)


def test_a_round_takes_its_place_and_is_not_displaced(path: Path, opened: Database, checkpoint: str) -> None:
    fill(opened, 30)
    prefill.prefill(opened, path, checkpoint, pairs=PAIRS)
    others = [f"{i}번째 밤. {('기뻤다', '슬펐다')[i % 2]}.,{('행복', '슬픔')[i % 2]}" for i in range(41)]
    import_ours(opened, "\n".join(["text,label", *others]), "others.csv")
    runtime = WorkerRuntime(path, cache=default_cache())
    round_id = round_cases.request(opened, annotator_id=None)
    round_job.run(lambda name: round_job.run_step(runtime, round_id, name))
    this = rounds.get_round(opened, round_id)
    assert this.status == "done", this.error
    assert "before" in this.report, "the published model is what the new one is measured against"
    taught = models.find_active(opened)
    assert taught is not None
    assert taught.tier == "instant"

    done = prefill.prefill(opened, path, checkpoint, pairs=PAIRS)
    assert not done.is_active
    assert models.find_active_id(opened) == taught.id
    round_cases.activate(opened, done.version)
    active = models.find_active(opened)
    assert active is not None
    assert active.version == done.version


def test_labels_without_a_counterpart_are_all_named(path: Path, opened: Database, checkpoint: str) -> None:
    fill(opened, 20)
    with pytest.raises(UserError) as raised:
        prefill.prefill(opened, path, checkpoint, pairs={"joy": "행복"})
    assert raised.value.code == "prefill_labels_unmapped"
    sentence = explain(raised.value, "en")
    assert "sadness, neutral" in sentence
    assert "--map 'sadness=" in sentence
    assert models.find_active_id(opened) is None


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ({"joy": "기쁨", "sadness": "슬픔", "neutral": ""}, "label_unknown"),
        ({"joy": "행복", "sadness": "", "neutral": ""}, "prefill_labels_too_few"),
        ({**PAIRS, "Joy": "행복"}, "prefill_map_strange"),
    ],
)
def test_a_map_that_leads_nowhere_is_refused(
    path: Path, opened: Database, checkpoint: str, pairs: dict[str, str], code: str
) -> None:
    fill(opened, 20)
    with pytest.raises(UserError) as raised:
        prefill.prefill(opened, path, checkpoint, pairs=pairs)
    assert raised.value.code == code
    assert explain(raised.value)


def test_a_crosswalk_says_which_label_is_which(path: Path, opened: Database, checkpoint: str) -> None:
    fill(opened, 20)
    walk = crosswalks.read_bytes("from,to\njoy,행복\nsadness,슬픔\nneutral,중립\nanger,분노\n".encode(), "own.csv")
    done = prefill.prefill(opened, path, checkpoint, crosswalk=walk)
    assert done.targets == {"joy": "행복", "sadness": "슬픔", "neutral": "중립"}


def test_too_few_diaries_are_said_before_anything_is_loaded(path: Path, opened: Database) -> None:
    with pytest.raises(UserError) as raised:
        prefill.prefill(opened, path, "no/such-checkpoint", pairs=PAIRS)
    assert raised.value.code == "prefill_no_diaries"


def test_a_checkpoint_that_asks_to_run_code_is_refused(checkpoint: str, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(checkpoint, tmp_path / "coded")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoModelForSequenceClassification": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "evil.py").write_text("raise SystemExit('ran')", "utf-8")
    with pytest.raises(LearnerError) as raised:
        pretrained.load(str(folder))
    assert raised.value.code == "checkpoint_wants_code"


def test_an_encoder_without_a_head_and_a_missing_name_are_told_apart(encoder: Path, tmp_path: Path) -> None:
    for name, code in ((str(encoder), "checkpoint_without_head"), ("no/such-checkpoint", "checkpoint_missing")):
        with pytest.raises(LearnerError) as raised:
            pretrained.load(name)
        assert raised.value.code == code
        assert name in explain(raised.value)


def test_independent_labels_are_compared_with_each_other(tmp_path: Path) -> None:
    folder = write_tiny_classifier(tmp_path / "multi", CHARACTERS, OWN, problem_type=pretrained.MULTI_LABEL)
    classifier = pretrained.load(str(folder))
    assert classifier.is_multi_label
    assert classifier.labels == ("joy", "sadness", "neutral")
    proba = classifier.proba(["오늘은 정말 기쁘고", "", "눈물이 났다 " * 100])
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)


def test_pairs_are_divided_at_the_last_sign() -> None:
    assert _pairs(["a=b=행복", "중립="]) == {"a=b": "행복", "중립": ""}
    for broken in ("행복", "=행복"):
        with pytest.raises(UserError):
            _pairs([broken])
