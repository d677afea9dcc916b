"""What a simulation found: the verdict, the curves, the figures, and all of it as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator.messages.figures import points
from annotator.simulation import job
from annotator.training import analysis
from pages.simulate import chart
from pages.widgets.tables import draw_rows
from pages.widgets.text import interval, keyed, percent, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.training.analysis import Score

_HEIGHT = 400


def draw_result(report: dict[str, Any]) -> None:
    """Draw a report of `annotator.simulation.run`."""
    names = {name: say(f"learn.strategy_{name}") for name in report["strategies"]}
    st.info(_verdict(report, names), icon=":material/compare_arrows:")
    facts = {key: report[key] for key in ("rows", "left_out", "batch", "seeds")}
    st.caption(say("simulate.rows", **facts))
    _draw_curves(report, names)
    _draw_table(report, names)
    st.download_button(
        say("simulate.download"),
        json.dumps(report, ensure_ascii=False, indent=1).encode(),
        file_name="maeumgyeol-simulation.json",
        mime="application/json",
        on_click="ignore",
        key="simulate_download",
    )


def _verdict(report: dict[str, Any], names: dict[str, str]) -> str:
    """Return in words which strategy is better, but only where the difference is more than chance."""
    verdict = job.judge(report)
    if not verdict.beaten and not verdict.level:
        return say("simulate.verdict_alone")
    if report["seeds"] < job.FEWEST_SEEDS:
        return say("simulate.verdict_few", seeds=report["seeds"], fewest=job.FEWEST_SEEDS)
    best = names[verdict.best]
    if not verdict.beaten:
        return f"{say('simulate.verdict_level', best=best)} {say('simulate.verdict_score')}"
    beaten = ", ".join(names[name] for name in verdict.beaten)
    level = ", ".join(names[name] for name in verdict.level)
    words = say("simulate.verdict_better", best=best, beaten=beaten)
    if level:
        words = say("simulate.verdict_better_some", best=best, beaten=beaten, level=level)
    return f"{words} {say('simulate.verdict_score')}"


def _draw_curves(report: dict[str, Any], names: dict[str, str]) -> None:
    best = job.judge(report).best
    scores: tuple[Score, ...] = tuple(reversed(analysis.SCORES))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        strategy = st.selectbox(
            say("simulate.shown"),
            list(names),
            index=list(names).index(best),
            format_func=names.__getitem__,
            key=keyed("simulate_shown"),
        )
        score: Score = st.segmented_control(
            say("study.score"),
            scores,
            default=scores[0],
            required=True,
            format_func=lambda name: say(f"study.score_{name}"),
            key=keyed("simulate_score"),
            label_visibility="collapsed",
        )
    figure = chart.curves_figure(
        report,
        score,
        shown=strategy,
        names=names,
        axes=(say("study.labels_axis"), say(f"study.score_{score}")),
        goal=_goal(report, score),
        hover=say("study.hover"),
    )
    curve = report["strategies"][strategy]
    last = {"count": curve["labels"][-1], "value": percent(curve[score][-1])}
    alt = say("simulate.alt", score=say(f"study.score_{score}"), name=names[strategy], **last)
    draw_chart(figure, key=f"simulate_curves_{strategy}_{score}", height=_HEIGHT, alt=alt)
    st.caption(say("simulate.chart_help"))


def _goal(report: dict[str, Any], score: Score) -> str:
    """Return what the line on the chart is: which share of which score, and what both are."""
    full = report["full_pool"][score]
    name = say(f"study.score_{score}")
    return say("simulate.goal", score=name, goal=percent(job.GOAL_SHARE * full), full=percent(full))


def _draw_table(report: dict[str, Any], names: dict[str, str]) -> None:
    strategies = sorted(report["strategies"].items(), key=lambda item: -item[1]["aulc_macro_f1"])
    f1, accuracy = say("simulate.column_f1"), say("simulate.column_accuracy")
    rows = [
        {
            say("simulate.column_name"): names[name],
            say("simulate.column_labels"): _labels(one["labels_to_95"]),
            f1: percent(one["aulc_macro_f1"]),
            say("simulate.column_interval", column=f1): interval(*one["interval"]),
            say("simulate.column_behind"): _behind(one.get("behind")),
            accuracy: percent(one["aulc_accuracy"]),
            say("simulate.column_interval", column=accuracy): interval(*one["accuracy_interval"]),
        }
        for name, one in strategies
    ]
    draw_rows(rows, hide_index=True)
    full = report["full_pool"]["macro_f1"]
    st.caption(say("simulate.table_help", goal=percent(job.GOAL_SHARE * full), full=percent(full)))


def _behind(lead: dict[str, float | None] | None) -> str:
    if lead is None:
        return "–"
    value, low, high = lead["value"], lead["low"], lead["high"]
    if value is None or low is None or high is None:
        return "–" if value is None else f"{100 * value:z.1f}"
    return f"{100 * value:z.1f} ({points(low)}–{points(high)})".replace("-", "−")


def _labels(count: int | None) -> str:
    return say("simulate.not_reached") if count is None else f"{count:,}"
