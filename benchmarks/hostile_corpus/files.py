"""Every hostile file, and how they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.hostile_corpus import columnar, databases, label_files, places, tables, workbooks
from benchmarks.hostile_corpus.hostile_file import SECRET, SECRET_FILE, Entry, HostileFile

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILES: tuple[HostileFile, ...] = (
    *workbooks.CASES,
    *tables.CASES,
    *columnar.CASES,
    *label_files.CASES,
    *databases.CASES,
    *places.CASES,
)


def write_files(folder: Path, *, seed: int = 0, files: Iterable[HostileFile] = FILES) -> list[tuple[HostileFile, Path]]:
    """Write files of the corpus into a folder, with the secret that some try to read; return them with their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SECRET_FILE).write_text(f"text\n{SECRET}\n")
    return [(file, file.make(folder, seed)) for file in files]


def unseen_files(folder: Path) -> list[tuple[HostileFile, Path]]:
    """Return the files of a folder outside the project, each with the entry that its ending implies."""
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [
        (HostileFile("unseen", path.name, lambda *_: None, entry=entry), path)
        for path in paths
        for entry in _entries(path)
    ]


def _entries(path: Path) -> tuple[Entry, ...]:
    ending = path.suffix.lower()
    if ending in (".db", ".sqlite", ".sqlite3"):
        return ("database",)
    if ending == ".toml":
        return ("labels", "crosswalk", "recipe")
    return ("import", "labels") if ending in (".json", ".csv") else ("import",)
