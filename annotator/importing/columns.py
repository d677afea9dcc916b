"""Which column holds what: guessed from names and content, chosen by people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.column_names import _LABEL, _named
from annotator.formats.dates import read_date
from annotator.formats.table import ColumnMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.table import Row, Table

_TEXT = (
    "text diary diarytext content contents body sentence entry document "
    "일기 일기내용 일기본문 본문 내용 문장 글 글내용 텍스트 원문"
)
_DATE = (
    "date datetime day writtenon writtenat createdat createdon timestamp "
    "날짜 일자 일시 작성일 작성일자 작성일시 작성날짜 쓴날 등록일 등록일시"
)
_AUTHOR = "author writer user userid username nickname 작성자 저자 글쓴이 쓴사람 사용자 닉네임 필명"

_ANNOTATOR = (
    "annotator annotatorid labeler labeller worker workerid rater 라벨러 주석자 작업자 평가자 판단한사람 라벨단사람"
)

_AI_HUB = ("사람문장1", "사람문장2")
"""What the person says in AI Hub's corpus of 감성 대화 말뭉치: the text of most studies of it."""

_MIN_TEXT_CHARACTERS = 8
"""On average, the values of a text column are at least this long."""

_MIN_DATE_SHARE = 0.5
"""A column named like a date is one if this share of its values can be read as dates."""

_CLEARLY_LONGER = 3
"""Without a telling name, a column must be this many times longer than the next one to be taken for the text."""


def guess_columns(columns: Sequence[str], sample: Sequence[Row]) -> ColumnMap:
    """Guess the roles of columns from Korean and English names, then from the first rows.

    A role is left open where two columns fit equally well; label, author and annotator are found by name alone.
    """
    label = _only(_named(columns, _LABEL))
    author = _only(_named(columns, _AUTHOR))
    annotator = _only(_named(columns, _ANNOTATOR)) if label else None
    rest = [column for column in columns if column not in (label, author, annotator)]
    named = [column for column in _named(rest, _DATE) if _date_share(sample, column) >= _MIN_DATE_SHARE]
    date = _only(named) or _only([column for column in rest if _date_share(sample, column) == 1.0])
    if set(_AI_HUB) <= set(columns):
        return ColumnMap(_AI_HUB[0], label, date, author, more_text=_AI_HUB[1:], annotator=annotator)
    candidates = text_candidates([c for c in columns if c not in (label, author, annotator, date)], sample)
    return ColumnMap(_only(candidates), label, date, author, annotator=annotator)


def guess_roles(table: Table, sample: Sequence[Row]) -> ColumnMap:
    """Return the roles that the format gives its columns, guessing those that it leaves open."""
    if table.known is None:
        return guess_columns(table.columns, sample)
    column_map = table.known
    if column_map.text is not None:
        return column_map
    assigned = {*column_map.roles().values(), *column_map.ignored}
    guess = guess_columns([column for column in table.columns if column not in assigned], sample)
    return replace(guess, label=column_map.label, annotator=None, ignored=column_map.ignored)


def text_candidates(columns: Sequence[str], sample: Sequence[Row]) -> list[str]:
    """Return the columns that may hold the text: one if it is clear."""
    if named := _named(columns, _TEXT):
        return named
    lengths = {column: _mean_length(sample, column) for column in columns}
    long = sorted(long_columns(columns, sample), key=lengths.__getitem__, reverse=True)
    if len(long) > 1 and lengths[long[0]] >= _CLEARLY_LONGER * lengths[long[1]]:
        return long[:1]
    return long or (list(columns) if len(columns) == 1 else [])


def long_columns(columns: Sequence[str], sample: Sequence[Row]) -> list[str]:
    """Return the columns whose values are long enough to be a text, or a part of one."""
    return [column for column in columns if _mean_length(sample, column) >= _MIN_TEXT_CHARACTERS]


def choose_columns(table: Table, wanted: ColumnMap | None, sample: Sequence[Row], *, name: str) -> ColumnMap:
    """Check a choice of columns against the file, or guess it; a choice without a text column has it guessed.

    Raises:
        UserError: if a column doesn't exist, has two roles, or the text column isn't clear.
    """
    guess = guess_roles(table, sample)
    if wanted is None:
        chosen = guess
    else:
        roles = {role: _existing(table, column) for role, column in wanted.roles().items()}
        ignored = tuple(_existing(table, column) for column in wanted.ignored)
        more = tuple(_existing(table, column) for column in wanted.more_text)
        chosen = ColumnMap(**{"text": None, **roles}, ignored=ignored, more_text=more)
    if chosen.text is None:
        # A date is long enough to pass for a text, so columns with another guessed role are no candidates.
        assigned = {*chosen.roles().values(), *chosen.ignored, *replace(guess, text=None).roles().values()}
        unassigned = [column for column in table.columns if column not in assigned]
        if guess.more_text and guess.text in unassigned:
            chosen = replace(chosen, text=guess.text, more_text=guess.more_text)
        else:
            chosen = replace(
                chosen, text=guess.text if guess.text in unassigned else _clear_text(unassigned, sample, name=name)
            )
    _check_once(chosen)
    return chosen


def _existing(table: Table, column: str) -> str:
    plain = tables.plain_column(column)
    if plain not in table.columns:
        column_names = tables.enumerate_values(table.columns)
        raise UserError("import_column_missing", column=tables.shorten(column), columns=column_names)
    return plain


def _clear_text(columns: Sequence[str], sample: Sequence[Row], *, name: str) -> str:
    candidates = text_candidates(columns, sample)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UserError("import_text_unclear", name=name, candidates=tables.enumerate_values(candidates))
    raise UserError("import_text_missing", name=name, columns=tables.enumerate_values(columns))


def _check_once(chosen: ColumnMap) -> None:
    used = [*chosen.roles().values(), *chosen.ignored, *chosen.more_text]
    for place, column in enumerate(used):
        if column in used[:place]:
            raise UserError("import_column_twice", column=tables.shorten(column))


def _only(columns: Sequence[str]) -> str | None:
    return columns[0] if len(columns) == 1 else None


def _values(sample: Sequence[Row], column: str) -> list[str]:
    return [value for row in sample if (value := (row.values.get(column) or "").strip())]


def _date_share(sample: Sequence[Row], column: str) -> float:
    values = _values(sample, column)
    return sum(read_date(value) is not None for value in values) / len(values) if values else 0.0


def _mean_length(sample: Sequence[Row], column: str) -> float:
    values = _values(sample, column)
    return sum(map(len, values)) / len(values) if values else 0.0
