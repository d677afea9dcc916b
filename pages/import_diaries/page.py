"""가져오기: import files after a preview."""

from __future__ import annotations

import streamlit as st

from annotator import demo, project_location
from annotator.accounts import permissions
from annotator.importing import ENDINGS, history
from pages.import_diaries.history import draw_past_imports, draw_taking_back
from pages.import_diaries.preview import draw_preview
from pages.import_diaries.report import draw_reports, keep_reports
from pages.widgets import session
from pages.widgets.text import say
from pages.widgets.uploads import release

_EXAMPLE = """text,date,label
"오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다.",2026-03-02,행복
"발표를 망쳤다. 머릿속이 하얘져서 한마디도 못 했다.",2026-03-03,당황
"""
_UPLOADS = "import_uploads"


def _draw() -> None:
    st.title(say("import_page.title"))
    st.markdown(say("import_page.intro"))
    # A number in the key: after an import the next files start with an empty field.
    files = st.file_uploader(
        say("import_page.file"),
        type=[ending.removeprefix(".") for ending in ENDINGS],
        accept_multiple_files=True,
        key=f"import_file_{session.draft(_UPLOADS, 0)}",
    )
    with project_location.opened() as db:
        if files:
            reports = draw_preview(db, files)
            if reports:
                keep_reports(reports)
                for file in files:
                    release(file)
                session.keep_draft(_UPLOADS, session.draft(_UPLOADS, 0) + 1)
                st.rerun()
            return
        draw_reports()
        past = history.list_imports(db)
        if past:
            draw_past_imports(past)
            if permissions.may(session.person(db), "administrate"):
                draw_taking_back(past)
            return
        _draw_start()
        if st.button(say("import_page.demo"), key="import_demo"):
            with st.spinner(say("import_page.importing")):
                keep_reports([demo.add_diaries(db)])
            st.rerun()


def _draw_start() -> None:
    """Say what a file should look like, where nothing has been imported yet."""
    with st.container(border=True):
        st.markdown(say("import_page.formats"))
        st.caption(say("import_page.other_places"))
        st.caption(say("import_page.example"))
        st.code(_EXAMPLE, language="text", wrap_lines=True)
        st.download_button(
            say("import_page.example_download"),
            _EXAMPLE.encode("utf-8-sig"),
            file_name="maeumgyeol-example.csv",
            mime="text/csv",
            on_click="ignore",
            key="import_example",
        )


_draw()
