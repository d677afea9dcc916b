"""The clusters of the map as a list: the same choices without seeing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.find import map_selection
from pages.widgets.text import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.finding.map_clusters import Cluster

_ANSWERS = 3
_COLUMNS = 2


def draw(clusters: Sequence[Cluster], *, are_named: bool) -> None:
    """Draw each cluster with its words, its size, what the model answers there, and where it can be taken."""
    st.subheader(say("find.map.clusters"))
    st.caption(say("find.map.clusters_help", count=len(clusters)))
    if not are_named:
        st.caption(say("find.map.naming"))
    for at in range(0, len(clusters), _COLUMNS):
        for column, cluster in zip(st.columns(_COLUMNS), clusters[at : at + _COLUMNS], strict=False):
            with column, st.container(border=True, gap="small", height="stretch"):
                _draw_cluster(cluster, are_named=are_named)


def _draw_cluster(cluster: Cluster, *, are_named: bool) -> None:
    words = " · ".join(cluster.words) or (say("find.map.no_words") if are_named else "")
    count = say("find.map.cluster_count", count=len(cluster.diary_ids))
    st.markdown(f"**{plain(words)}**" if cluster.words else plain(words or count))
    answers = [
        say("find.map.alt_kind", name=name, count=number) for name, number in cluster.answers[:_ANSWERS] if number
    ]
    st.caption(plain(f"{count} · " + (say("find.map.answers", answered=cluster.answered, answers=" · ".join(answers)))))
    with st.container(horizontal=True):
        st.button(
            say("find.map.choose"),
            key=f"find_map_choose_{cluster.number}",
            icon=":material/scatter_plot:",
            on_click=map_selection.choose,
            args=(cluster.diary_ids,),
        )
        map_selection.draw_ways(str(cluster.number), cluster.diary_ids)
