"""The preview of a file before its import: its first rows, and the role of each column."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import ENDINGS, import_file, preview
from annotator.labelling.queueing import enqueue_import
from pages.import_diaries.columns import choose_columns
from pages.import_diaries.crosswalk import choose_crosswalk
from pages.widgets.boundary import boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from annotator.importing import ColumnMap, ImportReport, Preview
    from annotator.project import Database

_FIND_OUT = ""
_ENCODINGS = (_FIND_OUT, "utf-8", "cp949", "utf-16", "johab")


def draw_preview(db: Database, file: UploadedFile) -> ImportReport | None:
    """Show a file and ask for the roles of its columns; return the report once it has been imported.

    Raises:
        UserError: if the file can't be read.
    """
    content = file.getvalue()
    encoding = _choose_encoding(file)
    file_preview = preview(content, file.name, encoding=encoding)
    _draw_rows(file_preview, is_chosen=encoding is not None)
    columns = choose_columns(file_preview, f"{file.file_id}_{encoding}")
    crosswalk = None
    if columns.label is not None:
        st.info(_how_labels_are_kept(file_preview, columns), icon=":material/label:")
        crosswalk = choose_crosswalk(file.file_id)
    pressed = st.button(say("import_page.start"), type="primary", key="import_start", disabled=columns.text is None)
    if columns.text is None:
        st.caption(say("import_page.text_needed"))
    report = None
    if pressed:
        with boundary(), st.spinner(say("import_page.importing"), show_time=True):
            report = import_file(
                db,
                content,
                file.name,
                columns=columns,
                encoding=encoding,
                crosswalk=crosswalk,
                after=enqueue_import,
            )
    return report


def _choose_encoding(file: UploadedFile) -> str | None:
    kind = ENDINGS.get(PurePosixPath(file.name).suffix.lower())
    if kind not in ("csv", "tsv", "json", "jsonl"):
        return None
    chosen = st.selectbox(
        say("import_page.encoding"),
        _ENCODINGS,
        format_func=lambda encoding: encoding or say("import_page.encoding_auto"),
        key=keyed(f"import_encoding_{file.file_id}"),
        width=280,
    )
    return chosen or None


def _draw_rows(file_preview: Preview, *, is_chosen: bool) -> None:
    kind = say(f"import_page.format_{file_preview.format}")
    encoding = f" · {file_preview.encoding}" if file_preview.encoding else ""
    if encoding and not is_chosen:
        encoding += f" ({say('import_page.encoding_found')})"
    st.markdown(f"**{say('import_page.preview', rows=len(file_preview.rows))}**")
    st.caption(plain(kind + encoding + " · " + say("import_page.columns", count=len(file_preview.columns))))
    if file_preview.other_sheets:
        sheets = ", ".join(file_preview.other_sheets)
        st.caption(plain(say("import_page.sheet", sheet=file_preview.sheet or "", others=sheets)))
    # A table is drawn on a canvas: nothing in a diary is read as Markdown or HTML there.
    draw_rows(
        [{"": number, **row} for number, row in zip(file_preview.row_numbers, file_preview.rows, strict=True)],
        hide_index=True,
        column_config={"": st.column_config.NumberColumn(say("import.report.row"), width="small")},
        key="import_rows",
    )


def _how_labels_are_kept(file_preview: Preview, columns: ColumnMap) -> str:
    if columns.label == file_preview.said:
        return say("import_page.said_decide")
    return say("import_page.labels_decide" if columns.annotator is None else "import_page.annotators_decide")
