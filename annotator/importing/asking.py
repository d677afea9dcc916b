"""Questions that a file raises before and after its rows are looked through, with the count for each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.formats import table as tables
from annotator.importing.choices import Asked, ImportQuestions, Question
from annotator.importing.columns import names_a_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.formats.table import Row, Table
    from annotator.importing.row_filter import RowFilter
    from db.texts.batches import Imported

_SHOWN_LABELS = 20


def ask(questions: Sequence[Question], name: str) -> None:
    """Raise questions, if there are any.

    Raises:
        ImportQuestions: with all of them.
    """
    if questions:
        raise ImportQuestions(questions, name=name)


def heading_question(table: Table) -> Question:
    """Return the question whether the first row of a table is a diary or the column names."""
    values = list(map(tables.shorten, table.first_line or table.columns))
    count = sum(1 for _ in table.rows()) + (table.heading != tables.NO_HEADING)
    return Question("heading", 1, (count, count - 1), tables.enumerate_values(values, at_most=5))


def has_unclear_heading(table: Table, sample: Sequence[Row], sieve: RowFilter) -> bool:
    """Return whether the first row looks like a diary, or has a label where labels stand below it."""
    return bool(table.first_line) or (bool(table.heading) and names_a_label(table, sample, sieve.labels))


def wide_question(table: Table, columns: Sequence[str]) -> Question:
    """Return the question whether several columns of labels are one for each person."""
    count = sum(bool((row.values.get(column) or "").strip()) for row in table.rows() for column in columns)
    return Question("wide", len(columns), (count, count), tables.enumerate_values(columns))


def questions_of_rows(sieve: RowFilter) -> list[Question]:
    """Return the questions that the rows of a file have raised; first about labels that the set doesn't have."""
    unknown = sieve.labels.unknown.most_common()
    questions = sieve.asked.questions()
    if not unknown or sieve.choices.unknown is not None:
        return questions
    counted = [f"{tables.shorten(label)} ({count})" for label, count in unknown]
    example = tables.enumerate_values(counted, at_most=_SHOWN_LABELS)
    return [Question("unknown", len(unknown), (len(unknown), sieve.unknown_row_count), example), *questions]


def questions_of_votes(imported: Imported) -> list[Question]:
    """Return the questions that decisions on diaries that are there have raised."""
    asked = Asked()
    for kind, example in imported.asked:
        asked.add(kind, example)
    return asked.questions()
