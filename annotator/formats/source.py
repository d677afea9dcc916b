"""The file to import: opened once, read several times, and never changed."""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from annotator.errors import UserError
from annotator.messages.visible import visible

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable, Iterator

    from annotator.formats.table import Format

ENDINGS: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".parquet": "parquet",
    ".spacy": "spacy",
    ".xlsb": "excel",
    ".ods": "ods",
    ".html": "html",
    ".htm": "html",
    ".md": "texts",
    ".docx": "texts",
    ".hwpx": "texts",
    ".gz": "archive",
    ".zip": "archive",
}
"""Endings that are read. Excel writes tab-separated text as .txt."""

TEXT_ENDINGS = (".txt", ".md", ".docx", ".hwpx")
"""Endings of files that are one text each."""

HUB = "hf:"
"""Begins the name of a data set on the hub, which is read instead of a file."""

MOST_FILES = 2_000
"""In a folder of a data set; `save_to_disk` makes one for each 500 MB."""

MOST_TEXTS = 50_000
"""In a folder or an archive of texts."""

_CHUNK_BYTES = 1 << 20
# Non-blocking, since opening a named pipe would wait for somebody to write to it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class OpenFile:
    """A regular file, opened once: whatever its path leads to later, this is what is read. Closed with its last user.

    Attributes:
        number: of the open file, which a child process may inherit.
        size: its bytes, as they were when it was first opened; nothing after them is read.
    """

    def __init__(self, number: int, *, size: int | None = None) -> None:
        self.number = number
        self._state = self._look()
        self.size = self._state[0] if size is None else size

    def __del__(self) -> None:
        os.close(self.number)

    @property
    def is_changed(self) -> bool:
        """Return whether somebody has written to it since."""
        return self._look() != self._state

    def _look(self) -> tuple[int, int]:
        status = os.fstat(self.number)
        return status.st_size, status.st_mtime_ns

    def open(self) -> BinaryIO:
        """Return a reader that starts at the beginning and has a position of its own."""
        return BufferedReader(_Reader(self), _CHUNK_BYTES)


class _Reader(RawIOBase):
    """Reads at its own position: processes that share an open file also share the file's position."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._file.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        # Not beyond the size that it had, so that a file that keeps growing has an end.
        most = max(0, min(len(buffer), self._file.size - self._place))
        content = os.pread(self._file.number, most, self._place)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is there, is readable and isn't empty; a folder that a data set was saved to; or a name on the hub.

    Attributes:
        name: what people call it; no folders, always storable as UTF-8.
        file: None for a folder and for the hub.
        folder: None for a file and for the hub.
        inner: opens what the file holds, where that is compressed.
    """

    name: str
    file: OpenFile | None = None
    folder: Path | None = None
    inner: Callable[[], BinaryIO] | None = None

    def open(self) -> BinaryIO:
        """Open the file for reading from its beginning."""
        if self.inner is not None:
            return self.inner()
        assert self.file is not None
        return self.file.open()

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes in order, up to 1 MiB at a time.

        Raises:
            UserError: if reading fails half-way.
        """
        with self.open() as file:
            try:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
            except OSError as error:
                raise UserError("import_file_unreadable", name=self.name, reason=error.strerror or "?") from error

    def head(self) -> bytes:
        """Return its first bytes, up to 1 MiB."""
        return next(self.chunks(), b"")

    @property
    def size(self) -> int | None:
        """Size in bytes; of a folder, that of its files; None for a data set on the hub, where it is not known yet.

        Raises:
            UserError: for a folder with too many files.
        """
        if self.file is not None:
            return self.file.size
        return None if self.folder is None else sum(path.stat().st_size for path in self._files())

    def digest(self) -> str:
        """Return a hexadecimal hash of its bytes; of a folder's files in the order of their names."""
        import hashlib  # the app's side alone needs it, and `tempfile` below

        digest = hashlib.blake2b(digest_size=16)
        if self.is_on_hub():
            digest.update(self.name.encode())
        elif self.folder is None:
            _add(digest, self)
        for path in self._files():
            _add(digest, Source(path.name, _open_path(path, path.name)))
        return digest.hexdigest()

    def _files(self) -> list[Path]:
        if self.folder is None:
            return []
        paths: list[Path] = []
        limit = MOST_FILES if is_folder(self.folder) else MOST_TEXTS
        for path in self.folder.rglob("*"):
            if path.is_file():
                paths.append(path)
            if len(paths) > limit:
                raise UserError("import_folder_too_full", name=self.name, limit=limit)
        return sorted(paths)

    def members(self) -> Iterator[tuple[str, Source]]:
        """Yield the files of a folder by their paths in it, in the order in which people number them.

        Raises:
            UserError: if there are too many, or one can't be opened.
        """
        assert self.folder is not None
        by_name = {
            unicodedata.normalize("NFC", path.relative_to(self.folder).as_posix()): path for path in self._files()
        }
        for name in sorted(by_name, key=natural):
            if not any(part.startswith((".", "~$")) for part in name.split("/")):
                yield visible(name), Source(visible(by_name[name].name), _open_path(by_name[name], name))

    def is_on_hub(self) -> bool:
        """Return whether it is a data set's name on the hub, not a file."""
        return self.file is None and self.folder is None

    def check_unchanged(self) -> None:
        """Check that the file is still what was read.

        Raises:
            UserError: if somebody has written to the file since it was opened.
        """
        if self.file is not None and self.file.is_changed:
            raise UserError("import_file_changed", name=self.name)


