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

    def head(self) -> bytes:
        """Return its first bytes, up to 1 MiB."""
        return next(self.chunks(), b"")

    def digest(self) -> str:
        """Return a hexadecimal hash of its bytes."""
        digest = hashlib.blake2b(digest_size=16)
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


def open_source(content: Path | bytes, name: str) -> Source:
    """Check that there is something to read.

    Raises:
        UserError: for a path that leads nowhere, a folder, a device, a file without permission or without bytes.
    """
    source = Source(content, _plain_name(name))
    if isinstance(content, Path):
        _check_path(content, source.name)
    if not source.head():
        raise UserError("import_file_empty", name=source.name)
    return source


def _check_path(path: Path, name: str) -> None:
    try:
        if not path.exists():
            raise UserError("import_file_missing", path=printable(str(path)))
        if path.is_dir():
            raise UserError("import_file_is_folder", path=printable(str(path)))
        if not path.is_file():
            raise UserError("import_file_not_regular", path=printable(str(path)))
    except (OSError, ValueError) as error:  # a name too long for the file system, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError("import_file_unreadable", name=name, reason=reason) from error


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    # macOS hands out decomposed Hangul; the same file must not become two importers.
    return unicodedata.normalize("NFC", printable(last)) or "?"
