"""The preview of files before their import: the first rows, how they are read, and the role of each column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import (
    Choices,
    ImportQuestions,
    Plan,
    ReadOptions,
    bundle,
    describe_remembered,
    history,
    import_files,
    preview,
)
from annotator.labelling.queueing import enqueue_import
from pages.import_diaries import questions, reading
from pages.import_diaries.columns import choose_columns
from pages.import_diaries.crosswalk import choose_crosswalk
from pages.widgets import session
from pages.widgets.boundary import boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from annotator.importing import ColumnMap, ImportReport, Preview
    from annotator.label_sets.crosswalks import Crosswalk
    from annotator.project import Database


def draw_preview(db: Database, uploads: Sequence[UploadedFile]) -> list[ImportReport]:
    """Show the first of some files and ask for the roles of its columns; return reports once all are imported.

    Raises:
        UserError: if the file can't be read.
    """
    files = bundle([(upload.getvalue(), upload.name) for upload in uploads])
    key = "-".join(upload.file_id for upload in uploads)
    is_afresh = session.draft(_afresh(key), False)
    before = None if is_afresh else history.find_reading(db, files[0][1])
    chosen = reading.choose_reading(files[0][1], f"{key}_{is_afresh}", before or ReadOptions())
    answers = questions.draw_questions(key)
    table = _look(db, files[0], _answered(chosen, answers), key)
    if table is None:
        return []
    if len(files) > 1:
        st.caption(plain(say("import_page.together", names=", ".join(name for _, name in files[1:]))))
    _draw_remembered(table, is_reading=before not in (None, ReadOptions()), key=key)
    _draw_rows(table, chosen)
    columns = choose_columns(table, f"{key}_{hash(chosen)}_{answers.get('heading')}_{is_afresh}")
    crosswalk, choices = _choose_labels(db, table, columns, key, answers)
    plan = Plan(columns, _answered(chosen, answers), choices, crosswalk=crosswalk, remembers=False)
    is_ready = columns.text is not None and not questions.is_waiting(key, answers)
    pressed = st.button(say("import_page.start"), type="primary", key="import_start", disabled=not is_ready)
    if columns.text is None:
        st.caption(say("import_page.text_needed"))
    return _import(db, files, plan, key) if pressed else []


def _afresh(key: str) -> str:
    return f"import_afresh_{key}"


def _draw_remembered(table: Preview, *, is_reading: bool, key: str) -> None:
    """Say what was chosen for an earlier file of the same shape, with a button to do without."""
    if not (is_reading or table.remembered is not None or table.choices != Choices()):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(describe_remembered(table.choices, session.language())))
        if st.button(say("import_page.afresh"), key="import_afresh"):
            session.keep_draft(_afresh(key), True)
            st.rerun()


def _look(db: Database, file: tuple[bytes | Path, str], chosen: ReadOptions, key: str) -> Preview | None:
    """Read the beginning of a file; None if its answer to a question is needed first."""
    content, name = file
    is_afresh = session.draft(_afresh(key), False)
    try:
        table = preview(content, name, reading=chosen, db=db, remembers=not is_afresh)
    except ImportQuestions as asked:
        _ask(key, asked)
        return None
    if reading.keep_found(f"{key}_{is_afresh}", table):
        st.rerun()
    if table.asked:
        _ask(key, ImportQuestions(table.asked, name=name))
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
        return None, questions.make_choices(answers, table)
    st.info(_how_labels_are_kept(table, columns), icon=":material/label:")
    crosswalk = choose_crosswalk(key)
    return crosswalk, questions.choose_details(table, key, history.list_people(db), answers)


def _import(db: Database, files: list[tuple[bytes | Path, str]], plan: Plan, key: str) -> list[ImportReport]:
    with boundary(), st.spinner(say("import_page.importing"), show_time=True):
        try:
            return import_files(db, files, plan, after=enqueue_import)
        except ImportQuestions as asked:
            _ask(key, asked)
    return []


def _draw_rows(table: Preview, chosen: ReadOptions) -> None:
    st.markdown(f"**{say('import_page.preview', rows=len(table.rows))}**")
    st.caption(reading.describe_found(table, chosen))
    if table.more_sheets:
        names = ", ".join(filter(None, (table.sheet, *table.more_sheets)))
        st.caption(plain(say("import_page.sheets_read", sheets=names)))
    if table.other_sheets:
        others = ", ".join(table.other_sheets)
        st.caption(plain(say("import_page.sheet", sheet=table.sheet or "", others=others)))
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
