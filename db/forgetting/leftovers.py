"""What lies between the rows of a database file.

With ``secure_delete`` SQLite overwrites what it deletes. But when rows move from one page to another, as when a page is
full, the old place may keep their bytes outside any row: a copy that SQLite does not know about. This module finds it
by the file format, and `db.connection.rewrite` removes it.

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


def holds(path: Path, texts: Sequence[str | bytes]) -> bool:
    """Return whether a piece of one of these texts or bytes lies between the rows of a database whose log is empty."""
    byte_texts = [text.encode() if isinstance(text, str) else text for text in texts]
    if sum(map(len, byte_texts)) > MOST_BYTES:
        return True
    windows: set[bytes] = set()
    count = 0
    for gap in _gaps(path):
        count += len(gap)
        windows.update(gap[at : at + _WINDOW] for at in range(len(gap) - _WINDOW + 1))
        if count > MOST_BYTES:
            return True
    return any(_has_window(text, windows) for text in byte_texts)


def _has_window(text: bytes, windows: set[bytes]) -> bool:
    """Return whether 31 consecutive bytes, or all of a shorter text, occur in the bytes that the windows come from."""
    if len(text) < _WINDOW:
        return False
    last = len(text) - _WINDOW
    return any(text[at : at + _WINDOW] in windows for at in (*range(0, last, _WINDOW), last))


def _gaps(path: Path) -> Iterator[bytes]:
    """Yield the bytes between the pointers and the rows of each page, without zeros around them."""
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
    """Return the bytes between pointers and rows of a page, without zeros around them; empty if it holds no rows.

    Args:
        start: where the page's header begins.
    """
    header = _HEADER_OF.get(page[start])
    if header is None:
        return b""
    first = start + header + 2 * int.from_bytes(page[start + 3 : start + 5])
    rows_from = int.from_bytes(page[start + 5 : start + 7]) or 65536
    return page[first:rows_from].strip(b"\0") if first <= rows_from <= len(page) else b""
