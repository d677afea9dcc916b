"""The map of all diaries: filters, colours, the points, what is selected, and the clusters as a list."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from annotator import project_location
from annotator.finding import map_clusters, pool_map, query
from annotator.finding.map_kinds import COLOURINGS
from pages.components import inline
from pages.components.map_board import SIGNS, STRINGS, KindData, MapData, map_board
from pages.find import address, form, map_clusters_list, map_selection, results
from pages.widgets.text import keyed, plain, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.map_kinds import Colouring, Kind
    from annotator.finding.pool_map import MapState, PoolMap
    from annotator.project import Database

_KEY = "find_map_board"
_PLOT, _LIST = "find_map_plot", "find_map_list"

# On a phone the list comes first: what fingers cover on a map can't be aimed at.
_STYLE = f"""<style>
@media (max-width: 640px) {{
  [data-testid="stLayoutWrapper"]:has(> .st-key-{_PLOT}) {{ order: 2; }}
  [data-testid="stLayoutWrapper"]:has(> .st-key-{_LIST}) {{ order: 1; }}
}}
</style>"""


def draw(db: Database, actor: Actor) -> None:
    """Draw the map of what the address asks for, or why there is none yet."""
    path = project_location.path()
    state = pool_map.read_state(db, path, actor)
    if not state.number:
        _draw_waiting(state)
        return
    form.draw(db, actor, is_sorted=False)
    asked = query.read(address.values())
    colouring = _colouring()
    shown = pool_map.read(db, path, actor, asked, colouring=colouring, vector=results.vector_of(asked))
    if not len(shown.ids):
        _draw_notes(shown)
        results.draw_empty(db, asked)
        return
    selected = map_selection.current(shown)
    st.html(_STYLE)
    with st.container():
        with st.container(key=_PLOT):
            _draw_colourings(colouring)
            map_board(_data(db, actor, shown, colouring, selected), key=_KEY, on_event=_take)
            st.caption(say("find.map.help"))
            _draw_notes(shown)
            map_selection.draw(db, actor, shown, selected)
        with st.container(key=_LIST):
            clusters = map_clusters.list_clusters(db, path, shown)
            map_clusters_list.draw(clusters, are_named=map_clusters.are_named(db, path))


def _draw_waiting(state: MapState) -> None:
    """Say why there is no map yet, and what it waits for."""
    if state.is_lost:
        what = "lost"
    elif state.diary_count < pool_map.FEWEST:
        what = "few"
    else:
        what = "reading" if state.encoded_count < state.diary_count else "drawing"
    values = {"count": state.diary_count, "encoded": state.encoded_count, "fewest": pool_map.FEWEST}
    words = {
        "lost": (say("find.map.lost"), say("find.map.lost_help")),
        "few": (say("find.map.few", fewest=pool_map.FEWEST), say("find.map.few_help", count=state.diary_count)),
        "reading": (
            say("find.map.reading"),
            say("find.map.reading_help", count=values["count"], encoded=values["encoded"]),
        ),
        "drawing": (say("find.map.drawing"), say("find.map.drawing_help")),
    }
    title, text = words[what]
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"**{plain(title)}**", text_alignment="center")
        st.caption(plain(text), text_alignment="center")
        if what == "reading":
            st.progress(min(1.0, state.encoded_count / max(1, state.diary_count)))


def _draw_notes(shown: PoolMap) -> None:
    """Say what the map leaves out."""
    state = shown.state
    if state.is_outdated:
        values = {"count": state.diary_count, "encoded": state.encoded_count}
        st.info(say("find.map.outdated", **values), icon=":material/history:")
    if shown.off_count:
        st.caption(say("find.map.missing", count=shown.off_count))
    if len(shown.drawn) < len(shown.ids):
        st.caption(say("find.map.sampled", count=len(shown.ids), drawn=len(shown.drawn)))
    if state.map_count > pool_map.MOST_LAID_OUT:
        st.caption(say("find.map.laid_out", laid_out=state.laid_out_count))
    if shown.matches.is_more:
        st.caption(say("find.map.not_all"))
    if shown.matches.missing_count:
        st.info(say("find.not_searched", count=shown.matches.missing_count), icon=":material/hourglass_top:")


def _colouring() -> Colouring:
    asked = address.values().get("colour", "")
    return next((each for each in COLOURINGS if each == asked), COLOURINGS[0])


def _draw_colourings(current: Colouring) -> None:
    key = keyed(f"find_map_colour_{current}")
    st.segmented_control(
        say("find.map.colouring"),
        COLOURINGS,
        default=current,
        required=True,
        format_func=lambda name: say(f"find.map.by_{name}"),
        key=key,
        label_visibility="collapsed",
        on_change=_colour,
        args=(key,),
    )


def _colour(key: str) -> None:
    chosen = str(st.session_state.get(key) or COLOURINGS[0])
    address.change(colour="" if chosen == COLOURINGS[0] else chosen)


def _data(
    db: Database, actor: Actor, shown: PoolMap, colouring: Colouring, selected: map_selection.Selected | None
) -> MapData:
    drawn = shown.drawn
    counts = np.bincount(shown.kind_of, minlength=len(shown.kinds))
    kinds = [_kind_data(kind, i, len(shown.kinds), int(counts[i]), colouring) for i, kind in enumerate(shown.kinds)]
    parts = [
        say("find.map.alt_kind", name=each["name"], count=int(counts[i])) for i, each in enumerate(kinds) if counts[i]
    ]
    ids = shown.ids[drawn]
    is_selected = None if selected is None else np.isin(ids, selected.ids)
    return MapData(
        strings={name: say(f"find.map.board.{name}") for name in STRINGS},
        label=say("find.map.alt", count=len(shown.ids), kinds=", ".join(parts)),
        status=map_selection.status(selected),
        number=shown.state.number,
        places=_bytes(shown.places[drawn], np.float32),
        kind_of=_bytes(shown.kind_of[drawn], np.uint8),
        ids=_bytes(ids, np.int32),
        lines=pool_map.list_lines(db, actor, ids) if len(ids) <= pool_map.MOST_LINES else None,
        kinds=kinds,
        area=None if selected is None or selected.number != shown.state.number else selected.corners,
        selected=None if is_selected is None else _bytes(is_selected, np.uint8),
    )


def _kind_data(kind: Kind, place: int, count: int, size: int, colouring: Colouring) -> KindData:
    if kind.what == "named":
        name = kind.name
    elif kind.what in ("below", "from"):
        name = say(f"find.map.kind_{kind.what}", bound=round(100 * kind.bound))
    elif kind.what == "several":
        name = say("find.map.kind_several")
    elif kind.what == "others":
        name = say("find.map.kind_others_person" if colouring == "person" else "find.map.kind_others_label")
    else:
        name = say(f"find.map.kind_none_{colouring}")
    # What is of no kind has the quietest sign.
    sign = SIGNS[-1] if place == count - 1 else SIGNS[place % (len(SIGNS) - 1)]
    return KindData(name=name, colour=kind.colour, sign=sign, count=f"{size:,}")


def _bytes(values: NDArray[Any], kind: type) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def _take() -> None:
    """Keep what the browser has sent until the map has been read."""
    if (sent := inline.read_event(_KEY)) is not None:
        map_selection.receive(sent)
