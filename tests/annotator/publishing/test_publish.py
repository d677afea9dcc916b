"""Versions as folders for use elsewhere: they answer as the app does, say what they are, and quote nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from click.testing import CliRunner

from annotator import project
from annotator.cli.main import cli
from annotator.errors import UserError
from annotator.publishing import commands, publish, published
from annotator.training import rounds
from annotator.training.versions import get_version
from annotator.worker import tasks
from annotator.worker.round import steps as round_job
from annotator.worker.runtime import WorkerRuntime
from db.models import models, text_spaces
from db.texts import diaries
from learner.classification import classifier as classifiers
from learner.classification import ngram_features
from learner.encoders import tiers
from learner.encoders.encoder import default_cache
from learner.errors import LearnerError
from learner.publishing import example, transformers
from tests.conftest import ROOT, fill
from tests.learner.tiny import write_tiny_encoder
from tests.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

pytestmark = pytest.mark.slow

TEXTS = ["오늘은 정말 기쁘고 즐거운 하루였다", "너무 슬프고   눈물이 났다\n12번째 날", "모르는 말 ABC"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions of an instant, an adapter and another instant round, the first and last with n-grams."""
    folder = tmp_path_factory.mktemp("published")
    tiny = write_tiny_encoder(folder / "tiny", "0123456789번째 날. 오늘은 " + "".join(TEXTS))
    path = folder / "project.db"
    project.init(path, seed="00" * 16, encoder=str(tiny))
    runtime = WorkerRuntime(path, cache=default_cache())
    with pytest.MonkeyPatch.context() as patch, closing(project.open_project(path)) as db:
        patch.setattr(tiers, "STEPS", {"adapter": 6, "full": 6})
        fill(db, 60, labelled=True)
        fill(db, 240)
        while (piece := tasks.next_piece(runtime, db)) is not None and piece.step != "explain":
            pass
        space = ngram_features.fit(diaries.sample_texts(db, limit=500), seed=0)
        text_spaces.add_text_space(db, space.to_bytes(), fitted_on=240)
        for tier in ("instant", "adapter", "instant"):
            round_id = rounds.request(db, annotator_id=None, tier=tier)
            round_job.run(lambda name, round_id=round_id: round_job.run_step(runtime, round_id, name))
    runtime.close()
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as db:
        yield db


def _proba(db: Database, path: Path, version: int) -> np.ndarray:
    runtime = WorkerRuntime(path, cache=default_cache())
    serving = runtime.load_classifier(db, get_version(db, version))
    return runtime.proba_of_texts(db, serving, TEXTS)


