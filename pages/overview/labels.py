"""How many labels each emotion has, and where those that it has none of may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator import outlook, status
from annotator.finding.query import Query
from annotator.quality import label_shares
from pages.overview import charts
from pages.widgets.finding import draw_links
from pages.widgets.text import say
from pages.widgets.theme import draw_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.quality.label_shares import Shares
    from annotator.status import Status

_BAR = 34  # pixels: one bar with its gap


def draw_labels(now: Status, shares: Shares) -> None:
    """Draw the labels of each emotion, and how many each still lacks, as far as these diaries can hold them."""
    st.subheader(say("overview.labels_chart"))
    if not any(now.counts.values()):
        st.info(say("overview.no_labels"), icon=":material/edit:")
        st.page_link("pages/label/page.py", label=say("overview.go_label"), icon=":material/edit:")
        return
    counts = [now.counts[label.id] for label in now.labels]
    names = [label.name for label in now.labels]
    shortfalls = [_left_text(count, most) for count, most in zip(counts, _most(now, counts, shares), strict=True)]
    figure = charts.labels_figure(
        names,
        counts,
        [label.colour for label in now.labels],
        left=shortfalls,
        target=status.RULE_OF_THUMB,
        axis=say("overview.labels_axis"),
        note=say("overview.target", count=status.RULE_OF_THUMB),
    )
    alt = ", ".join(
        f"{name} {count} {more}".strip() for name, count, more in zip(names, counts, shortfalls, strict=True)
    )
    draw_chart(figure, key="overview_labels", height=_BAR * len(names) + 80, alt=alt)
    st.caption(say("overview.labels_help", count=status.RULE_OF_THUMB))
    if any(most < status.RULE_OF_THUMB for most in _most(now, counts, shares)):
        st.caption(say("overview.labels_most_help"))
    counted = [(name, count) for name, count in zip(names, counts, strict=True) if count]
    draw_links([(say("find.figure", name=name, count=count), Query(label=name)) for name, count in counted])
    _draw_unseen(now)


def _draw_unseen(now: Status) -> None:
    """Lead to diaries that may be of a label that nobody has given yet: by its name, and like its definition."""
    unseen = [label for label in now.labels if not now.counts[label.id]]
    by_name = [(say("find.look_for", name=label.name), Query(q=label.name)) for label in unseen]
    like = [
        (say("find.look_like", name=label.name), Query(like_text=f"{label.name}. {label.definition}".strip()))
        for label in unseen
    ]
    draw_links([link for links in zip(by_name, like, strict=True) for link in links], label=say("find.unseen"))


def _most(now: Status, counts: Sequence[int], shares: Shares) -> list[int]:
    high = {given.label: given.share.high for given in label_shares.list_given(shares)}
    return outlook.most_labels(
        counts,
        left=now.left_count,
        shares_high=[high.get(label.name) for label in now.labels],
        diary_count=now.diary_count,
    )


def _left_text(count: int, most: int) -> str:
    """Say how many labels are still to come, or that there are hardly so many diaries of the label."""
    if count >= status.RULE_OF_THUMB:
        return ""
    if most < status.RULE_OF_THUMB:
        return say("overview.labels_most", most=most)
    return say("overview.labels_left", left=status.RULE_OF_THUMB - count)
