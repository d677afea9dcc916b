"""What the latest imports did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import describe, list_outcomes, report_csv, summary, total
from pages.widgets import session
from pages.widgets.tables import draw_rows
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.importing import ImportReport

_REPORTS = "import_reports"
_SHOWN_ROWS = 200


def keep_reports(reports: list[ImportReport]) -> None:
    """Show these reports from the next run on, until other files are chosen."""
    session.keep_draft(_REPORTS, reports)


def draw_reports() -> None:
    """Draw the reports of the files that this session imported last, if there were any."""
    reports: list[ImportReport] = session.draft(_REPORTS, [])
    if not reports:
        return
    with st.container(border=True):
        if len(reports) > 1:
            st.markdown(plain(total(reports, session.language())))
        _draw_figures(reports)
        for place, report in enumerate(reports):
            _draw_file(report, f"_{place}" if place else "")
        st.page_link("pages/label/page.py", label=say("import_page.go_label"), icon=":material/edit:")


def _draw_figures(reports: list[ImportReport]) -> None:
    """Draw what came in and what was left out; rows that took part otherwise only where there are some."""
    counts = (
        (say("import_page.kept"), sum(report.kept_count for report in reports)),
        (say("import_page.decisions"), sum(report.decision_count for report in reports)),
        (say("import_page.joined"), sum(report.joined_count for report in reports)),
        (say("import_page.superseding"), sum(report.superseding_count for report in reports)),
        (say("import_page.left_out"), sum(len(report.left_out) for report in reports)),
    )
    with st.container(horizontal=True):
        for place, (name, count) in enumerate(counts):
            if count or place in (0, len(counts) - 1):
                st.metric(name, f"{count:,}", border=True, width=150)


def _draw_file(report: ImportReport, key: str) -> None:
    """Draw what became of one file."""
    what = say("import_page.done", file=report.file_name, what=summary(report, session.language()))
    brought = report.kept_count + report.joined_count + report.superseding_count
    (st.success if brought else st.warning)(plain(what), icon=":material/download:")
    if report.other_sheets:
        others = ", ".join(report.other_sheets)
        st.caption(plain(say("import_page.sheet", sheet=report.sheet or "", others=others)))
    _draw_left_out(report, key)


def _draw_left_out(report: ImportReport, key: str) -> None:
    rows = list_outcomes(report.skips, report.notes)
    if not rows:
        return
    reasons = Counter(skip.reason for skip, _ in rows)
    counted = " · ".join(say(f"import_page.reason_{name}", count=count) for name, count in reasons.most_common())
    st.markdown(plain(counted))
    rows.sort(key=lambda row: row[0].row_number)
    with st.expander(say("import_page.rows", count=len(rows))):
        draw_rows(
            [
                {
                    say("import.report.row"): skip.row_number,
                    say("import.report.outcome"): say(f"import.report.{outcome}"),
                    say("import.report.reason"): describe(skip, session.language()),
                }
                for skip, outcome in rows[:_SHOWN_ROWS]
            ],
            hide_index=True,
            key=f"import_left_out{key}",
        )
    st.download_button(
        say("import_page.report_download"),
        report_csv(report, session.language()),
        file_name=f"{report.file_name}-{say('import_page.report_suffix')}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"import_report{key}",
    )
