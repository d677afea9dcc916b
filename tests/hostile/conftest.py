"""The attack corpus and the running product, for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.hostile_corpus import FILES
from benchmarks.hostile_trials import target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.hostile_corpus import HostileFile
    from benchmarks.hostile_corpus.requests import Keys

KNOWN = (
    "shared-strings-4294967295.xlsx",
    "far-cell-spaces-around-equals.xlsx",
    "sheet-elsewhere.xlsx",
    "integer-4301-digits.json",
    "columns-200000.csv",
    "dictionary-expands-1000000.parquet",
    "labels-lists-50000-deep.toml",
)
"""What an attack found before there was this corpus."""


def sample() -> list[HostileFile]:
    """Return what was found before, and the first file of each kind; the benchmark tries all of them."""
    first = {file.kind: file for file in reversed(FILES)}
    known = [file for file in FILES if file.name in KNOWN]
    return list({file.name: file for file in [*known, *first.values()]}.values())


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that is attacked."""
    path = tmp_path_factory.mktemp("hostile") / "project.db"
    target.build(path)
    return path


@pytest.fixture(scope="session")
def keys(attacked: Path) -> Keys:
    return target.make_keys(attacked)


@pytest.fixture(scope="session")
def app(attacked: Path, keys: Keys) -> Iterator[target.Program]:
    with target.started("app", attacked) as running:
        yield running


@pytest.fixture(scope="session")
def api(attacked: Path, keys: Keys) -> Iterator[target.Program]:
    with target.started("api", attacked) as running:
        yield running
