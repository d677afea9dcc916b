"""How fast many diaries are imported and exported, with how much memory, and how long nobody else can write.

    python benchmarks/import_export.py --rows 1000000 --json result.json

Each direction and format runs in a process of its own, whose highest memory is read when it ends. The rows are made of
sentences of ``--data``, any file that can be imported, about 60 characters each, with a date, an author and, for a
share of them, a label.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from annotator.formats.source import open_source
from annotator.importing.columns import guess_roles
from annotator.importing.reader import opened
from annotator.label_sets import definitions
from benchmarks import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent

FORMATS = ("csv", "jsonl")

_CHARACTERS = 45
"""Texts grow by sentences up to this length: about 60 characters on average, with a number that makes each one new."""


def make_rows(data: Path, count: int, *, labelled: float, seed: int) -> Iterator[dict[str, str]]:
    """Yield rows with text, label, date and author; the same seed gives the same rows."""
    draw = random.Random(seed)
    with opened(open_source(data, data.name)) as table:
        table_rows = list(table.rows())
        columns = guess_roles(table, table_rows[:100])
    read = [row.values for row in table_rows]
    texts = [" ".join((row.get(columns.text or "") or "").split()) for row in read]
    sentences = [part.strip() for text in texts for part in text.split(".") if part.strip()]
    labels = [label.name for label in definitions.DEFAULT_LABELS]
    for number in range(count):
        text = ""
        while len(text) < _CHARACTERS:
            text += draw.choice(sentences) + ". "
        yield {
            "text": f"{text}{number}",
            "label": draw.choice(labels) if draw.random() < labelled else "",
            "date": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "author": f"u{number % 1000}",
        }


def write_files(folder: Path, rows: Iterator[dict[str, str]]) -> float:
    """Write the rows as CSV and as JSONL; return the mean length of their texts."""
    count = characters = 0
    with (
        (folder / "rows.csv").open("w", encoding="utf-8", newline="") as table,
        (folder / "rows.jsonl").open("w", encoding="utf-8") as lines,
    ):
        writer = csv.writer(table)
        writer.writerow(("text", "label", "date", "author"))
        for row in rows:
            writer.writerow(row.values())
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            count, characters = count + 1, characters + len(row["text"])
    return characters / max(count, 1)


class LockWatch(threading.Thread):
    """Asks for the write lock again and again, and notes the longest time that it was refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._path, self._ended = path, threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as connection:
            refused_since: float | None = None
            while not self._ended.wait(0.02):
                try:
                    connection.execute("begin immediate")
                    connection.execute("rollback")
                    refused_since = None
                except sqlite3.OperationalError:
                    now = time.perf_counter()
                    refused_since = refused_since or now
                    self.longest = max(self.longest, now - refused_since)

    def end(self) -> float:
        """Stop, and return the longest time in seconds."""
        self._ended.set()
        self.join()
        return self.longest


_IMPORT = """
import sys
from pathlib import Path
from annotator import project
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import

db = project.open_project(Path(sys.argv[1]))
file = Path(sys.argv[2])
print(import_file(db, file, file.name, after=enqueue_import).kept_count)
db.close()
"""


def run_child(script: str, *arguments: str) -> dict[str, Any]:
    """Run a script in a process of its own; return its seconds, processor seconds, peak memory and output."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=output, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise SystemExit(f"the child ended with {child.returncode}")
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_rss_mb": round(usage.ru_maxrss * 1024 / 1e6, 1),
        "output": text.strip(),
    }


def measure_import(folder: Path, kind: str, count: int) -> dict[str, Any]:
    """Import a file into a new project, ``<kind>.db``, which stays for the export."""
    path = folder / f"{kind}.db"
    project.init(path, seed="00" * 16)
    watch = LockWatch(path)
    watch.start()
    report = run_child(_IMPORT, str(path), str(folder / f"rows.{kind}"))
    locked = watch.end()
    if int(report.pop("output")) != count:
        raise SystemExit(f"not all rows of {kind} came in")
    per_second = round(count / report["seconds"])
    return {**report, "rows_per_second": per_second, "write_lock_seconds": round(locked, 2)}


_EXPORT = """
import sys
from pathlib import Path
from annotator import project
from annotator.exporting import export

db = project.open_project(Path(sys.argv[1]))
print(export(db, Path(sys.argv[2])))
db.close()
"""


def measure_export(folder: Path, database: Path, kind: str, count: int) -> dict[str, Any]:
    """Export a project with its data card."""
    target = folder / f"export.{kind}"
    report = run_child(_EXPORT, str(database), str(target))
    if int(report.pop("output")) != count:
        raise SystemExit(f"not all rows of {kind} came out")
    return {**report, "rows_per_second": round(count / report["seconds"]), "mb": round(target.stat().st_size / 1e6, 1)}


def main() -> None:
    """Measure both directions and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.add_argument("--labelled", type=float, default=0.0, help="share of rows with a label, in [0, 1]")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result: dict[str, Any] = {"machine": machine.describe(), "rows": arguments.rows, "labelled": arguments.labelled}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = make_rows(arguments.data, arguments.rows, labelled=arguments.labelled, seed=arguments.seed)
        result["mean_characters"] = round(write_files(folder, rows), 1)
        result["import"] = {kind: measure_import(folder, kind, arguments.rows) for kind in arguments.formats}
        database = folder / f"{arguments.formats[0]}.db"
        result["export"] = {kind: measure_export(folder, database, kind, arguments.rows) for kind in arguments.formats}
    machine.write(arguments.json, result)


if __name__ == "__main__":
    main()
