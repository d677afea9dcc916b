"""The preview of a file before its import: its first rows, how it is read, and the role of each column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import ImportQuestions, Question, ReadOptions, history, import_file, preview
from annotator.labelling.queueing import enqueue_import
from pages.import_diaries import questions, reading
from pages.import_diaries.columns import choose_columns
from pages.import_diaries.crosswalk import choose_crosswalk
from pages.widgets.boundary import boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from annotator.importing import Choices, ColumnMap, ImportReport, Preview
    from annotator.label_sets.crosswalks import Crosswalk
    from annotator.project import Database


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a person has chosen for a file."""

    reading: ReadOptions
    columns: ColumnMap
    crosswalk: Crosswalk | None
    choices: Choices


def draw_preview(db: Database, file: UploadedFile) -> ImportReport | None:
    """Show a file and ask for the roles of its columns; return the report once it has been imported.

    Raises:
        UserError: if the file can't be read.
    """
    key = file.file_id
    chosen = reading.choose_reading(file.name, key, history.find_reading(db, file.name) or ReadOptions())
    answers = questions.draw_questions(key)
    table = _look(db, file, _answered(chosen, answers), key)
    if table is None:
        return None
    _draw_rows(table, chosen)
    columns = choose_columns(table, f"{key}_{hash(chosen)}_{answers.get('heading')}")
    request = _Wanted(_answered(chosen, answers), columns, *_choose_labels(db, table, columns, key, answers))
    is_ready = columns.text is not None and not questions.is_waiting(key, answers)
    pressed = st.button(say("import_page.start"), type="primary", key="import_start", disabled=not is_ready)
    if columns.text is None:
        st.caption(say("import_page.text_needed"))
    return _import(db, file, request) if pressed else None


def _look(db: Database, file: UploadedFile, chosen: ReadOptions, key: str) -> Preview | None:
    """Read the beginning of a file; None if its answer to a question is needed first."""
    try:
        table = preview(file.getvalue(), file.name, reading=chosen, db=db)
    except ImportQuestions as asked:
        _ask(key, asked)
        return None
    if reading.keep_found(key, table):
        st.rerun()
    if table.first_line and chosen.heading is None:
        columns = ", ".join(table.columns[:5])
        _ask(key, ImportQuestions([Question("heading", 1, ("none", "first"), columns)], name=file.name))
    return table


def _ask(key: str, asked: ImportQuestions) -> None:
    if questions.keep_questions(key, asked):
        st.rerun()


def _answered(chosen: ReadOptions, answers: dict[str, str]) -> ReadOptions:
    """Return how a file is to be read, after the answers to the questions about that."""
    if "heading" in answers and chosen.heading is None:
        chosen = replace(chosen, heading=0 if answers["heading"] == "none" else 1)
    if "lines" in answers and chosen.lines is None:
        chosen = replace(chosen, lines="each" if answers["lines"] == "each" else "whole")
    return chosen


def _choose_labels(
    db: Database, table: Preview, columns: ColumnMap, key: str, answers: dict[str, str]
) -> tuple[Crosswalk | None, Choices]:
    if not (columns.label or columns.people or columns.label_columns):
        return None, questions.make_choices(answers)
    st.info(_how_labels_are_kept(table, columns), icon=":material/label:")
    crosswalk = choose_crosswalk(key)
    return crosswalk, questions.choose_details(table, key, history.list_people(db), answers)


def _import(db: Database, file: UploadedFile, request: _Wanted) -> ImportReport | None:
    with boundary(), st.spinner(say("import_page.importing"), show_time=True):
        try:
            return import_file(
                db,
                file.getvalue(),
                file.name,
                columns=request.columns,
                reading=None if request.reading == ReadOptions() else request.reading,
                choices=request.choices,
                crosswalk=request.crosswalk,
                after=enqueue_import,
            )
        except ImportQuestions as asked:
            _ask(file.file_id, asked)
    return None


def _draw_rows(table: Preview, chosen: ReadOptions) -> None:
    st.markdown(f"**{say('import_page.preview', rows=len(table.rows))}**")
    st.caption(reading.describe_found(table, chosen))
    if table.more_sheets:
        names = ", ".join(filter(None, (table.sheet, *table.more_sheets)))
        st.caption(plain(say("import_page.sheets_read", sheets=names)))
    if table.other_sheets:
        others = ", ".join(table.other_sheets)
        st.caption(plain(say("import_page.sheet", sheet=table.sheet or "", others=others)))
    if table.remembered is not None:
        st.caption(say("import_page.remembered"))
    # A table is drawn on a canvas: nothing in a diary is read as Markdown or HTML there.
    draw_rows(
        [{"": number, **row} for number, row in zip(table.row_numbers, table.rows, strict=True)],
        hide_index=True,
        column_config={"": st.column_config.NumberColumn(say("import.report.row"), width="small")},
        key="import_rows",
    )


def _how_labels_are_kept(table: Preview, columns: ColumnMap) -> str:
    if columns.label == table.said:
        return say("import_page.said_decide")
    is_named = columns.annotator is not None or columns.people
    return say("import_page.annotators_decide" if is_named else "import_page.labels_decide")
