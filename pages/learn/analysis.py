"""What labelling has brought so far and what more would bring: learning curve, random control, forecast, advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.messages.figures import points
from annotator.training import analysis
from annotator.training.evaluation import FEWEST_TO_TRUST
from pages.learn import curve_chart
from pages.widgets.figures import share
from pages.widgets.text import keyed, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from annotator.project import Database
    from annotator.training.analysis import Arms, Forecast, Interval, Score, Steadiness, Study

_TONES = {"go_on": st.success, "little": st.info, "unclear": st.info}
_ICONS = {"go_on": ":material/trending_up:", "little": ":material/flag:", "unclear": ":material/help:"}
_HEIGHT = 360


def draw_study(db: Database) -> None:
    """Draw what the study of the newest round found, or what it lacks."""
    st.subheader(say("study.title"))
    study = analysis.find_study(db)
    if study is None:
        st.info(say("study.coming" if analysis.is_due(db) else "study.none"), icon=":material/hourglass_empty:")
        return
    if analysis.is_due(db):
        st.caption(say("study.older"))
    if not study.curve:
        lacks = analysis.find_missing(db)
        fewest = FEWEST_TO_TRUST if lacks.what == "test" else analysis.FEWEST_FOR_CURVE
        st.info(say(f"study.missing_{lacks.what}", n=lacks.count, fewest=fewest), icon=":material/info:")
        return
    score = _choose_score()
    _draw_advice(study.forecasts.get(score), analysis.find_steadiness(db), score, n=study.test_count)
    _draw_curve(study, score)
    if study.arms is not None:
        _draw_arms(study.arms)


def _choose_score() -> Score:
    chosen: Score = st.segmented_control(
        say("study.score"),
        analysis.SCORES,
        default=analysis.SCORES[0],
        required=True,
        format_func=lambda name: say(f"study.score_{name}"),
        key=keyed("learn_study_score"),
        label_visibility="collapsed",
    )
    return chosen


def _draw_advice(forecast: Forecast | None, steadiness: Steadiness | None, score: Score, *, n: int) -> None:
    if forecast is None:
        st.info(say("study.advice_short"), icon=_ICONS["unclear"])
    else:
        tone = _TONES[forecast.advice]
        words = say(
            f"study.advice_{forecast.advice}",
            ahead=forecast.ahead,
            score=say(f"study.score_{score}"),
            gain=points(forecast.gain.value),
            low=points(forecast.gain.low),
            high=points(forecast.gain.high),
            n=n,
        )
        tone(words, icon=_ICONS[forecast.advice])
    if steadiness is not None:
        changed = f"{100 * steadiness.changed:z.1f}"
        key = "study.settled" if steadiness.is_settled else "study.moving"
        kappa = f"{steadiness.kappa:z.2f}"
        st.caption(say(key, n=steadiness.n, changed=changed, kappa=kappa, over=steadiness.over))


def _span(gap: Interval) -> str:
    return f"{points(gap.low)} ~ {points(gap.high)}"


def _draw_curve(study: Study, score: Score) -> None:
    names = {name: say(f"study.line_{name}") for name in ("all", "chosen", "random", "forecast")}
    figure = curve_chart.curve_figure(
        study,
        score,
        names=names,
        axes=(say("study.labels_axis"), say(f"study.score_{score}")),
        hover=say("study.hover"),
    )
    last = study.curve[-1]
    value = last.score(score)
    alt = say(
        "study.curve_alt",
        count=last.count,
        score=say(f"study.score_{score}"),
        value=share(value.value, value.low, value.high, n=study.test_count),
    )
    draw_chart(figure, key=f"learn_curve_{score}", height=_HEIGHT, alt=alt)
    st.caption(say("study.curve_help"))


def _draw_arms(arms: Arms) -> None:
    if arms.verdict == "none":
        key = "study.arms_no_random" if arms.random_count <= arms.shared else "study.arms_no_chosen"
        st.caption(":material/casino: " + say(key, random=arms.random_count, chosen=arms.chosen_count))
        return
    chosen, random = arms.chosen[-1].accuracy, arms.random[-1].accuracy
    words = say(
        f"study.arms_{arms.verdict}",
        count=arms.count,
        chosen=f"{100 * chosen.value:z.1f}",
        random=f"{100 * random.value:z.1f}",
        fewest=analysis.FEWEST_TO_COMPARE,
        **({} if arms.gap is None else {"gap": points(arms.gap.value), "interval": _span(arms.gap)}),
    )
    st.markdown(":material/casino: " + words)
    st.caption(say("study.arms_help", shared=arms.shared))
