"""Files and folders that only their owner can open, from the first byte and whatever the umask.

All code of ours that writes goes through this module: a file is created 0600 and a folder 0700, by the call that
creates it. Third-party packages that write by themselves do so inside `umask`. Windows has no such modes: there the
rights of the folder apply, and these functions change none.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = 0o600
FOLDER = 0o700
OTHERS = 0o077

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)

_lock = threading.Lock()
_holders = 0
_before = 0


def keep_process() -> None:
    """Restrict what this process and its children create from now on to their owner: the first call of a program."""
    os.umask(OTHERS)


@contextmanager
def umask() -> Iterator[None]:
    """Restrict what the block creates, by whatever package, to its owner.

    The umask belongs to the process: it stays strict until the last of several threads has left its block.
    """
    global _holders, _before
    with _lock:
        if _holders == 0:
            _before = os.umask(OTHERS)
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                os.umask(_before)


def open_file(path: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file for writing, as `open` does; an existing one is closed to others before the first byte.

    Raises:
        OSError: also if the file, or the link to it, belongs to another account, which may have planted it to read it.
    """
    # Binary mode takes no encoding, so the options are passed as they come.
    return open(path, mode, opener=_opener, **options)


def _opener(path: str, flags: int) -> int:
    try:
        handle = os.open(path, (flags & ~os.O_TRUNC) | _NO_FOLLOW, FILE)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        check_link(Path(path))
        handle = os.open(path, flags & ~os.O_TRUNC, FILE)
    try:
        status = os.fstat(handle)
        # Anything but a regular file, such as a terminal, is neither closed to others nor emptied.
        if stat.S_ISREG(status.st_mode):
            _take(handle, status, path)
            if flags & os.O_TRUNC:
                os.ftruncate(handle, 0)
    except OSError:
        os.close(handle)
        raise
    return handle


def _take(handle: int, status: os.stat_result, path: str) -> None:
    if os.name == "nt":
        return
    _check_owner(status, path)
    if status.st_mode & OTHERS:
        os.fchmod(handle, stat.S_IMODE(status.st_mode) & ~OTHERS)


def _check_owner(status: os.stat_result, path: str) -> None:
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another account", path)


def check_link(path: Path) -> None:
    """Check that a path is not another account's symbolic link; links of one's own and the system's are followed.

    Raises:
        PermissionError: if it is one.
    """
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode) and os.name != "nt" and status.st_uid not in (0, os.geteuid()):
        raise PermissionError(errno.EPERM, "a link of another account", str(path))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file."""
    with open_file(path, "wb") as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, leaving line ends as they are."""
    write_bytes(path, text.encode())


def touch(path: Path) -> None:
    """Create an empty file; an existing one is not even opened.

    SQLite's locks on a database are lost as soon as its process closes any handle of the file.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))
    except FileExistsError:
        return


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Create a folder and its missing parents; existing ones stay as they are.

    Raises:
        OSError: if it can't be created; FileExistsError if it exists and must not, or is not a folder.
    """
    try:
        path.mkdir(FOLDER)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        make_folder(path, exist_ok=exist_ok)
    except FileExistsError:
        if not exist_ok or not path.is_dir():
            raise


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcome of closing files that others could read or write.

    Attributes:
        count: how many only their owner can open now.
        left: how many are still open, because they belong to another account or lie on a read-only disk.
        reason: why, for the first of these.
    """

    count: int = 0
    left: int = 0
    reason: str = ""

    def and_(self, other: Closed) -> Closed:
        """Return the sum of both."""
        return Closed(self.count + other.count, self.left + other.left, self.reason or other.reason)


def close_beside(path: Path) -> Closed:
    """Remove others' rights to a file, and to everything beside it whose name begins with its own.

    Links are left alone, and so is the containing folder: whoever made it may have meant it for others.
    """
    if os.name == "nt":
        return Closed()
    path = path.resolve()
    closed = _close(path)
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(f"{path.name}-"):
                closed = closed.and_(_close(Path(entry.path)))
    return closed


def find_link(path: Path) -> Path | None:
    """Return a symbolic link among the files and folders whose names extend a file's, or inside them; None if none.

    Somebody who packs a folder for another person can put a link in it, which then belongs to that person.
    """
    with os.scandir(path.parent) as entries:
        beside = sorted(entry.path for entry in entries if entry.name.startswith(f"{path.name}-"))
    for place in map(Path, beside):
        below = [Path(folder, name) for folder, *names in os.walk(place) for name in (*names[0], *names[1])]
        for each in (place, *below):
            if each.is_symlink():
                return each
    return None


def close_folder(path: Path) -> Closed:
    """Remove others' rights to one folder, not to what is in it."""
    return Closed() if os.name == "nt" else _close(path, inside=False)


def _close(path: Path, *, inside: bool = True) -> Closed:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            return Closed()
        closed = Closed()
        if status.st_mode & OTHERS:
            _check_owner(status, str(path))
            # By its path: a handle must not be opened, see `touch`.
            path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)
            closed = Closed(1)
        if inside and stat.S_ISDIR(status.st_mode):
            for each in path.iterdir():
                closed = closed.and_(_close(each))
    except FileNotFoundError:
        # SQLite may have deleted a log meanwhile.
        return Closed()
    except OSError as error:
        return Closed(left=1, reason=error.strerror or type(error).__name__)
    else:
        return closed
