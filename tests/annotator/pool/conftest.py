"""Pools of a few shards with an encoder of a few numbers, which answers in a moment."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from annotator import settings as project_settings
from annotator.importing import ColumnMap, Plan
from annotator.pool import creation, pools
from annotator.serving.runtime import ModelRuntime
from annotator.training import rounds as round_cases
from annotator.worker.round import steps
from annotator.worker.runtime import WorkerRuntime
from db.answers import decisions, queue
from db.answers.decisions import NewDecision
from db.models import rounds
from db.people import annotators
from db.texts import diaries
from learner.encoders.encoder import default_cache
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.pool.pools import Pool
    from db import Database

LABELS = {"기쁘": 2, "슬프": 5, "화가": 4}

MOODS = ("정말 기쁘고 즐거운 하루였다", "너무 슬프고 눈물이 났다", "화가 나서 참을 수 없었다")


def table(count: int) -> bytes:
    """Return a file of texts, each different."""
    lines = [f"{i}번째 날. 오늘은 {MOODS[i % 3]}. {'그리고 ' * (i % 7)}잤다." for i in range(count)]
    return ("글\n" + "\n".join(lines)).encode()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = sorted(set("".join(MOODS) + "0123456789번째 날. 오늘은그리고잤다"))
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny", letters)


@pytest.fixture
def runtime(opened: Database, project_path: Path, tiny: Path) -> ModelRuntime:
    project_settings.change(opened, encoder=str(tiny))
    return ModelRuntime(project_path, cache=default_cache())


@pytest.fixture
def pool(opened: Database, tmp_path: Path) -> Pool:
    """A pool of 250 texts in three shards."""
    plan = Plan(ColumnMap("글"), remembers=False)
    creation.create(opened, str(tmp_path / "pool"), [(table(250), "a.csv")], plan, rows_a_shard=100)
    return pools.get_pool(opened)


@pytest.fixture
def worker(opened: Database, project_path: Path, tiny: Path) -> Iterator[WorkerRuntime]:
    project_settings.change(opened, encoder=str(tiny))
    made = WorkerRuntime(project_path, cache=default_cache())
    yield made
    made.close()


def decide(db: Database, count: int) -> list[str]:
    """Label the first diaries of the queue by what they say, and return them."""
    me = annotators.get_or_create_id(db, "나")
    decided = set(decisions.list_decided_ids(db).tolist())
    ids = [i for i in queue.list_head(db, 10_000) if i not in decided][:count]
    texts = diaries.list_texts(db, ids)
    for diary_id, text in zip(ids, texts, strict=True):
        label = next(label for mood, label in LABELS.items() if mood in text)
        assert decisions.add(db, NewDecision(diary_id, me, "label", secrets.token_hex(8), label))
    return texts


def run_round(runtime: WorkerRuntime, db: Database) -> rounds.Round:
    round_id = round_cases.request(db, annotator_id=None)
    steps.run(lambda name: steps.run_step(runtime, round_id, name))
    return rounds.get_round(db, round_id)
