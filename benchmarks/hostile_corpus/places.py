"""Hostile places: pipes, devices, folders, links, and names that are themselves an attack."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.hostile_corpus.hostile_file import SECRET_FILE, HostileFile, of_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

_TABLE = "text\n오늘은 비가 와서 조금 슬펐다\n"


def _link(target: str) -> Callable[[Path, Random], None]:
    return lambda path, _: path.symlink_to(target)


def _sealed(path: Path, _: Random) -> None:
    path.write_text(_TABLE)
    path.chmod(0)


CASES = (
    HostileFile("place", "pipe.csv", lambda path, _: os.mkfifo(path), "refused"),
    HostileFile("place", "folder.csv", lambda path, _: path.mkdir(), "refused"),
    HostileFile("place", "device-without-end.csv", _link("/dev/zero"), "refused"),
    HostileFile("place", "device-empty.csv", _link("/dev/null"), "refused"),
    HostileFile("place", "terminal.csv", _link("/dev/tty"), "refused"),
    HostileFile("place", "memory-of-the-process.csv", _link("/proc/self/mem"), "refused"),
    HostileFile("place", "secret-by-link.xlsx", _link(SECRET_FILE), "refused"),
    HostileFile("place", "link-to-itself.csv", _link("link-to-itself.csv"), "refused"),
    HostileFile("place", "link-to-nothing.csv", _link("nothing-there"), "refused"),
    HostileFile("place", "empty.csv", of_text(""), "refused"),
    HostileFile("place", "unreadable.csv", _sealed),
    HostileFile("name", "new\nline.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "\u202evsc.exe.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "\x1b[31mred.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "..\\..\\escaped.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "{0.__class__} %s {count:,}.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "<img src=x onerror=window.__pwned=1>.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "$(touch escaped.txt);`id`.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "=1+1.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "-rf.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "\udcff\udcfe.csv", of_text(_TABLE), "rows"),
    HostileFile("name", "가" * 80 + ".csv", of_text(_TABLE), "rows"),
    HostileFile("name", "일기.csv.exe", of_text(_TABLE), "refused"),
    HostileFile("name", ".csv", of_text(_TABLE)),
)
