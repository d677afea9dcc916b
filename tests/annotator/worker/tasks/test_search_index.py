"""The worker makes the search's index where an import has not, in pieces, and then finds nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import search_index
from annotator.worker.tasks.progress import Progress
from db.connection import file_of, write
from db.search import index
from db.search.blocks import BLOCK
from tests.conftest import fill

if TYPE_CHECKING:
    from db import Database


def test_what_is_missing_is_indexed_and_then_nothing_is_left_to_do(opened: Database, tmp_path: Path) -> None:
    fill(opened, BLOCK + 5)
    runtime = WorkerRuntime(Path(file_of(opened)), cache=tmp_path)
    assert search_index.fill(runtime, opened) is None
    with write(opened):
        opened.conn.execute("delete from search_blocks")
    assert search_index.fill(runtime, opened) == Progress("index", 1, 1)
    assert search_index.fill(runtime, opened) is None
    assert index.load(opened).stored == (0,)
