"""How much labels differ, set by the team: not at all in kind, by place in the plane of feelings, or pair by pair."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from annotator import settings as project_settings
from annotator.label_sets import distances, editing
from annotator.quality import agreement
from pages.widgets.boundary import boundary
from pages.widgets.tables import shown_cell
from pages.widgets.text import keyed, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annotator.accounts.permissions import Person
    from annotator.label_sets.distances import Distance, Way
    from annotator.project import Database, Labels


def draw_distance(db: Database, person: Person) -> None:
    """Draw the editor of how much labels differ. What depends on it has to be computed afterwards."""
    stored = project_settings.load(db).label_distance
    labels = editing.list_labels(db)
    with st.expander(say("distance.title"), icon=":material/straighten:"):
        st.markdown(say("distance.intro"))
        way: Way = st.segmented_control(
            say("distance.way"),
            distances.WAYS,
            default=distances.way_of(stored),
            required=True,
            format_func=lambda name: say(f"distance.way_{name}"),
            key=keyed("team_distance_way"),
            label_visibility="collapsed",
        )
        st.caption(say(f"distance.{way}_help"))
        with st.form("team_distance", border=False), boundary():
            new = _draw_table(way, stored, labels)
            if st.form_submit_button(say("distance.save"), type="primary"):
                agreement.set_distance(db, new, annotator_id=person.annotator_id)
                st.success(say("distance.saved"), icon=":material/check_circle:")


def _draw_table(way: Way, stored: Distance, labels: Labels) -> Distance:
    if way == "points":
        return _points(stored if "points" in stored else distances.feelings(labels), labels)
    return _pairs(stored, labels) if way == "pairs" else {}


def _points(stored: Distance, labels: Labels) -> Distance:
    rows = [[label.name, *stored["points"].get(str(label.id), (None, None))] for label in labels]
    edited = _edit(rows, ("label", "valence", "arousal"), fixed=1, low=-1.0, key="team_points")
    points = {str(label.id): row[1:] for label, row in zip(labels, edited, strict=True) if None not in row[1:]}
    return {"points": points}


def _pairs(stored: Distance, labels: Labels) -> Distance:
    pairs = distances.list_pairs(stored, labels)
    rows = [[first.name, second.name, distance] for first, second, distance in pairs]
    edited = _edit(rows, ("label", "other", "distance"), fixed=2, low=0.0, key="team_pairs_distance")
    new = [(first.id, second.id, row[2]) for (first, second, _), row in zip(pairs, edited, strict=True)]
    return {"pairs": [[a, b, distance] for a, b, distance in new if distance is not None]}


def _edit(rows: Sequence[Sequence[Any]], columns: Sequence[str], *, fixed: int, low: float, key: str) -> list[Any]:
    number = partial(st.column_config.NumberColumn, min_value=low, max_value=1.0, step=0.01, format="%.2f")
    names = [say(f"distance.column_{name}") for name in columns]
    table = [dict(zip(columns, map(shown_cell, row), strict=True)) for row in rows]
    config = {
        column: st.column_config.TextColumn(name, disabled=True) if place < fixed else number(name)
        for place, (column, name) in enumerate(zip(columns, names, strict=True))
    }
    edited = st.data_editor(table, column_config=config, hide_index=True, key=key, width="content")
    return [[row[column] for column in columns] for row in edited]
