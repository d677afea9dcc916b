"""What tests of several packages need: a project in a temporary folder, filled with diaries."""

from __future__ import annotations

import gc
import os
import shutil
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings

from annotator import project
from annotator.formats.detection import open_table
from annotator.importing import file_reading, import_file, wire
from annotator.labelling.queueing import enqueue_import
from annotator.serving.encoder_cache import EncoderCache
from db.answers import decisions
from db.connection import write
from db.models import test_answers
from db.texts import diaries
from tests import shared_encoder
from tests.chromium import browser as browser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from annotator.formats.source import Source
    from annotator.formats.table import ReadOptions, Row, Table
    from annotator.serving.runtime import ModelRuntime
    from db import Database

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = ("annotator", "db", "learner", "maeumgyeol", "pages", "service", "web")
"""The code of the product."""

DIARIES = ROOT / "annotator" / "demo" / "diaries.csv"

# An example may take more than Hypothesis's 200 ms where others compute; CI has no such limit either.
hypothesis_settings.register_profile("unhurried", hypothesis_settings(), deadline=None)
hypothesis_settings.load_profile("unhurried")

# The hub's client reads it when it is imported, which collecting the tests does already.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# What is imported while tests are collected stays, and to look through it for garbage takes a quarter of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage from here on, but not among what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _offline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.delenv("MAEUMGYEOL_DB", raising=False)
        patch.delenv("MAEUMGYEOL_LANG", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _shared_encoder() -> Iterator[None]:
    """Load the bundled encoder once for all tests of this process; it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EncoderCache, "_load", shared_encoder.load_or_share)
        yield


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """Give back the umask: a command that a test runs in this process keeps it strict for good."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that each test gets a copy of: to make its tables anew takes a hundred times as long."""
    path = tmp_path_factory.mktemp("empty") / "project.db"
    project.init(path, seed="00" * 16, blind_share=0.0)
    return path


@pytest.fixture
def project_path(empty_project: Path, tmp_path: Path) -> Path:
    """An empty project with the seven labels and a fixed seed; no pool diary is blind unless a test asks for it."""
    return Path(shutil.copy(empty_project, tmp_path / "project.db"))


@pytest.fixture
def opened(project_path: Path) -> Iterator[Database]:
    """The open database of `project_path`."""
    with closing(project.open_project(project_path)) as db:
        yield db


def copy_project(made: Path, folder: Path) -> Path:
    """Copy a closed project with the files beside it, for a test that changes it, and return where it lies."""
    shutil.copytree(made.parent, folder, dirs_exist_ok=True)
    return folder / made.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow modules first: one that begins last would be waited for while the other processors rest."""
    items.sort(key=lambda item: not (item.get_closest_marker("slow") or item.get_closest_marker("browser")))


def undo_newest(db: Database, annotator_id: int, *, token: str) -> bool:
    """Take back what a person pressed last; return False where there is nothing to take back."""
    newest = decisions.list_recent(db, annotator_id, limit=1)
    return bool(newest) and decisions.undo(db, newest[0].id, token=token)


def fill(db: Database, count: int, *, labelled: bool = False) -> None:
    """Import some short diaries, each different, alternately happy and sad."""
    rows = ["text,label"]
    for i in range(count):
        mood = ("정말 기쁘고 즐거운 하루였다", "너무 슬프고 눈물이 났다")[i % 2]
        label = ("행복", "슬픔")[i % 2] if labelled else ""
        rows.append(f"{i}번째 날. 오늘은 {mood}.,{label}")
    import_ours(db, "\n".join(rows), f"{count}.csv")


def fill_by_mood(runtime: ModelRuntime, db: Database, count: int) -> None:
    """Import diaries, and give them vectors by their mood at once: encoding would take seconds."""
    fill(db, count)
    ids = diaries.list_ids(db)
    file = runtime.vector_file(db)
    parts = runtime.encoder(db).parts
    states = np.random.default_rng(0).normal(0, 1, (count, file.width // parts)).astype(np.float32)
    states[:, 0] += np.where(ids % 2 == 1, 6, -6)
    # The same in each part, whose number is the encoder's: parts drawn one by one would hold twice as much chance.
    file.write(ids.tolist(), np.tile(states, parts), np.full(count, 9, np.int32))


def import_ours(db: Database, text: str, name: str) -> None:
    """Import a file of our own in this process."""
    with reading_here():
        import_file(db, text.encode(), name, after=enqueue_import)


@contextmanager
def reading_here(opening: ModuleType = file_reading) -> Iterator[None]:
    """Have files of our own read in this process: to start a reader for each would take longer than all the rest.

    Args:
        opening: the module that opens them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "opened", _open_here)
        yield


@contextmanager
def _open_here(source: Source, reading: ReadOptions) -> Iterator[Table]:
    """Open a table as the reading process does, whose rows become bytes and rows again."""
    table = open_table(source, reading)

    def rows() -> Iterator[Row]:
        for batch in wire.batches(table.rows()):
            yield from wire.decode_rows(wire.encode_rows(batch))

    yield wire.decode_table(wire.encode_table(table), rows)


def answer_test_part(db: Database, model_id: int, label_ids: Sequence[int]) -> None:
    """Keep what a version answers for the first diaries, and make these the test part."""
    diary_ids = np.arange(1, len(label_ids) + 1)
    with write(db):
        db.conn.execute("update diaries set part = 'test' where id <= ?", (len(label_ids),))
    test_answers.store(db, model_id, diary_ids, np.array(label_ids, np.int64))
