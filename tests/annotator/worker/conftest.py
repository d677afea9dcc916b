"""A project that reads with a tiny encoder, for tests of rounds and upkeep."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import project
from annotator.worker import tasks
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import explanations
from learner.encoders.encoder import default_cache
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database

CHARACTERS = "0123456789번째 날. 오늘은 정말 기쁘고 즐거운 하루였다 너무 슬프고 눈물이 났다"

_EXPLAINED_HEAD = 4


@pytest.fixture(autouse=True, scope="module")
def _few_explained() -> Iterator[None]:
    """Explain four diaries of the queue's head: the other twenty would be half of all upkeep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explanations, "EXPLAINED_HEAD", _EXPLAINED_HEAD)
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder that tells the texts of `tests.conftest.fill` apart."""
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny") / "tiny", CHARACTERS)


@pytest.fixture
def runtime(project_path: Path) -> Iterator[WorkerRuntime]:
    """A worker without its process, at the project."""
    made = WorkerRuntime(project_path, cache=default_cache())
    yield made
    made.close()


def keep_up(runtime: WorkerRuntime, db: Database) -> list[str]:
    """Do all upkeep that is due, and return its steps."""
    steps: list[str] = []
    while (piece := tasks.next_piece(runtime, db)) is not None:
        steps.append(piece.step)
    return steps


def catch_up(path: Path) -> None:
    """Do all upkeep of a project that is due, by a worker that ends then."""
    runtime = WorkerRuntime(path, cache=default_cache())
    with closing(project.open_project(path)) as db:
        keep_up(runtime, db)
    runtime.close()
