"""Compressed files: a table as ``.gz`` or ``.zip``, several tables of the same columns, or texts."""

from __future__ import annotations

import contextlib
import gzip
import os
import unicodedata
import zipfile
import zlib
from dataclasses import replace
from io import BufferedReader, RawIOBase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from annotator.errors import UserError
from annotator.formats import source as sources
from annotator.formats import table as tables
from annotator.formats import texts
from annotator.formats.texts import TextFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from annotator.formats.source import Source
    from annotator.formats.table import Row, Table

    _T = TypeVar("_T")

    from annotator.formats.table import ReadOptions

MAX_UNPACKED_BYTES = 2_000_000_000
_CHUNK_BYTES = 1 << 20
_MAX_RATIO = 200
_RATIO_FROM_BYTES = 100_000_000
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class _Unpacked(RawIOBase):
    """Reads what is unpacked meanwhile; damage is said as such, whoever reads."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._checked(lambda: int(self._file.seek(offset, whence)))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._checked(lambda: bytes(self._file.read(len(buffer))))
        buffer[: len(content)] = content
        return len(content)

    def _checked(self, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=self._name) from error


def unpack(source: Source) -> Source:
    """Return the file in a ``.gz``, which is unpacked while it is read.

    Raises:
        UserError: if it is damaged.
    """

    def opened() -> BinaryIO:
        return BufferedReader(_Unpacked(gzip.GzipFile(fileobj=source.open()), source.name), _CHUNK_BYTES)

    name = PurePosixPath(source.name)
    inner = replace(source, name=name.stem if name.suffix.lower() == ".gz" else source.name, inner=opened)
    if not inner.head():
        raise UserError("import_file_empty", name=source.name)
    return inner


def list_parts(source: Source) -> frozenset[str]:
    """Return the names of an archive's members as they are stored.

    Raises:
        UserError: if it is damaged.
    """
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return frozenset(archive.namelist())
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error


def open_zip(source: Source, reading: ReadOptions, open_table: Callable[[Source, ReadOptions], Table]) -> Table:
    """Read the tables of an archive that have the columns of the first one, or its texts.

    Args:
        open_table: opens one of them.

    Raises:
        UserError: if it is damaged, holds nothing that can be read, or unpacks to too much.
    """
    members = _members(source)
    kinds = {name: PurePosixPath(name).suffix.lower() for name in members}
    known = [name for name, ending in kinds.items() if ending in sources.ENDINGS]
    plain = [name for name in known if _is_one_text(_member(source, members[name], name))]
    named = [name for name in known if name not in plain]
    if plain and not named:
        return texts.open_texts(source, lambda: _texts(source, members, plain), reading)
    if not named:
        raise UserError("import_archive_empty", name=source.name)
    return _joined(source, members, [*named, *plain], reading, open_table)


def _joined(
    source: Source,
    members: dict[str, zipfile.ZipInfo],
    names: list[str],
    reading: ReadOptions,
    open_table: Callable[[Source, ReadOptions], Table],
) -> Table:
    """Return the tables with the columns of the first one, one after the other."""
    chosen = [name for name in names if name in reading.sheets] or names
    first = open_table(_member(source, members[chosen[0]], chosen[0]), reading)
    read = [(chosen[0], first)]
    for name in chosen[1:]:
        try:
            each = open_table(_member(source, members[name], name), reading)
        except UserError:
            continue  # named among those that are not read
        if (set(each.columns), each.format) == (set(first.columns), first.format):
            read.append((name, each))
    others = tuple(name for name in members if name not in dict(read))
    if len(read) == 1:
        return replace(first, sheet=chosen[0], other_sheets=(*first.other_sheets, *others))
    has_column = "file" in first.columns
    return replace(
        first,
        columns=first.columns if has_column else (*first.columns, "file"),
        rows=lambda: _rows(read, named=not has_column),
        sheet=chosen[0],
        more_sheets=tuple(name for name, _ in read[1:]),
        other_sheets=others,
    )


def _rows(read: list[tuple[str, Table]], *, named: bool) -> Iterator[Row]:
    """Yield the rows of tables; numbers go on from one to the next."""
    offset = 0
    for name, each in read:
        number = 0
        for row in each.rows():
            number = row.number
            values = {**row.values, "file": name} if named else row.values
            yield row._replace(number=number + offset, values=values)
        offset += number


def _members(source: Source) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by name, without what operating systems put beside them."""
    with source.open() as file:
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error
    if len(infos) > sources.MOST_TEXTS:
        raise UserError("import_folder_too_full", name=source.name, limit=sources.MOST_TEXTS)
    unpacked, packed = (sum(getattr(info, size) for info in infos) for size in ("file_size", "compress_size"))
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > _RATIO_FROM_BYTES and unpacked > _MAX_RATIO * max(packed, 1)):
        details = {"megabytes": unpacked // 1_000_000, "limit": MAX_UNPACKED_BYTES // 1_000_000}
        raise UserError("import_workbook_too_large", name=source.name, **details)
    if any(info.flag_bits & 1 for info in infos):
        raise UserError("import_archive_encrypted", name=source.name)
    names = {_name(info): info for info in infos if not info.is_dir()}
    return {name: names[name] for name in sorted(names, key=sources.natural) if not _is_beside(name)}


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; Korean Windows writes names in cp949 without saying so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("cp949")
    return unicodedata.normalize("NFC", tables.printable(name))


def _is_beside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name.startswith((".", "~$")) or "__MACOSX" in path.parts


def _is_one_text(member: Source) -> bool:
    return PurePosixPath(member.name).suffix.lower() in sources.TEXT_ENDINGS and not texts.is_tabbed(member)


def _texts(source: Source, members: dict[str, zipfile.ZipInfo], names: list[str]) -> Iterator[TextFile]:
    for name in names:
        yield TextFile(name, _member(source, members[name], name))


def _member(source: Source, info: zipfile.ZipInfo, name: str) -> Source:
    def opened() -> BinaryIO:
        try:
            member = zipfile.ZipFile(source.open()).open(info)  # noqa: SIM115 - closed with its last user
            return BufferedReader(_Unpacked(member, source.name), _CHUNK_BYTES)
        except _DAMAGE as error:
            raise UserError("import_file_damaged", name=source.name) from error

    return replace(source, name=PurePosixPath(name).name, inner=opened)
