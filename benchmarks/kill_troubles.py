"""Two troubles of `kill.py` other than kills: a disk that fills up, and a folder that is read-only for a while."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.kill_processes import start_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS = 1.5
_ROOM = 300 << 10
_NOBODY = 65534


def fill_disk(template: Path, people: int, make: Callable[[Path, Path, int], Any]) -> dict[str, Any]:
    """Let people press until the disk is full, and again once there is room; return the outcome."""
    size = sum(file.stat().st_size for file in template.rglob("*") if file.is_file())
    with tempfile.TemporaryDirectory(dir=template.parent) as root, _small_disk(Path(root), size + (8 << 20)) as limited:
        place = make(template, Path(root) / "full", people)
        # A file size limit applies to the log: it grows from nothing.
        before = None if limited else (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, _ROOM)))
        ballast = Path(root) / "ballast"
        if limited:
            _fill(ballast, leave=_ROOM)
        refused = _work(place, before)
        ballast.unlink(missing_ok=True)
        return _last_figures(place, "tmpfs" if limited else "rlimit", refused)


def only_read(template: Path, people: int, make: Callable[[Path, Path, int], Any]) -> dict[str, Any]:
    """Let people press, make their folder read-only, and let them go on; return the outcome."""
    with tempfile.TemporaryDirectory(dir=template.parent) as root:
        place = make(template, Path(root) / "folder", people)
        _work(place, None)
        kept_count = len(place.ledger.kept)
        with _locked(place.path.parent) as (how, before):
            refused = _work(place, before)
        # Nothing may be reported as saved that could not be.
        figures = (
            _last_figures(place, how, refused) if len(place.ledger.kept) == kept_count else {"how": how, "lost": 1}
        )
        return {"sound": False, "went_on": False, **figures}


def _work(place: Any, before: Callable[[], None] | None) -> int:
    """Let everybody press for a while; return how often the database said that it can't save a press."""
    refused = 0
    people = [
        start_person(place.path, tab, seconds=_SECONDS, seed=i, before=before) for i, tab in enumerate(place.tabs)
    ]
    while True:
        is_over = all(person.is_over() for person in people)
        refused += sum(place.ledger.hear(tab, person) for tab, person in zip(place.tabs, people, strict=True))
        if is_over:
            return refused
        time.sleep(0.01)


def _last_figures(place: Any, how: str, refused: int) -> dict[str, Any]:
    """Let everybody press once more, check, and return the figures."""
    before = len(place.ledger.kept)
    again = _work(place, None)
    is_sound = place.ledger.check(place.path, place.ledger.kept)
    return {
        "how": how,
        "refused": refused,
        "confirmed": len(place.ledger.kept),
        "lost": len(place.ledger.lost),
        "doubled": place.ledger.doubled,
        "sound": is_sound,
        "went_on": len(place.ledger.kept) > before and again == 0 and refused > 0,
    }


def _fill(ballast: Path, *, leave: int) -> None:
    free = shutil.disk_usage(ballast.parent).free
    with ballast.open("wb") as file:
        for _ in range(max(0, free - leave) >> 12):
            file.write(bytes(4096))


def _mount(*arguments: str) -> bool:
    return os.geteuid() == 0 and subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[bool]:
    """Mount a small disk at a folder; yield whether that could be done."""
    is_mounted = _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def _locked(folder: Path) -> Iterator[tuple[str, Callable[[], None] | None]]:
    """Hold a folder read-only: by a mount, or by permissions, for which root first has to drop its rights."""
    if _mount("--bind", str(folder), str(folder)):
        try:
            if _mount("-o", "remount,ro,bind", str(folder)):
                yield "mount", None
                return
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    if os.geteuid() == 0:
        for above in (folder.parent, folder.parent.parent):
            above.chmod(0o711)
    files = [folder, *folder.rglob("*")]
    modes = {file: file.stat().st_mode for file in files}
    for file in files:
        file.chmod(0o555 if file.is_dir() else 0o444)
    try:
        yield "permissions", (lambda: os.setuid(_NOBODY)) if os.geteuid() == 0 else None
    finally:
        for file, mode in modes.items():
            file.chmod(mode)
