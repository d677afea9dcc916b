"""How much two labels differ, as a team sees it: anger for disgust is a smaller slip than anger for happiness.

Kept in the settings as JSON: ``{}`` knows only same and different; ``{"points": {label id: [valence, arousal]}}``
places each label in the plane of feelings; ``{"pairs": [[label id, label id, distance], …]}`` says it pair by pair.
Labels that it does not mention differ completely from all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np

from annotator.errors import UserError
from annotator.formats import config_files
from annotator.formats.label_text import plain_label
from learner.data_quality import agreement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from db.label_sets.labels import Label

Way = Literal["nominal", "points", "pairs"]
WAYS: tuple[Way, ...] = ("nominal", "points", "pairs")

Distance = dict[str, Any]

FEELINGS: Mapping[str, tuple[float, float]] = {
    "분노": (-0.51, 0.59),
    "행복": (0.81, 0.51),
    "불안": (-0.64, 0.60),
    "당황": (-0.46, 0.54),
    "슬픔": (-0.63, -0.27),
    "중립": (0.0, 0.0),
    "혐오": (-0.60, 0.35),
}
"""Valence and arousal of the seven labels that a project starts with, each in [-1, 1].

Source: Russell and Mehrabian (1977), Evidence for a Three-Factor Theory of Emotions: mean pleasure and arousal of
*angry*, *happy*, *fearful* (*anxious* also means eager in English), *embarrassed*, *sad*, *disgusted*; neutral is the
middle of both scales.
"""


def way_of(kept: Distance) -> Way:
    """Return which of the three forms a distance has."""
    return "points" if "points" in kept else "pairs" if "pairs" in kept else "nominal"


def matrix(kept: Distance, label_set: Sequence[Label]) -> NDArray[np.float64] | None:
    """Return the distance of every two labels, (k, k) in [0, 1]; None if only same and different are known."""
    place = {label.id: column for column, label in enumerate(label_set)}
    distances = agreement.nominal_distance(len(place))
    if way_of(kept) == "points":
        points = {place[int(i)]: point for i, point in kept["points"].items() if int(i) in place}
        columns = np.array(list(points), np.int64)
        if len(columns):
            distances[np.ix_(columns, columns)] = agreement.point_distance(np.array(list(points.values()), np.float64))
        return distances
    if way_of(kept) == "pairs":
        for first, second, distance in kept["pairs"]:
            if first in place and second in place:
                distances[place[first], place[second]] = distances[place[second], place[first]] = distance
        return distances
    return None


def check(kept: Distance) -> None:
    """Check that a value is a distance.

    Raises:
        UserError: for a place outside -1 to 1, a distance outside 0 to 1, or one between a label and itself.
    """
    for point in kept.get("points", {}).values():
        if len(point) != 2 or not all(_is_number(v) and -1 <= v <= 1 for v in point):
            raise UserError("label_point_outside", found=", ".join(map(str, point)))
    for first, second, distance in kept.get("pairs", ()):
        if not _is_number(distance) or not 0 <= distance <= 1:
            raise UserError("label_distance_outside", found=str(distance))
        if first == second and distance:
            raise UserError("label_distance_to_itself", found=str(distance))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def feelings(label_set: Sequence[Label]) -> Distance:
    """Return the places of the labels that are known by name."""
    return {"points": {str(label.id): list(FEELINGS[label.name]) for label in label_set if label.name in FEELINGS}}


def list_pairs(kept: Distance, label_set: Sequence[Label]) -> list[tuple[Label, Label, float]]:
    """Return every two labels with their distance, to be looked at and changed."""
    stored = matrix(kept, label_set)
    distance = agreement.nominal_distance(len(label_set)) if stored is None else stored
    return [
        (first, second, round(float(distance[i, i + 1 + j]), 2))
        for i, first in enumerate(label_set)
        for j, second in enumerate(label_set[i + 1 :])
    ]


def read_csv(content: bytes, label_set: Sequence[Label]) -> Distance:
    """Read a table with two labels and their distance in each row; a heading row is skipped.

    Raises:
        UserError: for a label that is not in the set, a row of another shape, or no row at all.
    """
    id_of = {plain_label(label.name): label.id for label in label_set}
    pairs = []
    try:
        table = config_files.decode(content, "rows", name="distances.csv")
    except ValueError as error:
        raise UserError("label_distance_unreadable") from error
    for number, row in enumerate(table):
        cells = [plain_label(cell) for cell in row]
        if len(cells) != 3 or not all(cells):
            raise UserError("label_distance_row", row=number + 1)
        if number == 0 and not id_of.keys() & set(cells[:2]):
            continue
        for name in cells[:2]:
            if name not in id_of:
                raise UserError("label_unknown", found=name, known=", ".join(id_of))
        try:
            pairs.append([id_of[cells[0]], id_of[cells[1]], float(cells[2])])
        except ValueError as error:
            raise UserError("label_distance_row", row=number + 1) from error
    if not pairs:
        raise UserError("label_distance_unreadable")
    distance = {"pairs": pairs}
    check(distance)
    return distance
