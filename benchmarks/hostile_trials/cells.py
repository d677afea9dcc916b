"""Texts that a spreadsheet would compute, imported and exported again: no cell may be taken for a formula."""

from __future__ import annotations

import csv
import tempfile
import time
import unicodedata
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.payloads import FORMULAS
from benchmarks.hostile_trials.command_line import run_command
from benchmarks.hostile_trials.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STARTERS = tuple("=+-@＝＋－＠\t\r")


def try_cells(folder: Path, texts: Sequence[str] = FORMULAS) -> Iterator[Outcome]:
    """Import texts as diaries and as their authors, export them, and look at each cell."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        place = Path(root)
        for name in ("work", "home", "tmp"):
            (place / name).mkdir()
        source, database = place / "source.csv", ["--db", str(place / "project.db")]
        with source.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([("text", "author"), *((text, text) for text in texts)])
        run_command(["init", *database], place)
        run_command(["import", str(source), "--text-column", "text", "--author-column", "author", *database], place)
        for ending in ("csv", "tsv", "xlsx"):
            target, began = place / f"out.{ending}", time.perf_counter()
            run = run_command(["export", str(target), *database], place)
            wrong = _computing(target) if target.exists() else f"nothing was exported: {run.errors[-200:]!a}"
            yield Outcome("exported cells", ending, time.perf_counter() - began, wrong)


def computes(cell: str) -> bool:
    """Return whether a spreadsheet may take a cell for a formula, even behind invisible characters."""
    seen = "".join(c for c in cell if unicodedata.category(c) not in ("Cf", "Zs", "Mn"))
    return seen.startswith(_STARTERS) and not _is_number(seen)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _computing(target: Path) -> str:
    """Name the cells of an export that would compute: in a workbook the file itself tells formulas from texts."""
    if target.suffix == ".xlsx":
        with zipfile.ZipFile(target) as archive:
            sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return "a formula" if any(b"<f>" in sheet or b"<f " in sheet for sheet in sheets) else ""
    with target.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file, delimiter="\t" if target.suffix == ".tsv" else ","))
    bad = [cell for row in table for cell in row if computes(cell)]
    return f"cells that compute: {bad[:5]!a}" if bad else "" if len(table) > 1 else "no rows"
