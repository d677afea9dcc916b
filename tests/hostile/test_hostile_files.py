"""Hostile files at the command line: rows or one sentence, never a fault, whatever stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.hostile_corpus import FILES, write_files
from benchmarks.hostile_corpus.files import unseen_files
from benchmarks.hostile_corpus.hostile_file import SECRET, HostileFile, of_text
from benchmarks.hostile_corpus.payloads import FORMULAS, PAYLOADS, read_payloads
from benchmarks.hostile_trials.cells import computes, try_cells
from benchmarks.hostile_trials.command_line import Sandbox
from benchmarks.hostile_trials.outcome import Outcome, summarise
from tests.hostile.conftest import KNOWN, sample

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox(tmp_path_factory.mktemp("sandbox"))


@pytest.mark.slow
@pytest.mark.parametrize("file", sample(), ids=lambda file: file.name)
def test_a_hostile_file_becomes_rows_or_one_sentence(file: HostileFile, sandbox: Sandbox, tmp_path: Path) -> None:
    ((_, path),) = write_files(tmp_path, files=[file])
    assert sandbox.try_file(file, path).problem() == ""


@pytest.mark.slow
def test_no_exported_cell_computes(tmp_path: Path) -> None:
    assert [outcome.problem() for outcome in try_cells(tmp_path)] == ["", "", ""]


def test_the_corpus_holds_what_was_found_before_and_every_kind_of_file() -> None:
    names = [file.name for file in FILES]
    assert len(set(names)) == len(names) >= 200
    assert set(KNOWN) <= set(names)
    assert {"xlsx", "xls", "ods", "csv", "json", "jsonl", "parquet", "arrow", "spacy", "gzip"} <= {
        f.kind for f in FILES
    }
    assert {"database", "place", "name", "labels-file", "crosswalk-file", "recipe-file"} <= {f.kind for f in FILES}


def test_the_same_seed_makes_the_same_file(tmp_path: Path) -> None:
    noisy = [file for file in FILES if "noise" in file.name and file.entry == "import"]
    first, again, other = (
        [path.read_bytes() for _, path in write_files(tmp_path / name, seed=seed, files=noisy)]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert noisy
    assert first == again
    assert first != other


def test_there_are_enough_payloads_each_once() -> None:
    texts = [payload.text for payload in PAYLOADS]
    assert len(set(texts)) == len(texts)
    assert sum(payload.kind == "script" for payload in PAYLOADS) >= 68


def test_a_folder_of_unseen_files_is_tried_by_the_endings_of_their_names(tmp_path: Path) -> None:
    for name in ("a.csv", "b.toml", "c.db", "d.bin"):
        (tmp_path / name).write_text("x")
    entries = {(file.name, file.entry) for file, _ in unseen_files(tmp_path)}
    assert {
        ("a.csv", "import"),
        ("a.csv", "labels"),
        ("b.toml", "recipe"),
        ("c.db", "database"),
        ("d.bin", "import"),
    } <= entries
    assert {file.expected for file, _ in unseen_files(tmp_path)} == {"either"}


def test_unseen_payloads_are_read_from_lines_and_from_json(tmp_path: Path) -> None:
    lines, listed = tmp_path / "p.txt", tmp_path / "p.json"
    lines.write_text("<b>\n\n:smile:\n")
    listed.write_text('["<b>\\nx", ":smile:"]')
    assert [payload.text for payload in read_payloads(lines)] == ["<b>", ":smile:"]
    assert [payload.text for payload in read_payloads(listed)] == ["<b>\nx", ":smile:"]


@pytest.mark.slow
def test_the_trial_notices_what_is_not_as_it_must_be(sandbox: Sandbox, tmp_path: Path) -> None:
    """An ordinary file that should be refused, one that should be read and cannot, a secret that comes in."""
    table = f"text\n{SECRET}\n"
    for expected, text, said in (
        ("refused", "text\n오늘은 비가 왔다\n", "accepted"),
        ("rows", "", "refused"),
        ("either", table, "imported the secret"),
    ):
        file = HostileFile("x", "a.csv", of_text(text), expected)  # type: ignore[arg-type]
        ((_, path),) = write_files(tmp_path, files=[file])
        assert sandbox.try_file(file, path).problem() == said


def test_what_computes_is_told_from_what_is_text() -> None:
    assert all(computes(text) for text in FORMULAS if not text.startswith("%"))
    assert not any(computes(text) for text in ("'=1+1", "가=1", "-1", "1+1", "", "%0A=1"))


def test_the_figures_count_what_is_wrong_what_died_and_what_is_slow() -> None:
    outcomes = [
        Outcome("a", "1", 1.0),
        Outcome("a", "2", 21.0),
        Outcome("b", "3", 1.0, wrong="x"),
        Outcome("b", "4", 2.0, death="y"),
    ]
    figures = summarise(outcomes)
    assert figures["all"] == {"tried": 4, "wrong": 1, "deaths": 1, "slowest_seconds": 21.0}
    assert figures["kinds"]["b"] == {"tried": 2, "wrong": 1, "deaths": 1, "slowest_seconds": 2.0}
    assert [problem["problem"] for problem in figures["problems"]] == ["21 s", "x", "died: y"]
