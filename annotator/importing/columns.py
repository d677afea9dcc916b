"""Which column holds what: guessed from names and content, chosen by people."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.column_names import ANNOTATOR, AUTHOR, CATEGORY, DATE, LABEL, PERSON_NUMBER, TEXT, named
from annotator.formats.dates import read_date
from annotator.formats.table import ColumnMap
from annotator.importing.figures import read_figure, read_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.table import Row, Scale, Table
    from annotator.importing.label_names import LabelReader

_AI_HUB_JSON = ("talk.content.HS01", "talk.content.HS02")
"""The same in its JSON files."""

_MOST_STRENGTH = 5

_AI_HUB = ("사람문장1", "사람문장2")
"""What the person says in AI Hub's corpus of 감성 대화 말뭉치: the text of most studies of it."""

_MIN_TEXT_CHARACTERS = 8
"""On average, the values of a text column are at least this long."""

_MIN_DATE_SHARE = 0.5
"""A column named like a date is one if this share of its values can be read as dates."""

_DATE_LIKE = re.compile(r"\d{1,4}\s*[-./년월 ]\s*\d{1,2}\s*[-./월일 ]\s*\d{1,4}|\d{5,8}$")
"""Three figures, or one that counts days."""

_CLEARLY_LONGER = 3
"""Without a telling name, a column must be this many times longer than the next one to be taken for the text."""


def guess_columns(columns: Sequence[str], sample: Sequence[Row], labels: LabelReader | None = None) -> ColumnMap:
    """Guess the roles of columns from Korean and English names, then from the first rows.

    A role is left open where two columns fit equally well.

    Args:
        labels: of the project: a column that holds nothing else is one of labels, whatever it is called.
    """
    author = _only(named(columns, AUTHOR))
    wide = guess_wide(columns, sample, labels)
    label = None if wide.people or wide.label_columns else _label_column(columns, sample, labels, author)
    decided = label or wide.label_columns
    annotator = _only(named(columns, ANNOTATOR)) if decided else None
    used = {label, author, annotator, *wide.people, *wide.label_columns}
    rest = [column for column in columns if column not in used]
    called = named(rest, DATE)
    dated = [column for column in called if _date_share(sample, column) >= _MIN_DATE_SHARE]
    dated = dated or [column for column in called if _looks_dated(sample, column)]  # what can't be read is listed
    date = _only(dated) or _only([column for column in rest if _date_share(sample, column) == 1.0])
    roles = replace(wide, label=label, date=date, author=author, annotator=annotator)
    for text, *more in (_AI_HUB, _AI_HUB_JSON):
        if {text, *more} <= set(columns):
            return replace(roles, text=text, more_text=tuple(more))
    candidates = text_candidates([c for c in rest if c != date], sample)
    return replace(roles, text=_only(candidates))


def _label_column(
    columns: Sequence[str], sample: Sequence[Row], labels: LabelReader | None, author: str | None
) -> str | None:
    """Return the column of labels: by its name, or else by its values if these are labels."""
    called = named(columns, LABEL)
    if labels is None or len(called) == 1:
        return _only(called)
    holds_labels = [c for c in called or columns if c != author and _holds_labels(sample, c, labels)]
    return _only(holds_labels) or _only([column for column in holds_labels if column in named(columns, CATEGORY)])


def guess_wide(columns: Sequence[str], sample: Sequence[Row], labels: LabelReader | None) -> ColumnMap:
    """Return the columns that stand for a person, or for a label, each; none if there are not two of either."""
    if labels is None:
        return ColumnMap(None)
    marked = [c for c in columns if labels.knows(c) and _holds_figures(sample, c)]
    if len(marked) > 1 and any(read_figures(row.values, marked) for row in sample):
        return ColumnMap(None, label_columns=tuple(marked), scale=_scale(sample, marked))
    called = [c for c in columns if c != PERSON_NUMBER.sub("", c) and named((PERSON_NUMBER.sub("", c),), ANNOTATOR)]
    numbered = [c for c in called if any(map(labels.knows, _values(sample, c)))]  # others than labels are asked about
    if len(numbered) > 1:
        return ColumnMap(None, people=tuple(numbered))
    return ColumnMap(None)


def unclear_labels(table: Table, chosen: ColumnMap, sample: Sequence[Row], labels: LabelReader) -> list[str]:
    """Return columns without a role that hold nothing but labels, where several do and none was chosen."""
    if chosen.label or chosen.people or chosen.label_columns:
        return []
    used = chosen.used()
    rest = [column for column in table.columns if column not in used and _holds_labels(sample, column, labels)]
    return rest if len(rest) > 1 else []


def names_a_label(table: Table, sample: Sequence[Row], labels: LabelReader) -> bool:
    """Return whether a column of labels is called like a label itself: then the heading may be a diary."""
    return any(labels.knows(column) and _holds_labels(sample, column, labels) for column in table.columns)


def _holds_labels(sample: Sequence[Row], column: str, labels: LabelReader) -> bool:
    values = _values(sample, column)
    return bool(values) and all(map(labels.knows, values))


