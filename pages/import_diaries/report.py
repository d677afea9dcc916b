"""What the latest import did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from annotator.importing import describe, list_outcomes, report_csv, summary
from pages.widgets import session
from pages.widgets.tables import draw_rows
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from annotator.importing import ImportReport

_REPORT = "import_report"
_SHOWN_ROWS = 200


def keep_report(report: ImportReport) -> None:
    """Show this report from the next run on, until another file is chosen."""
    session.keep_draft(_REPORT, report)


def draw_report() -> None:
    """Draw the report of this session's latest import, if there was one."""
    report: ImportReport | None = session.draft(_REPORT)
    if report is None:
        return
    with st.container(border=True):
        what = say("import_page.done", file=report.file_name, what=summary(report, session.language()))
        brought = report.kept_count + report.joined_count + report.superseding_count
        (st.success if brought else st.warning)(plain(what), icon=":material/download:")
        with st.container(horizontal=True):
            for name, count in (
                (say("import_page.kept"), report.kept_count),
                (say("import_page.joined"), report.joined_count),
                (say("import_page.superseding"), report.superseding_count),
                (say("import_page.left_out"), len(report.left_out)),
            ):
                st.metric(name, f"{count:,}", border=True, width=150)
        if report.other_sheets:
            others = ", ".join(report.other_sheets)
            st.caption(plain(say("import_page.sheet", sheet=report.sheet or "", others=others)))
        _draw_left_out(report)
        st.page_link("pages/label/page.py", label=say("import_page.go_label"), icon=":material/edit:")


def _draw_left_out(report: ImportReport) -> None:
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
            key="import_left_out",
        )
    st.download_button(
        say("import_page.report_download"),
        report_csv(report, session.language()),
        file_name=f"{report.file_name}-{say('import_page.report_suffix')}.csv",
        mime="text/csv",
        on_click="ignore",
        key="import_report",
    )
