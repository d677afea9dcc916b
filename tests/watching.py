"""Watches a folder and all below it, and notes what rights files and folders have at the moment they appear."""

from __future__ import annotations

import ctypes
import os
import select
import stat
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_CREATED, _MOVED_IN, _FOLDERS_ONLY = 0x100, 0x80, 0x01000000
_HEAD = struct.Struct("iIII")

_libc = ctypes.CDLL(None, use_errno=True)


def modes(folder: Path) -> dict[str, int]:
    """Return the rights of everything below a folder, by path within it. Links have none of their own."""
    mode_of = {}
    for path in folder.rglob("*"):
        if not path.is_symlink():
            mode_of[str(path.relative_to(folder))] = stat.S_IMODE(path.lstat().st_mode)
    return mode_of


class Watcher:
    """Notes what appears below a folder while the block runs, by inotify."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: dict[str, int] = {}
        self._notes = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._notes >= 0, os.strerror(ctypes.get_errno())
        self._places: dict[int, Path] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._add(self.folder)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        os.close(self._notes)

    def _add(self, folder: Path) -> None:
        mask = _CREATED | _MOVED_IN | _FOLDERS_ONLY
        place = _libc.inotify_add_watch(self._notes, os.fsencode(folder), mask)
        if place < 0:
            return  # gone already
        self._places[place] = folder
        # What was made before the watch was there.
        for path in folder.iterdir() if folder.is_dir() else ():
            self._note(path)

    def _note(self, path: Path) -> None:
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        if stat.S_ISLNK(status.st_mode):
            return
        self.seen.setdefault(str(path.relative_to(self.folder)), stat.S_IMODE(status.st_mode))
        if stat.S_ISDIR(status.st_mode):
            self._add(path)

    def _watch(self) -> None:
        # Where many files are open, select has no number for one more.
        notes = select.poll()
        notes.register(self._notes, select.POLLIN)
        while True:
            # Asked before the look, so that what came between the two is read still.
            is_over = self._is_over.is_set()
            if not notes.poll(50):
                if is_over:
                    return
                continue
            told, at = os.read(self._notes, 1 << 16), 0
            while at < len(told):
                place, _, _, length = _HEAD.unpack_from(told, at)
                name = told[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
                at += _HEAD.size + length
                if place in self._places:
                    self._note(self._places[place] / os.fsdecode(name))
