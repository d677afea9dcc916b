"""`maeumgyeol pool run` and `pool search`, as they are typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from annotator.cli.main import cli
from learner.pool.storage import PoolError

if TYPE_CHECKING:
    from pathlib import Path

    from annotator.pool.pools import Pool
    from annotator.serving.runtime import ModelRuntime

pytestmark = pytest.mark.slow


def test_stages_run_and_what_is_there_is_said(project_path: Path, runtime: ModelRuntime, pool: Pool) -> None:
    def run(*words: str) -> str:
        return CliRunner().invoke(cli, ["pool", *words, "--db", str(project_path)], catch_exceptions=False).output

    assert "벡터: 조각 3개, 글 250편" in run("run", "encode", "--workers", "1")
    assert "벡터: 할 것이 없어요" in run("run", "encode")
    assert [report["shards"] for report in json.loads(run("run", "ngrams", "--json"))] == [0]
    assert "3/3 조각" in run("status")
    assert "번\t" in run("search", "눈물이", "--limit", "2")
    assert (
        len(json.loads(run("search", "눈물이", "--limit", "2", "--send-to-queue", "--json"))["sent"]["sent_ids"]) == 2
    )
    with pytest.raises(PoolError, match="pool_no_model"):
        run("run", "predict")
