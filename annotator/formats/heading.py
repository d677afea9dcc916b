"""The row with the column names of a table: below titles and comments, of two rows, or not there at all."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table
from annotator.formats.column_names import has_known
from annotator.formats.dates import read_date
from annotator.formats.table import NO_HEADING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOKED_AT = 50
"""Rows that are looked at."""

_MOST_ABOVE = 20
"""Rows of titles and comments above the column names."""

_LONG_NAME = 30
_SENTENCE = re.compile(r".*[.!?…~ㅋㅠ]\s*$|.*(?:다|요|음|함)[.!?…~]*\s*$", re.DOTALL)
_FIGURE = re.compile(r"[+-]?[\d,]*\.?\d+%?", re.ASCII)

Record = tuple[int, "Sequence[str | None]"]


@dataclass(frozen=True, slots=True)
class Heading:
    """Where the column names are.

    Attributes:
        number: of their row; `NO_HEADING` where there are none.
        first: number of the first row below them.
        first_line: the first row, if it is not clear whether it holds names or a diary; empty otherwise.
    """

    number: int
    names: tuple[str, ...]
    first: int
    first_line: tuple[str, ...] = ()


def find_heading(records: Sequence[Record], *, name: str, asked: int | None = None) -> Heading:
    """Return where the column names of a table are.

    Args:
        records: the numbers and cells of the first rows that aren't blank.
        name: of the file, for messages.
        asked: the row that a person has named.

    Raises:
        UserError: if there is none, the asked one is not among them, or two columns have the same name.
    """
    rows = [(number, [(cell or "").strip() for cell in cells]) for number, cells in records]
    rows = [(number, cells) for number, cells in rows if any(cells)]
    if not rows:
        raise UserError("import_file_empty", name=name)
    width = _width(rows)
    if asked is not None:
        return _asked(rows, asked, width, name)
    above = _count_above(rows, width)
    number, cells = rows[above]
    if _is_group(rows, above):
        lower_number, lower = rows[above + 1]
        names = [low or high for low, high in zip(_padded(lower, width), _padded(cells, width), strict=True)]
        return Heading(lower_number, table.column_names(names, name=name), lower_number + 1)
    if not has_known(cells) and _looks_like_data(cells):
        return Heading(NO_HEADING, _numbered(max(width, len(cells))), number, tuple(cells))
    return Heading(number, table.column_names(_named(cells, width), name=name), number + 1)


def _named(cells: list[str], width: int) -> list[str]:
    """Return the cells of a heading: those without a name at its end count if there are values below them."""
    return cells[: max(len(_trimmed(cells)), min(len(cells), width))]


def _width(rows: Sequence[tuple[int, list[str]]]) -> int:
    """Return how many cells most rows have, blank ones at their ends aside, those of the widest of equals."""
    counts = Counter(len(_trimmed(cells)) for _, cells in rows)
    return max(counts, key=lambda width: (counts[width], width))


def _trimmed(cells: Sequence[str]) -> list[str]:
    kept = list(cells)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))][: max(width, len(_trimmed(cells)))]


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column_{place}" for place in range(1, width + 1))


def _count_above(rows: Sequence[tuple[int, list[str]]], width: int) -> int:
    """Return how many rows above the column names are titles or comments: one cell where all others have several."""
    for place, (_, cells) in enumerate(rows[:_MOST_ABOVE]):
        filled = [cell for cell in cells if cell]
        # A merged title stands in all the columns that it covers.
        below = rows[place + 1 : place + 1 + _MOST_ABOVE]
        is_alone = len(filled) == 1 or (len(set(filled)) == 1 and any(has_known(later) for _, later in below))
        if not (width > 1 and is_alone and not has_known(filled)) or place + 1 == len(rows):
            return place
    return 0


def _is_group(rows: Sequence[tuple[int, list[str]]], place: int) -> bool:
    """Return whether a row only groups the columns that the row below names."""
    if place + 2 > len(rows) - 1:
        return False
    upper, lower = _trimmed(rows[place][1]), _trimmed(rows[place + 1][1])
    filled = [cell for cell in upper if cell]
    has_groups = len(set(filled)) < len(filled) or "" in upper or len(upper) < len(lower)
    is_named = len(set(lower)) == len(lower) >= len(upper) and has_known(lower)
    return has_groups and is_named and not _looks_like_data(lower)


def _looks_like_data(cells: Sequence[str]) -> bool:
    """Return whether a row has a date, a figure or a sentence, which are rarely names of columns."""
    filled = [cell for cell in cells if cell]
    return any(
        read_date(cell) is not None
        or _FIGURE.fullmatch(cell)
        or len(cell) > _LONG_NAME
        or (" " in cell and len(cell) > 8 and _SENTENCE.match(cell))
        for cell in filled
    )


def _asked(rows: Sequence[tuple[int, list[str]]], asked: int, width: int, name: str) -> Heading:
    if asked == NO_HEADING:
        return Heading(NO_HEADING, _numbered(max(width, len(_trimmed(rows[0][1])))), rows[0][0])
    row = next(((number, cells) for number, cells in rows if number >= asked), None)
    if row is None or (row[0] != asked and asked != 1):
        raise UserError("import_heading_missing", name=name, row=asked)
    return Heading(row[0], table.column_names(_named(row[1], width), name=name), row[0] + 1)
