"""현황: how far the project is, in figures and charts, and the exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import project_location, status
from annotator.finding.query import Query
from annotator.privacy import forgetting
from annotator.quality import label_shares
from annotator.training import versions
from annotator.training.evaluation import FEWEST_TO_TRUST
from pages.overview import charts
from pages.overview.anchoring import draw_anchoring
from pages.overview.calibration import draw_promise, draw_reliability, draw_unsure
from pages.overview.exports import draw_exports
from pages.overview.labels import draw_labels
from pages.overview.outlook import draw_outlook, follow
from pages.overview.shares import draw_shares
from pages.widgets.accuracy_limits import draw_limits
from pages.widgets.figures import share
from pages.widgets.finding import draw_links
from pages.widgets.text import say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.project import Database
    from annotator.status import Status
    from annotator.training.versions import Measured

_MOST_CELLS = 12

_BAR = 34  # pixels: one bar with its gap


def _draw() -> None:
    st.title(say("overview.title"))
    with project_location.opened() as db:
        now = status.status(db, project_location.path())
        if not now.diary_count:
            st.info(say("label.no_diaries"), icon=":material/download:")
            st.page_link("pages/import_diaries/page.py", label=say("first_steps.go_import"), icon=":material/download:")
            return
        _draw_counts(now)
        draw_outlook(db)
        shares = label_shares.estimate(db)
        measured = versions.list_measured(db)
        serving = next((m for m in measured if m.is_active), None)
        left, right = st.columns(2)
        with left:
            draw_labels(now, shares)
        with right:
            _draw_accuracy(measured)
            if measured:
                draw_limits(db)
            if measured and (count := forgetting.count_gone(db).test_labels):
                st.caption(say("forget.accuracy", count=count))
        left, right = st.columns(2)
        with left:
            _draw_confusion(serving)
        with right:
            _draw_f1(serving)
        draw_shares(db, shares)
        left, right = st.columns(2)
        with left:
            draw_reliability(db)
        with right:
            _draw_confidence(db, now)
            draw_unsure(db)
            draw_promise(db)
            draw_anchoring(now.anchoring)
        _draw_splitting(now)
        draw_exports(db)
        follow(status.active_version(db))


def _draw_counts(now: Status) -> None:
    version = say("overview.no_model") if now.active is None else say("overview.version", version=now.active.version)
    figures = {
        "diaries": f"{now.diary_count:,}",
        "labelled": f"{now.kinds.get('label', 0):,}",
        "left": f"{now.left_count:,}",
        "test": f"{now.test_count:,}",
        "model": version,
    }
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(say(f"overview.{name}"), value, border=True, width=150, help=say(f"overview.{name}_help"))
    aside = {kind: now.kinds.get(kind, 0) for kind in ("skip", "flag")}
    if any(aside.values()):
        st.caption(say("overview.aside", skipped=aside["skip"], flagged=aside["flag"]))


def _draw_accuracy(measured: Sequence[Measured]) -> None:
    st.subheader(say("overview.accuracy_chart"))
    if not measured:
        st.info(say("overview.not_measured"), icon=":material/model_training:")
        st.page_link("pages/learn/page.py", label=say("overview.go_learn"), icon=":material/model_training:")
        return
    figure = charts.accuracy_figure(
        measured,
        version_name=lambda version: say("overview.version", version=version),
        axes=(say("overview.version_axis"), say("overview.accuracy_axis")),
        hover=say("overview.accuracy_hover"),
    )
    alt = ", ".join(f"{m.version}: {_accuracy(m)}" for m in measured)
    draw_chart(figure, key="overview_accuracy", height=300, alt=alt)
    newest = measured[-1].figures.n
    st.caption(say("overview.accuracy_help", n=newest))
    if newest < FEWEST_TO_TRUST:
        st.caption(":material/warning: " + say("overview.few", n=newest, fewest=FEWEST_TO_TRUST))


def _accuracy(measured: Measured) -> str:
    figures = measured.figures
    return share(figures.accuracy or 0.0, figures.accuracy_low, figures.accuracy_high, n=figures.n)


def _draw_confusion(serving: Measured | None) -> None:
    st.subheader(say("overview.confusion_chart"))
    if serving is None:
        st.info(say("overview.no_confusion"), icon=":material/model_training:")
        return
    names = serving.label_names
    figure = charts.confusion_figure(
        names, serving.figures, axes=(say("overview.answer_axis"), say("overview.truth_axis"))
    )
    alt = say("overview.confusion_alt", n=serving.figures.n)
    draw_chart(figure, key="overview_confusion", height=56 * len(names) + 90, alt=alt)
    st.caption(say("overview.confusion_help", n=serving.figures.n, version=serving.version))
    draw_links(_confusions(serving))


def _confusions(serving: Measured) -> list[tuple[str, Query]]:
    """Return the cells off the diagonal, the fullest first, with the search for their diaries."""
    names = serving.label_names
    cells = [
        (count, names[row], names[column])
        for row, counts in enumerate(serving.figures.confusion)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    return [
        (
            say("find.figure", name=f"{given} → {answer}", count=count),
            Query(label=given, prediction=answer, part="test"),
        )
        for count, given, answer in sorted(cells, reverse=True)[:_MOST_CELLS]
    ]


def _draw_f1(serving: Measured | None) -> None:
    st.subheader(say("overview.f1_chart"))
    if serving is None:
        st.info(say("overview.no_confusion"), icon=":material/model_training:")
        return
    names = serving.label_names
    figure = charts.f1_figure(names, serving.figures, axis="F1", missing=say("overview.f1_missing"))
    alt = ", ".join(
        f"{name} {'–' if f1 is None else f'{f1:z.2f}'}" for name, f1 in zip(names, serving.figures.f1, strict=False)
    )
    draw_chart(figure, key="overview_f1", height=_BAR * len(names) + 70, alt=alt)
    st.caption(say("overview.f1_help"))


def _draw_confidence(db: Database, now: Status) -> None:
    st.subheader(say("overview.confidence_chart"))
    values = status.confidences(db)
    if not len(values):
        st.info(say("overview.no_predictions"), icon=":material/hourglass_empty:")
        return
    counts = status.count_in_tenths(values)
    figure = charts.confidence_figure(counts, axes=(say("overview.confidence_axis"), say("overview.diaries_axis")))
    alt = ", ".join(f"{10 * tenth}%: {count}" for tenth, count in enumerate(counts))
    draw_chart(figure, key="overview_confidence", height=240, alt=alt)
    st.caption(say("overview.confidence_help", n=len(values), low=1 / max(2, len(now.labels))))
    draw_links(
        [
            (say("find.figure", name=f"{10 * tenth}–{10 * tenth + 10}%", count=int(count)), _of_tenth(tenth))
            for tenth, count in enumerate(counts)
            if count
        ]
    )


def _of_tenth(tenth: int) -> Query:
    return Query(p_from=tenth / 10, p_to=(tenth + 1) / 10, sort="probability")


def _draw_splitting(now: Status) -> None:
    notes = []
    if now.unsplit:
        notes.append(say("overview.unsplit", count=now.unsplit))
    if now.fallbacks:
        notes.append(say("overview.fallbacks", count=now.fallbacks))
    if now.cut_count:
        notes.append(say("overview.cut", count=now.cut_count))
    if notes:
        st.subheader(say("overview.reading"))
        for note in notes:
            st.markdown(f"- {note}")


_draw()
