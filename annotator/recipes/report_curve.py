"""Learning curves as a drawing inside a page (SVG)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = list[tuple[float, float]]

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 44, 14, 560, 130, 46
_COLOURS = ("#4a74a8", "#d98324")
_DASHES = ("", "6 4")


def draw_curve(curve: Sequence[dict[str, float]], names: Mapping[str, str], *, axis: str) -> str:
    """Return losses and, below them, accuracies over the steps; nothing where nothing was logged.

    Args:
        curve: rows with ``step`` and figures.
        names: figures that are drawn, and what they are called, already escaped.
        axis: what the steps are called.
    """
    series = {key: _points(curve, key) for key in names}
    panels = [
        {names[key]: points for key, points in series.items() if points and key.endswith(kind)}
        for kind in ("loss", "accuracy")
    ]
    panels = [panel for panel in panels if panel]
    if not panels:
        return ""
    steps = max(x for panel in panels for points in panel.values() for x, _ in points)
    height = _TOP + len(panels) * (_HEIGHT + _GAP)
    drawn = "".join(_panel(panel, _TOP + i * (_HEIGHT + _GAP), steps, axis) for i, panel in enumerate(panels))
    label = ", ".join(name for panel in panels for name in panel)
    return f'<svg viewBox="0 0 {_LEFT + _WIDTH + 140} {height}" role="img" aria-label="{label}">{drawn}</svg>'


def _points(curve: Sequence[dict[str, float]], key: str) -> Points:
    return [(row["step"], row[key]) for row in curve if key in row]


def _panel(panel: dict[str, Points], top: int, steps: float, axis: str) -> str:
    most = max(1.0, *(y for points in panel.values() for _, y in points))
    bottom = top + _HEIGHT

    def at(x: float, y: float) -> tuple[float, float]:
        return round(_LEFT + _WIDTH * x / max(steps, 1), 1), round(bottom - _HEIGHT * y / most, 1)

    marks: list[Any] = []
    for tick in (0.0, most / 2, most):
        y = at(0, tick)[1]
        marks.append(f'<path d="M{_LEFT} {y}h{_WIDTH}" stroke="#e3e6eb"/>')
        marks.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{tick:z.1f}</text>')
    marks.append(f'<text x="{_LEFT}" y="{bottom + 16}">0</text>')
    marks.append(f'<text x="{_LEFT + _WIDTH}" y="{bottom + 16}" text-anchor="end">{steps:z,.0f} {axis}</text>')
    for place, (name, points) in enumerate(panel.items()):
        colour, dash = _COLOURS[place % 2], _DASHES[place % 2]
        line = " ".join(f"{x},{y}" for x, y in (at(*point) for point in points))
        marks.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        marks += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in (at(*point) for point in points)]
        marks.append(f'<text x="{_LEFT + _WIDTH + 12}" y="{top + 12 + 16 * place}" style="fill:{colour}">{name}</text>')
    return "".join(marks)
