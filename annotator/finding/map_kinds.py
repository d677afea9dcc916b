"""What the points of the map are coloured by: the model's answer, people's labels, its confidence, or who decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from annotator.label_sets.definitions import COLOURS
from db.label_sets import labels
from db.people import annotators
from db.search import facets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from annotator.finding.filters import Predictions
    from db import Database

    IntArray = NDArray[np.int64]

Colouring = Literal["prediction", "label", "confidence", "person"]
COLOURINGS: tuple[Colouring, ...] = get_args(Colouring)

CONFIDENCES = (0.5, 0.7, 0.9)
"""Where one range of the model's confidence ends and the next begins."""

_CONFIDENCE_COLOURS = ("#d98324", "#c9b458", "#6f9fc8", "#2f6db3")
"""From doubtful to sure, in hue and in lightness."""

_MOST_PEOPLE = 8
"""People with a colour of their own: more are not told apart."""

_NONE_COLOUR, _OTHERS_COLOUR, _SEVERAL_COLOUR = "#b4b6ba", "#6d7178", "#a8559c"


@dataclass(frozen=True, slots=True)
class Kind:
    """What some points have in common.

    Attributes:
        name: of a label or a person; empty where `what` says it.
        what: ``named``; ``below`` and ``from`` a confidence of `bound`; ``others``; ``several`` people; or ``none``:
            not decided, without an answer, or with one that has to stay hidden.
        colour: ``#rrggbb``.
        bound: in [0, 1], of a range of confidence.
    """

    name: str
    what: Literal["named", "below", "from", "others", "several", "none"]
    colour: str
    bound: float = 0.0


def find_kinds(
    db: Database, size: int, colouring: Colouring, predictions: Predictions
) -> tuple[tuple[Kind, ...], IntArray]:
    """Return the kinds, and which each diary is of, (size,): entry i belongs to diary i + 1. The last kind is none.

    What the model answers to a diary that is still to be decided blind is of no kind.
    """
    if colouring == "prediction":
        return _by_label(db, predictions.tops()[0])
    if colouring == "label":
        return _by_label(db, facets.label_ids(db, size))
    return _by_confidence(predictions) if colouring == "confidence" else _by_person(db, size)


def _by_label(db: Database, label_ids: NDArray[np.int32]) -> tuple[tuple[Kind, ...], IntArray]:
    in_force = labels.list_labels(db)
    place_of = np.full(max([label.id for label in labels.list_all_labels(db)], default=0) + 1, -1)
    place_of[[label.id for label in in_force]] = np.arange(len(in_force))
    places = place_of[label_ids]
    kinds = [Kind(label.name, "named", label.colour) for label in in_force]
    # A label that was retired is still what somebody said.
    is_other = (places < 0) & (label_ids > 0)
    if is_other.any():
        kinds.append(Kind("", "others", _OTHERS_COLOUR))
        places = np.where(is_other, len(kinds) - 1, places)
    return _with_none(kinds, places)


def _by_confidence(predictions: Predictions) -> tuple[tuple[Kind, ...], IntArray]:
    best = predictions.tops()[1]
    kinds = [Kind("", "below", _CONFIDENCE_COLOURS[0], CONFIDENCES[0])]
    kinds += [
        Kind("", "from", colour, bound) for colour, bound in zip(_CONFIDENCE_COLOURS[1:], CONFIDENCES, strict=True)
    ]
    places = np.where(np.isnan(best), -1, np.digitize(best, CONFIDENCES))
    return _with_none(kinds, places)


def _by_person(db: Database, size: int) -> tuple[tuple[Kind, ...], IntArray]:
    """Colour by who decided; those who decided most have colours of their own."""
    ids = [annotator_id for annotator_id, _ in annotators.list_annotators(db)]
    name_of = dict(annotators.list_annotators(db))
    masks = {annotator_id: facets.decided_by(db, size, annotator_id) for annotator_id in ids}
    deciders = sorted((i for i in ids if masks[i].any()), key=lambda i: (-int(masks[i].sum()), i))
    named = deciders[:_MOST_PEOPLE]
    kinds = [Kind(name_of[i], "named", COLOURS[place % len(COLOURS)]) for place, i in enumerate(named)]
    count = np.zeros(size, np.int64)
    places = np.full(size, -1)
    for annotator_id in deciders:
        count += masks[annotator_id]
        places[masks[annotator_id]] = named.index(annotator_id) if annotator_id in named else len(named)
    if len(deciders) > len(named):
        kinds.append(Kind("", "others", _OTHERS_COLOUR))
    if (count > 1).any():
        kinds.append(Kind("", "several", _SEVERAL_COLOUR))
        places[count > 1] = len(kinds) - 1
    return _with_none(kinds, places)


def _with_none(kinds: list[Kind], places: NDArray[np.int64]) -> tuple[tuple[Kind, ...], IntArray]:
    return (*kinds, Kind("", "none", _NONE_COLOUR)), np.where(places < 0, len(kinds), places).astype(np.int64)
