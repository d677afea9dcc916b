"""Where the shards of a pool lie: a folder, or any filesystem that fsspec opens. A file is there whole, or not at all.

In a folder a file is written beside its name, flushed to the disk and renamed; an object store has no rename, but a
single upload is whole or absent there.
"""

from __future__ import annotations

import contextlib
import os
import time
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from learner.errors import LearnerError
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST_BYTES = 16

_PART = ".part-"
_READ_BYTES = 1 << 22


class PoolError(LearnerError):
    """A pool can't be read, written or worked on."""


def digest_of(content: bytes | memoryview) -> str:
    """Return the digest by which a file is known, BLAKE2b of 16 bytes as hex."""
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()


def normalise(url: str) -> str:
    """Return a pool's address as it is kept: an absolute path for a folder, anything with a scheme as it stands."""
    url = url.strip()
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    return url.rstrip("/") if "://" in url else str(Path(url).expanduser().absolute())


class Storage:
    """The files of one pool, by names such as ``texts/00017.parquet``.

    Args:
        url: a folder, or an address with a scheme, which fsspec has to know.

    Raises:
        PoolError: ``pool_filesystem`` if fsspec knows no such scheme, or the package that it takes is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = normalise(url)
        self.folder = None if "://" in self.url else Path(self.url)
        self._remote: Any = None
        if self.folder is None:
            self._remote, self._root = _open_filesystem(self.url)

    def path(self, name: str) -> Path | None:
        """Return the path of a file in a folder; None elsewhere."""
        return None if self.folder is None else self.folder / name

    def read(self, name: str) -> bytes:
        """Return a file.

        Raises:
            PoolError: ``pool_file_missing`` or ``pool_unreadable``.
        """
        with self._errors("pool_unreadable", name):
            if self.folder is not None:
                return (self.folder / name).read_bytes()
            return bytes(self._remote.cat_file(self._at(name)))

    def write(self, name: str, content: bytes | memoryview) -> None:
        """Write a whole file, in place of what is there under its name.

        Raises:
            PoolError: ``pool_unwritable``, also where the disk is full; what was there is there still.
        """
        with self._errors("pool_unwritable", name):
            if self.folder is not None:
                _replace(self.folder / name, content)
            else:
                self._remote.makedirs(str(PurePosixPath(self._at(name)).parent), exist_ok=True)
                self._remote.pipe_file(self._at(name), bytes(content))

    def size(self, name: str) -> int | None:
        """Return the number of bytes of a file; None if it is not there."""
        try:
            if self.folder is not None:
                return (self.folder / name).stat().st_size
            self._remote.invalidate_cache()
            return int(self._remote.size(self._at(name)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest(self, name: str) -> str | None:
        """Return the digest of a file; None if it is not there."""
        try:
            if self.folder is None:
                return digest_of(self.read(name))
            digest = blake2b(digest_size=DIGEST_BYTES)
            with (self.folder / name).open("rb", buffering=0) as file:
                while part := file.read(_READ_BYTES):
                    digest.update(part)
            return digest.hexdigest()
        except FileNotFoundError:
            return None
        except PoolError as error:
            if error.code == "pool_file_missing":
                return None
            raise

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        with self._errors("pool_unwritable", name), contextlib.suppress(FileNotFoundError):
            if self.folder is not None:
                (self.folder / name).unlink()
            else:
                self._remote.rm_file(self._at(name))

    def list_names(self) -> list[str]:
        """Return the names of all files, sorted; those that were being written when a process ended among them."""
        if self.folder is not None:
            files = (Path(at, name) for at, _, names in os.walk(self.folder) for name in names)
            return sorted(file.relative_to(self.folder).as_posix() for file in files)
        with contextlib.suppress(FileNotFoundError):
            self._remote.invalidate_cache()
            paths = self._remote.find(self._root)
            return sorted(str(PurePosixPath(path).relative_to(self._root)) for path in paths)
        return []

    def remove_parts(self, folder: str) -> int:
        """Remove what ended processes had begun to write in a folder of the pool; return how many files that were."""
        if self.folder is None:
            return 0
        parts = list((self.folder / folder).glob(f"{_PART}*"))
        for part in parts:
            part.unlink(missing_ok=True)
        return len(parts)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _errors(self, code: str, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if code == "pool_unreadable":
                raise PoolError("pool_file_missing", url=self.url, name=name) from error
            raise PoolError(code, url=self.url, name=name, reason=error.strerror or "") from error
        except OSError as error:
            raise PoolError(code, url=self.url, name=name, reason=error.strerror or type(error).__name__) from error


def _replace(path: Path, content: bytes | memoryview) -> None:
    private_files.make_folder(path.parent)
    part = path.with_name(f"{_PART}{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with private_files.open_file(part, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    # The name is on the disk only when its folder is.
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open_filesystem(url: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    try:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise PoolError("pool_filesystem", scheme=scheme, package=error.name or "fsspec") from error
    except ValueError as error:
        raise PoolError("pool_filesystem", scheme=scheme, package="fsspec") from error
    return filesystem, str(root)
