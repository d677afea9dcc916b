"""What lies between the rows of a database file.

With ``secure_delete`` SQLite overwrites what it deletes. But when rows move from one page to another, as when a page is
full, the old place may keep their bytes where no row reaches: a copy of which SQLite knows nothing. It is found here by
the file format, and `db.connection.rewrite` does away with it.

Source: https://www.sqlite.org/fileformat2.html, sec. 1.6 (b-tree pages) and 1.3 (the database header).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_BYTES = 64 << 20
"""Of texts, and of bytes between rows, beyond which writing the database anew is faster than looking."""

_WINDOW = 16
_FILE_HEADER = 100
_PAGES_AT_A_TIME = 1024
_HEADER_OF = {2: 12, 5: 12, 10: 8, 13: 8}
"""Length of the header of a b-tree page by its type."""


def holds(path: Path, texts: Sequence[str]) -> bool:
    """Return whether a piece of one of these texts lies between the rows of a database whose log is empty."""
    wanted = [text.encode() for text in texts]
    if sum(map(len, wanted)) > MOST_BYTES:
        return True
    windows: set[bytes] = set()
    count = 0
    for gap in _gaps(path):
        count += len(gap)
        windows.update(gap[at : at + _WINDOW] for at in range(len(gap) - _WINDOW + 1))
        if count > MOST_BYTES:
            return True
    return any(_has_window(text, windows) for text in wanted)


def _has_window(text: bytes, windows: set[bytes]) -> bool:
    """Return whether 31 bytes in a row, or all of a shorter text, lie in what the windows come from."""
    if len(text) < _WINDOW:
        return False
    last = len(text) - _WINDOW
    return any(text[at : at + _WINDOW] in windows for at in (*range(0, last, _WINDOW), last))


def _gaps(path: Path) -> Iterator[bytes]:
    """Yield what is not zero between the pointers and the rows of each page."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(_FILE_HEADER)[16:18]) or 1
        size = 65536 if size == 1 else size
        file.seek(0)
        start = _FILE_HEADER
        while block := file.read(size * _PAGES_AT_A_TIME):
            for at in range(0, len(block), size):
                page = block[at : at + size]
                if gap := _gap(page, start):
                    yield gap
                start = 0


def _gap(page: bytes, start: int) -> bytes:
    """Return what lies between pointers and rows of a page; empty if that is zeros, or it is no page of rows.

    Args:
        start: where its header begins.
    """
    header = _HEADER_OF.get(page[start])
    if header is None:
        return b""
    first = start + header + 2 * int.from_bytes(page[start + 3 : start + 5])
    rows_from = int.from_bytes(page[start + 5 : start + 7]) or 65536
    return page[first:rows_from].strip(b"\0") if first <= rows_from <= len(page) else b""
