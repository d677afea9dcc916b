"""The map of all diaries on a canvas: lasso, box, zoom, and what is under the pointer.

The browser sends an event as a trigger: ``area`` (its corners, in the map's own measure, and the kinds that are
hidden), ``pick`` (a diary) or ``clear``. Which diaries are in an area is decided by the server alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import streamlit as st

from pages.components import inline

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNS = ("circle", "square", "triangle", "diamond", "cross", "down", "ring", "frame", "saltire", "bar")
"""Shapes that points are told apart by, beside their colours."""

STRINGS = ("lasso", "box", "move", "closer", "wider", "whole", "clear", "tools", "legend", "toggle", "keys")


class KindData(TypedDict):
    """What some points have in common; `count` is how many, as it is shown."""

    name: str
    colour: str
    sign: str
    count: str


class MapData(TypedDict):
    """All that the board shows.

    Attributes:
        label: what the map shows, for those who don't see it.
        status: how many diaries are selected; empty while nothing is.
        number: of the layout, to which an area belongs.
        places: base64 of (n, 2) float32.
        kind_of: base64 of (n,) uint8, places in `kinds`.
        ids: base64 of (n,) int32.
        lines: how each text begins; None where there are too many.
        area: corners that were drawn around, [x, y] each; None for none.
        selected: base64 of (n,) uint8, whether each is selected; None while nothing is.
    """

    strings: dict[str, str]
    label: str
    status: str
    number: int
    places: str
    kind_of: str
    ids: str
    lines: list[str] | None
    kinds: list[KindData]
    area: list[list[float]] | None
    selected: str | None


_mount = st.components.v2.component(
    "maeumgyeol_map_board",
    html='<div class="map"></div>',
    css=inline.join("map_board/map.css"),
    js=inline.join(
        *(f"label_board/{part}.js" for part in ("diary", "controls", "mounting")),
        *(f"map_board/{part}.js" for part in ("points", "pointer", "map")),
    ),
)


def map_board(data: MapData, *, key: str, on_event: Callable[[], None]) -> None:
    """Draw the map.

    Args:
        on_event: called when the browser has sent something, before the script runs; see `inline.read_event`.
    """
    _mount(key=key, data=inline.unsearched(data), on_event_change=on_event)
