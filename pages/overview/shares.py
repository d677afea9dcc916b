"""How common each emotion is: estimated from test diaries and predictions, beside what counting predictions says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator.quality import label_shares
from pages.overview import charts
from pages.widgets.figures import share
from pages.widgets.text import keyed, plain, say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.project import Database
    from annotator.quality.label_shares import By, Given, Shares

_ROW = 34  # pixels: one share
_MOST_ROWS = 36
"""Groups on one chart: three years of months."""


def draw_shares(db: Database, whole: Shares) -> None:
    """Draw the share of each emotion among all diaries, or of one emotion by month, writer or source.

    Args:
        whole: the shares among all diaries.
    """
    st.subheader(say("shares.title"))
    if not list(label_shares.list_given(whole)):
        st.info(_why_none(whole), icon=":material/pie_chart:")
        return
    by = _choose_way()
    shares = whole if by == "all" else label_shares.estimate(db, by=by)
    given = list(label_shares.list_given(shares))
    if by != "all":
        given = _of_one_label(given, shares.label_names)
    if not given:
        st.info(say("shares.no_group", fewest=label_shares.FEWEST), icon=":material/pie_chart:")
    else:
        _draw_chart(given[-_MOST_ROWS:], by)
    st.caption(_how(shares, given))


def _choose_way() -> By:
    chosen: By | None = st.segmented_control(
        say("shares.by"),
        label_shares.WAYS,
        default="all",
        required=True,
        format_func=lambda way: say(f"shares.by_{way}"),
        key=keyed("overview_shares_by"),
    )
    return chosen or "all"


def _of_one_label(given: list[Given], names: Sequence[str]) -> list[Given]:
    label = st.selectbox(say("shares.which"), names, key=keyed("overview_shares_label"))
    return [each for each in given if each.label == label]


def _draw_chart(given: Sequence[Given], by: By) -> None:
    rows = [_row(each, by) for each in given]
    figure = charts.shares_figure(given, rows=rows, axis=say("shares.axis"))
    alt = ", ".join(f"{row} {_figure(each)}" for row, each in zip(rows, given, strict=True))
    draw_chart(figure, key="overview_shares", height=_ROW * len(rows) + 80, alt=alt)
    brackets = say("shares.brackets_label" if by == "all" else "shares.brackets_group")
    st.caption(f"{brackets} {say('shares.help', fewest=label_shares.FEWEST_CASES)}")


def _row(given: Given, by: By) -> str:
    if by == "all":
        return say("shares.row", name=given.label, cases=f"{given.share.cases:zg}")
    return say("shares.group_row", name=given.group.name or say("shares.unnamed"), n=given.group.n)


def _figure(given: Given) -> str:
    return share(given.share.value, given.share.low, given.share.high, n=given.group.n, digits=1)


def _why_none(shares: Shares) -> str:
    whole = shares.groups[0] if shares.groups else None
    if whole is None or whole.refused == "few":
        return say("shares.few", n=0 if whole is None else whole.n, fewest=label_shares.FEWEST)
    return say(f"shares.{whole.refused}", left_out=whole.left_out, fewest=label_shares.FEWEST_OF_SOURCE)


def _how(shares: Shares, given: Sequence[Given]) -> str:
    """Say how the shares were measured, on what, and what they leave out."""
    groups = {each.group.name: each.group for each in given}.values()
    n, diaries = sum(group.n for group in groups), sum(group.diaries for group in groups)
    words = []
    if n and shares.version is None:
        words = [say("shares.how_decisions", n=n, diaries=diaries)]
    elif n:
        words = [say("shares.how", n=n, diaries=diaries, version=shares.version or 0)]
    if any(group.writers for group in groups):
        words.append(say("shares.writers", writers=sum(group.writers for group in groups)))
    if left_out := sum(group.left_out for group in groups) + shares.unpredicted:
        words.append(say("shares.left_out", left_out=left_out, fewest=label_shares.FEWEST_OF_SOURCE))
    if refused := [group.name or say("shares.unnamed") for group in shares.groups if group.refused]:
        words.append(say("shares.refused", count=len(refused), fewest=label_shares.FEWEST))
    return plain(" ".join(words))
