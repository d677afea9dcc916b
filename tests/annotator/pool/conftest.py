"""Pools of a few shards with an encoder of a few numbers, which answers in a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from annotator import settings as project_settings
from annotator.importing import ColumnMap, Plan
from annotator.pool import creation, pools
from annotator.serving.runtime import ModelRuntime
from learner.encoders.encoder import default_cache
from tests.learner.tiny import write_tiny_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.pool.pools import Pool
    from db import Database

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
