"""Every model version: look at it, compare two, let an earlier one serve again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, status
from annotator.privacy import forgetting
from annotator.training import rounds
from annotator.training import versions as measured_versions
from annotator.training.evaluation import outcome_of
from pages.learn.publishing import draw_export
from pages.widgets.boundary import callback_boundary
from pages.widgets.figures import share
from pages.widgets.tables import draw_rows
from pages.widgets.text import keyed, local_time, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.project import Database
    from annotator.status import Version
    from annotator.training.evaluation import Evaluation
    from annotator.training.versions import Pair


def draw_versions(db: Database) -> None:
    """Draw the list of versions, with what can be done with them."""
    st.subheader(say("learn.versions"))
    versions = list(reversed(status.list_versions(db)))
    if not versions:
        st.info(say("learn.no_version"), icon=":material/hourglass_empty:")
        return
    measured = {m.version: m.figures for m in measured_versions.list_measured(db)}
    draw_rows(
        [_row(version, measured.get(version.model.version)) for version in versions],
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
        _draw_comparison(db, sorted(measured))


def _row(version: Version, figures: Evaluation | None) -> dict[str, object]:
    accuracy = "–"
    if figures is not None and figures.accuracy is not None:
        accuracy = share(figures.accuracy, figures.accuracy_low, figures.accuracy_high, n=figures.n)
    return {
        say("learn.version"): version.model.version,
        say("learn.serving"): "✓" if version.is_active else "",
        say("learn.accuracy"): accuracy,
        say("learn.measured_on"): 0 if figures is None else figures.n,
        say("learn.why"): _why(version),
        say("learn.trained_on"): version.train_count,
        say("learn.made"): local_time(version.model.created_at),
        say("learn.took"): None if version.seconds is None else round(version.seconds, 1),
    }


def _why(version: Version) -> str | None:
    """Return why the version was put in force by its round, or was not."""
    if version.round is None or version.round.status != "done":
        return None
    outcome = outcome_of(version.round)
    return say(f"learn.reason_{outcome.reason}", version=outcome.best_version, points=outcome.points_below_best)


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
        st.button(say("learn.activate"), key="learn_activate", on_click=activate_version, args=(chosen,))


def activate_version(version: int) -> None:
    """Put a version in force; a callback of its button."""
    with callback_boundary(), project_location.opened() as db:
        rounds.activate(db, version)
        st.toast(say("learn.activated", version=version), icon=":material/check:")


def _draw_comparison(db: Database, versions: Sequence[int]) -> None:
    st.subheader(say("learn.compare"))
    left, right = st.columns(2)
    with left:
        first = _choose("first", versions, len(versions) - 2)
    with right:
        second = _choose("second", versions, len(versions) - 1)
    if first == second:
        st.info(say("learn.compare_one"), icon=":material/info:")
        return
    pair = measured_versions.compare(db, first, second)
    n = pair.comparison.n
    change, low, high, p = pair.difference.in_points
    st.markdown(say("learn.compare_change", first=first, second=second, n=n, change=change, low=low, high=high, p=p))
    columns = [say("learn.f1_of", version=version) for version in (first, second)]
    bar = {name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=1.0, format="%.2f") for name in columns}
    signed = {say("learn.difference"): st.column_config.NumberColumn(format="%+.2f")}
    rows = _label_rows(pair, columns)
    draw_rows(rows, hide_index=True, column_config=bar | signed, placeholder="–", key="learn_comparison")
    st.caption(say("learn.compare_help", n=n))


def _choose(place: str, versions: Sequence[int], index: int) -> int:
    key = keyed(f"learn_{place}_{len(versions)}")
    chosen = st.selectbox(say(f"learn.compare_{place}"), versions, index=index, format_func=_name, key=key)
    return int(chosen)


def _label_rows(pair: Pair, columns: Sequence[str]) -> list[dict[str, object]]:
    return [
        {say("learn.label"): name, say("learn.test_count"): count}
        | dict(zip(columns, (first, second), strict=True))
        | {say("learn.difference"): None if first is None or second is None else round(second - first, 2)}
        for name, count, first, second in zip(
            pair.label_names, pair.first.true_counts, pair.first.f1, pair.second.f1, strict=True
        )
    ]