def _holds_figures(sample: Sequence[Row], column: str) -> bool:
    figures = [read_figure(row.values.get(column)) for row in sample]
    whole = [figure for figure in figures if figure is not None and figure <= _MOST_STRENGTH and figure.is_integer()]
    return len(whole) == len(figures) and any(_values(sample, column))


def _scale(sample: Sequence[Row], columns: Sequence[str]) -> Scale:
    figures = (read_figure(row.values.get(column)) or 0.0 for row in sample for column in columns)
    return "strength" if any(figure > 1 for figure in figures) else "yes"


def guess_roles(table: Table, sample: Sequence[Row], labels: LabelReader | None = None) -> ColumnMap:
    """Return the roles that the format gives its columns, guessing those that it leaves open."""
    if table.known is None:
        return guess_columns(table.columns, sample, labels)
    column_map = table.known
    if column_map.text is not None:
        return column_map
    assigned = set(column_map.used())
    guess = guess_columns([column for column in table.columns if column not in assigned], sample)
    return replace(guess, label=column_map.label, annotator=None, ignored=column_map.ignored)


def text_candidates(columns: Sequence[str], sample: Sequence[Row]) -> list[str]:
    """Return the columns that may hold the text: one if it is clear."""
    if called := named(columns, TEXT):
        return called
    lengths = {column: _mean_length(sample, column) for column in columns}
    long = sorted(long_columns(columns, sample), key=lengths.__getitem__, reverse=True)
    if len(long) > 1 and lengths[long[0]] >= _CLEARLY_LONGER * lengths[long[1]]:
        return long[:1]
    return long or (list(columns) if len(columns) == 1 else [])


def long_columns(columns: Sequence[str], sample: Sequence[Row]) -> list[str]:
    """Return the columns whose values are long enough to be a text, or a part of one."""
    return [column for column in columns if _mean_length(sample, column) >= _MIN_TEXT_CHARACTERS]


def choose_columns(
    table: Table,
    requested: ColumnMap | NamedColumns | None,
    sample: Sequence[Row],
    *,
    name: str,
    labels: LabelReader | None = None,
) -> ColumnMap:
    """Check a choice of columns against the file, or guess it; a choice without a text column has it guessed.

    Raises:
        UserError: if a column doesn't exist, has two roles, or the text column isn't clear.
    """
    guess = guess_roles(table, sample, labels)
    if isinstance(requested, NamedColumns):
        chosen = replace(requested, named=_checked(table, requested.named)).over(guess)
    else:
        chosen = guess if requested is None else _checked(table, requested)
    if chosen.text is None:
        # A date is long enough to pass for a text, so columns with another guessed role are no candidates.
        assigned = {*chosen.used(), *replace(guess, text=None, more_text=()).used()}
        unassigned = [column for column in table.columns if column not in assigned]
        if guess.more_text and guess.text in unassigned:
            chosen = replace(chosen, text=guess.text, more_text=guess.more_text)
        else:
            chosen = replace(
                chosen, text=guess.text if guess.text in unassigned else _clear_text(unassigned, sample, name=name)
            )
    _check_once(chosen)
    return chosen


def _checked(table: Table, columns: ColumnMap) -> ColumnMap:
    """Return a choice in the names of the file's columns."""
    roles = {role: _existing(table, column) for role, column in columns.roles().items()}
    lists = {
        part: tuple(_existing(table, column) for column in getattr(columns, part))
        for part in ("ignored", "more_text", "people", "label_columns")
    }
    fields: dict[str, Any] = {**dict.fromkeys(tables.ROLES), **roles, **lists}
    return replace(columns, **fields)


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """Columns that somebody has named; all others are guessed.

    Attributes:
        no_label: the file's labels are not to be read.
    """

    named: ColumnMap
    no_label: bool = False

    def over(self, guess: ColumnMap) -> ColumnMap:
        """Return a guess with what was named instead; a column has one role, the named one."""
        named = self.named
        used = set(named.used())
        roles = {role: None if column in used else column for role, column in guess.roles().items()}
        wide = {part: tuple(c for c in getattr(guess, part) if c not in used) for part in ("people", "label_columns")}
        if self.no_label or named.label or named.people or named.label_columns:
            roles |= {"label": None} | ({"annotator": None} if self.no_label else {})
            wide = {"people": (), "label_columns": ()}
        fields: dict[str, Any] = {**dict.fromkeys(tables.ROLES), **roles, **named.roles()}
        merged = replace(guess, **fields)
        return replace(
            merged,
            ignored=(*named.ignored, *(c for c in guess.ignored if c not in used)),
            more_text=named.more_text if named.text else tuple(c for c in guess.more_text if c not in used),
            people=named.people or wide["people"],
            label_columns=named.label_columns or wide["label_columns"],
            scale=named.scale if named.label_columns else guess.scale,
        )


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
    used = chosen.used()
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


def _looks_dated(sample: Sequence[Row], column: str) -> bool:
    """Return whether most values look like dates, in whatever order."""
    values = _values(sample, column)
    return sum(map(bool, map(_DATE_LIKE.match, values))) > len(values) / 2


def _mean_length(sample: Sequence[Row], column: str) -> float:
    values = _values(sample, column)
    return sum(map(len, values)) / len(values) if values else 0.0
