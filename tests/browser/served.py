"""One app for the tests of a module, each of which finds the module's project as it was made.

A module that imports these fixtures has one named ``made``: the closed project, in a folder of its own.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from annotator import project
from tests.conftest import copy_project
from tests.web.gate.test_middleware import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database


@pytest.fixture(scope="module")
def served(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A copy of the project, and where its app runs: to start one for each test takes longer than most tests."""
    path = copy_project(made, tmp_path_factory.mktemp("served"))
    with serving(path) as port:
        yield path, f"http://127.0.0.1:{port}"


@pytest.fixture
def db(made: Path, served: tuple[Path, str]) -> Iterator[Database]:
    """The served project, in which nothing is left of the test before. Files beside it stay as they are."""
    with closing(sqlite3.connect(made)) as as_made, closing(project.open_project(served[0])) as opened:
        as_made.backup(opened.conn)
        yield opened


@pytest.fixture
def address(served: tuple[Path, str], db: Database) -> str:
    """Where the app of the project runs."""
    return served[1]
