"""Every model version: look at it, compare two, let an earlier one serve again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, status
from annotator.privacy import forgetting
from annotator.training import rounds
from pages.learn.publishing import draw_export
from pages.widgets.boundary import callback_boundary
from pages.widgets.tables import draw_rows
from pages.widgets.text import interval, keyed, local_time, percent, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.project import Database
    from annotator.status import Measured, Version
    from annotator.training.evaluation import Evaluation


def draw_versions(db: Database) -> None:
    """Draw the list of versions, with what can be done with them."""
    st.subheader(say("learn.versions"))
    versions = list(reversed(status.list_versions(db)))
    if not versions:
        st.info(say("learn.no_version"), icon=":material/hourglass_empty:")
        return
    measured = {m.version: m for m in status.list_measured(db)}
    figures = {version: m.figures for version, m in measured.items()}
    draw_rows(
        [_row(version, figures.get(version.model.version)) for version in versions],
        hide_index=True,
        placeholder="–",
        key="learn_versions",
    )
    st.caption(say("learn.versions_help"))
    if trained := forgetting.list_untrained(db):
        named = ", ".join(f"{each.version} ({each.diary_count})" for each in trained)
        st.caption(":material/warning: " + say("forget.trained", versions=named))
    _draw_activation(versions)
    draw_export(versions)
    if len(measured) >= 2:
        _draw_comparison(measured)


def _row(version: Version, figures: Evaluation | None) -> dict[str, object]:
    accuracy = "–"
    if figures is not None and figures.accuracy is not None:
        accuracy = f"{percent(figures.accuracy)} ({interval(figures.accuracy_low, figures.accuracy_high)})"
    return {
        say("learn.version"): version.model.version,
        say("learn.serving"): "✓" if version.is_active else "",
        say("learn.accuracy"): accuracy,
        say("learn.measured_on"): 0 if figures is None else figures.n,
        say("learn.trained_on"): version.train_count,
        say("learn.made"): local_time(version.model.created_at),
        say("learn.took"): None if version.seconds is None else round(version.seconds, 1),
    }


def _name(version: int) -> str:
    return say("learn.version_name", version=version)


def _draw_activation(versions: Sequence[Version]) -> None:
    others = [version.model.version for version in versions if not version.is_active]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            say("learn.activate_which"),
            others,
            format_func=_name,
            key=keyed(f"learn_activate_which_{len(versions)}"),
            width=200,
        )
        st.button(say("learn.activate"), key="learn_activate", on_click=_activate, args=(chosen,))


def _activate(version: int) -> None:
    with callback_boundary(), project_location.opened() as db:
        rounds.activate(db, version)
        st.toast(say("learn.activated", version=version), icon=":material/check:")


def _draw_comparison(measured: dict[int, Measured]) -> None:
    st.subheader(say("learn.compare"))
    versions = sorted(measured)
    left, right = st.columns(2)
    first = left.selectbox(
        say("learn.compare_first"),
        versions,
        index=len(versions) - 2,
        format_func=_name,
        key=keyed(f"learn_first_{len(versions)}"),
    )
    second = right.selectbox(
        say("learn.compare_second"),
        versions,
        index=len(versions) - 1,
        format_func=_name,
        key=keyed(f"learn_second_{len(versions)}"),
    )
    a, b = measured[first].figures, measured[second].figures
    f1_of_first = dict(zip(measured[first].label_names, a.f1, strict=True))
    columns = [say("learn.f1_of", version=version) for version in (first, second)]
    bar = {name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=1.0, format="%.2f") for name in columns}
    rows = [
        {say("learn.label"): name, say("learn.test_count"): count}
        | dict(zip(columns, (f1_a, f1_b), strict=False))
        | {say("learn.difference"): None if f1_a is None or f1_b is None else round(f1_b - f1_a, 2)}
        for name, count, f1_b in zip(measured[second].label_names, b.true_counts, b.f1, strict=True)
        for f1_a in (f1_of_first.get(name),)
    ]
    signed = {say("learn.difference"): st.column_config.NumberColumn(format="%+.2f")}
    draw_rows(rows, hide_index=True, column_config=bar | signed, placeholder="–", key="learn_comparison")
    st.caption(say("learn.compare_same" if a.n == b.n else "learn.compare_other", first=a.n, second=b.n))
