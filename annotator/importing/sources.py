"""The file to import: a path, or the bytes of an upload. Read several times, never changed."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from annotator.errors import UserError
from annotator.importing.tables import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 1 << 20

HUB = "hf:"
"""Begins the name of a data set on the hub, which is read instead of a file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is there, is readable and isn't empty.

    Attributes:
        name: what people call it; no folders, always storable as UTF-8.
    """

    content: Path | bytes
    name: str

    def open(self) -> BinaryIO:
        """Open it for reading from its beginning.

        Raises:
            UserError: if it can't be read any more.
        """
        if isinstance(self.content, bytes):
            return BytesIO(self.content)
        try:
            return self.content.open("rb")
        except OSError as error:
            raise UserError("import_file_unreadable", name=self.name, reason=error.strerror or "?") from error

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

    def folder(self) -> Path | None:
        """Return the path of a folder, None for anything else."""
        return self.content if isinstance(self.content, Path) and self.content.is_dir() else None

    def head(self) -> bytes:
        """Return its first bytes, up to 1 MiB."""
        return next(self.chunks(), b"")

    def digest(self) -> str:
        """Return a hexadecimal hash of its bytes; of a folder's files in the order of their names."""
        digest = hashlib.blake2b(digest_size=16)
        folder = self.folder()
        files = [self] if folder is None else [Source(p, p.name) for p in sorted(folder.rglob("*")) if p.is_file()]
        if self.is_on_hub():
            files = []
            digest.update(self.name.encode())
        for file in files:
            for chunk in file.chunks():
                digest.update(chunk)
        return digest.hexdigest()

    def is_on_hub(self) -> bool:
        """Say whether it is a data set's name on the hub, not a file."""
        return self.content == b"" and self.name.startswith(HUB)


def open_source(content: Path | bytes, name: str) -> Source:
    """Check that there is something to read.

    Raises:
        UserError: for a path that leads nowhere, a folder that no data set was saved to, a device, a file without
            permission or without bytes.
    """
    if name.startswith(HUB) and isinstance(content, Path):  # an upload may be called anything
        return Source(b"", printable(name))
    source = Source(content, _plain_name(name))
    if isinstance(content, Path):
        _check_path(content, source.name)
    if source.folder() is None and not source.head():
        raise UserError("import_file_empty", name=source.name)
    return source


def is_folder(path: Path) -> bool:
    """Say whether ``save_to_disk`` of the ``datasets`` library wrote a folder."""
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def _check_path(path: Path, name: str) -> None:
    try:
        if not path.exists():
            raise UserError("import_file_missing", path=printable(str(path)))
        if path.is_dir() and not is_folder(path):
            raise UserError("import_file_is_folder", path=printable(str(path)))
        if not path.is_dir() and not path.is_file():
            raise UserError("import_file_not_regular", path=printable(str(path)))
    except (OSError, ValueError) as error:  # a name too long for the file system, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError("import_file_unreadable", name=name, reason=reason) from error


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    # macOS hands out decomposed Hangul; the same file must not become two importers.
    return unicodedata.normalize("NFC", printable(last)) or "?"
