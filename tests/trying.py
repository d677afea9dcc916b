"""A project with a model that answers, small enough to be loaded by a process of its own within a test."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from annotator import project
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import zero_shot_model
from db.texts import diaries
from learner.encoders.encoder import default_cache
from tests.conftest import fill
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from db import Database

CHARACTERS = "0123456789번째 날. 오늘은 정말 기쁘고 즐거운 하루였다 너무 슬프고 눈물이 났다"


def make(folder: Path) -> Path:
    """Set a project up with a tiny encoder, six diaries and the model that needs no label; return its database."""
    path = folder / "project.db"
    begin(path)
    with closing(project.open_project(path)) as db:
        fill(db, 6)
        teach(path, db)
    return path


def begin(path: Path) -> None:
    """Set a project up with a tiny encoder beside it."""
    project.init(path, seed="00" * 16, encoder=str(write_tiny_encoder(path.parent / "encoder", CHARACTERS)))


def teach(path: Path, db: Database) -> None:
    """Make the model that needs no label."""
    runtime = WorkerRuntime(path, cache=default_cache())
    ids = np.arange(1, diaries.last_diary_id(db) + 1)
    runtime.encode_missing(db, ids)
    zero_shot_model.make_zero_label_model(runtime, db, ids)