def _add(digest: hashlib.blake2b, source: Source) -> None:
    for chunk in source.chunks():
        digest.update(chunk)


def open_source(content: Path | bytes, name: str) -> Source:
    """Open a file, a folder, or the bytes of an upload, and check that there is something to read.

    Raises:
        UserError: for a path that leads nowhere, a folder that no data set was saved to, a device, a file without
            permission or without bytes.
    """
    if name.startswith(HUB) and isinstance(content, Path):  # an upload may be called anything
        return Source(visible(name))
    plain = _plain_name(name)
    if isinstance(content, Path):
        _check_path(content, plain)
        if content.is_dir():
            return Source(plain, folder=content.resolve())
    source = Source(plain, _open_path(content, plain) if isinstance(content, Path) else keep(content))
    if not source.head():
        raise UserError("import_file_empty", name=plain)
    return source


def is_folder(path: Path) -> bool:
    """Return whether ``save_to_disk`` of the ``datasets`` library wrote a folder."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which 2.txt comes before 10.txt."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]{1,18})", name)]


def _check_path(path: Path, name: str) -> None:
    try:
        if not path.exists():
            raise UserError("import_file_missing", path=str(path))
        if path.is_dir() and not is_folder(path) and not _has_texts(path):
            raise UserError("import_file_is_folder", path=str(path))
        if not path.is_dir() and not path.is_file():
            raise UserError("import_file_not_regular", path=str(path))
    except (OSError, ValueError) as error:  # a name too long for the file system, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError("import_file_unreadable", name=name, reason=reason) from error


def _has_texts(folder: Path) -> bool:
    return any(path.suffix.lower() in TEXT_ENDINGS for path in islice(folder.rglob("*"), MOST_TEXTS))


def _open_path(path: Path, name: str) -> OpenFile:
    try:
        return open_regular(path)
    except OSError as error:
        raise UserError("import_file_unreadable", name=name, reason=error.strerror or "?") from error


def open_regular(path: Path) -> OpenFile:
    """Open a path and check what was opened: it may have been replaced since it was last checked.

    Raises:
        UserError: for a device, a pipe and anything else without an end.
        OSError: if it can't be opened, or is a folder.
    """
    file = OpenFile(os.open(path, _FLAGS))
    mode = os.fstat(file.number).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise UserError("import_file_not_regular", path=str(path))
    return file


def keep(content: bytes) -> OpenFile:
    """Return an open file without a name that holds the bytes of an upload; it disappears with the process."""
    import tempfile

    with tempfile.TemporaryFile() as written:
        written.write(content)
        written.flush()
        return OpenFile(os.dup(written.fileno()))


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    # macOS hands out decomposed Hangul; the same file must not become two importers.
    return unicodedata.normalize("NFC", visible(last)) or "?"