def _answers(folder: Path) -> np.ndarray:
    """Run the example of a folder by itself, from elsewhere."""
    command = [sys.executable, str(folder / "example.py"), *TEXTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, cwd=folder.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array([list(row.values()) for row in json.loads(done.stdout)])


def test_the_versions_read_what_they_should(opened: Database) -> None:
    versions = []
    for model in models.list_models(opened):
        reads_grams = classifiers.from_bytes(models.get_weights(opened, model.id)).text_space != ""
        versions.append((model.version, model.tier, model.encoder, reads_grams))
    plain = versions[0][2]
    assert versions == [
        (0, "zero", plain, False),
        (1, "instant", plain, True),
        (2, "adapter", "adapter-2", False),
        (3, "instant", "adapter-2", True),
    ]


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_every_version_leaves_as_onnx_and_answers_as_the_app(
    opened: Database, path: Path, tmp_path: Path, version: int
) -> None:
    made = publish.export(opened, path, version, tmp_path / "out", form="onnx")
    assert made.difference < 1e-5
    assert made.compared == 32
    proba = _answers(made.folder) if version == 1 else example.predict(TEXTS, made.folder)[1]
    np.testing.assert_allclose(proba, _proba(opened, path, version), atol=1e-5)
    assert sorted(file.name for file in made.folder.iterdir()) == [
        "README.md",
        "example.py",
        "model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


@pytest.fixture(scope="module")
def tuned(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version of the adapter round as a transformers folder."""
    target = tmp_path_factory.mktemp("tuned") / "out"
    with closing(project.open_project(path)) as db:
        made = publish.export(db, path, 2, target, form="transformers")
    assert made.difference < 1e-5
    return made.folder


def test_a_version_of_an_adapter_round_leaves_as_a_transformers_folder(
    opened: Database, path: Path, tuned: Path
) -> None:
    expected = _proba(opened, path, 2)
    # One linear layer has no place for the share that the app keeps for labels without examples.
    expected[:, [label - 1 for label in get_version(opened, 2).settings["unlearned"]]] = 0
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(transformers.predict(TEXTS, tuned), expected, atol=0.02)


def test_the_card_says_what_the_version_is_and_quotes_no_diary(opened: Database, path: Path, tuned: Path) -> None:
    card = (tuned / "README.md").read_text("utf-8")
    figures = get_version(opened, 2).metrics["test"]
    assert f"| test diaries | {figures['n']} |" in card
    assert f"| accuracy | {figures['accuracy']:.3f} |" in card
    assert "| 슬픔 | 슬프고 눈물이 난다. 외롭고 그립다. |" in card
    trained = len(get_version(opened, 2).training_decisions)
    assert f"Learned from {trained} decisions" in card
    assert "LoRA adapter" in card
    assert "Labels that no diary taught it, trained on 0 above, have next to nothing" in card
    assert "transformers 5" in card
    assert str(path.parent) not in card
    texts = diaries.sample_texts(opened, limit=500)
    assert len(texts) == 240
    assert not any(text in card for text in texts)


def test_a_version_that_reads_n_grams_is_no_transformers_folder(opened: Database, path: Path, tmp_path: Path) -> None:
    with pytest.raises(LearnerError, match="ordinary_head_impossible"):
        publish.export(opened, path, 1, tmp_path / "out", form="transformers")
    assert list(tmp_path.iterdir()) == [], "nothing half written is left"


def test_a_folder_with_something_in_it_is_left_alone(opened: Database, path: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(UserError, match="publish_target_taken"):
            publish.export(opened, path, 0, target, form="onnx")
    with pytest.raises(UserError, match="version_unknown"):
        publish.export(opened, path, 9, tmp_path / "out", form="onnx")
    with pytest.raises(UserError, match="folder_unwritable"):
        publish.export(opened, path, 0, tmp_path / "mine.txt" / "out", form="onnx")


def test_an_answer_that_differs_from_the_apps_is_not_handed_out(
    opened: Database, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "MOST_DIFFERENCE", -1.0)
    with pytest.raises(UserError, match="published_disagrees"):
        publish.export(opened, path, 0, tmp_path / "out", form="onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "environment", "code"),
    [
        ("somebody/model", {"HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_x"}, "hub_offline"),
        ("somebody/model", {"HF_HUB_OFFLINE": "0"}, "hub_token_missing"),
        ("model", {"HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_x"}, "hub_name_wrong"),
        ("some body/mo..del", {"HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_x"}, "hub_name_wrong"),
    ],
)
def test_an_upload_that_can_not_be_is_refused_at_once(
    opened: Database,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    environment: dict[str, str],
    code: str,
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=code):
        publish.push(opened, path, 0, name, form="onnx")


def test_a_hub_that_does_not_answer_is_one_line_and_exit_code_2(path: Path) -> None:
    done = _push(path, "http://127.0.0.1:9")  # nobody listens there
    assert done.returncode == 2, done.stderr[-2000:]
    assert "did not take the upload to “somebody/model”" in done.stderr.splitlines()[-1]
    assert "hf_x" not in done.stderr


def test_the_command_that_the_page_shows_writes_the_folder(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = commands.export_command(path, 2, "transformers")
    done = CliRunner().invoke(cli, [*line.split()[1:], "--json"], standalone_mode=False, catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (told["format"], told["folder"], told["version"]) == ("transformers", "model-2", 2)
    assert told["difference"] < 1e-5
    assert (tmp_path / "model-2" / "model.safetensors").is_file()


def test_the_list_says_which_version_serves(path: Path) -> None:
    done = CliRunner().invoke(cli, ["model", "list", "--db", str(path), "--json"], standalone_mode=False)
    rows = json.loads(done.stdout)
    assert [row["version"] for row in rows] == [0, 1, 2, 3]
    assert sum(row["serves"] for row in rows) == 1
    assert all(row["accuracy"] is not None for row in rows), "each has answered today's test part"
    plain = CliRunner().invoke(cli, ["model", "list", "--db", str(path)], standalone_mode=False)
    assert len(plain.stdout.splitlines()) == 4


def test_the_command_names_the_project_unless_it_is_the_usual_one(path: Path) -> None:
    assert "--db" in commands.export_command(path, 1, "onnx")
    assert commands.export_command(project.default_path(), 1, "onnx").endswith("model-1 --format onnx")
    assert commands.formats_of("instant") == ("onnx",)
    assert commands.formats_of("full") == published.FORMATS


class _PublicHub(BaseHTTPRequestHandler):
    """A hub on which the repository was made before, for everybody to read."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self._answer(409)

    def do_GET(self) -> None:
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.asked.append(f"{self.command} {self.path}")
        address = f"http://127.0.0.1:{self.server.server_address[1]}/somebody/model"
        body = json.dumps({"id": "somebody/model", "private": False, "url": address}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_nothing_is_uploaded_into_a_repository_that_everybody_can_read(path: Path) -> None:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _PublicHub)
    with listening(hub):
        done = _push(path, f"http://127.0.0.1:{hub.server_port}")
    assert done.returncode == 2, done.stderr[-2000:]
    assert "can be read by everybody" in done.stderr.splitlines()[-1]
    asked = [line.split("?")[0] for line in _PublicHub.asked]
    assert "GET /api/models/somebody/model" in asked
    assert [line for line in asked if line.startswith("POST")] == [], "nothing is made or sent"


def _push(path: Path, hub: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_x", "HF_ENDPOINT": hub, "MAEUMGYEOL_LANG": "en"}
    command = [sys.executable, "-m", "annotator.cli", "model", "push", "2", "somebody/model"]
    return subprocess.run(
        [*command, "--format", "transformers", "--db", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        cwd=ROOT,
        env=environment,
    )
