"""Colours of labels: which are hard to see on a page, and which look alike to some eyes.

Names and signs always stand beside a colour, so these are remarks, never errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from db.label_sets.labels import Label

LEAST_CONTRAST = 3.0
"""Source: WCAG 2.2, 1.4.11 Non-text Contrast."""

LEAST_DISTANCE = 12.0
"""CIE 1976 colour difference below which small areas that don't touch are easily confused.

Source: 2.3 is just noticeable side by side (Mahy, Van Eycken and Oosterlinck, 1994); dots apart from each other need
several times that (Stone, Szafir and Setlur, 2014).
"""

PAGES = {"light": "#ffffff", "dark": "#0e1117"}
"""Backgrounds of the two themes."""

_EYES = {
    "all": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""What eyes see of linear sRGB. Source: Machado, Oliveira and Fernandes (2009), severity 1.0."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of colours.

    Attributes:
        kind: ``faint_light`` or ``faint_dark`` where a colour hardly stands out from that theme's page, ``alike``
            where two look the same to everybody, ``alike_some`` where they do to people who see colours otherwise.
        names: of the one label or the two.
        figure: contrast, from 1 to 21, or colour difference, from 0.
    """

    kind: Literal["faint_light", "faint_dark", "alike", "alike_some"]
    names: tuple[str, ...]
    figure: float


def remarks(labels: Sequence[Label]) -> list[Remark]:
    """Return what is to be said of a label set's colours; nothing of the colours that are chosen by default."""
    notes = [
        Remark(f"faint_{page}", (label.name,), figure)  # type: ignore[arg-type]
        for label in labels
        for page, background in PAGES.items()
        if (figure := contrast(label.colour, background)) < LEAST_CONTRAST
    ]
    for first, second in combinations(labels, 2):
        by_eye = distances(first.colour, second.colour)
        if (nearest := min(by_eye.values())) < LEAST_DISTANCE:
            kind: Literal["alike", "alike_some"] = "alike" if by_eye["all"] < LEAST_DISTANCE else "alike_some"
            notes.append(Remark(kind, (first.name, second.name), nearest))
    return notes


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours like #ba8e00, from 1 to 21.

    Source: WCAG 2.2, contrast ratio.
    """
    low, high = sorted(float(_linear(colour) @ _LUMINANCE) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def distances(one: str, other: str) -> dict[str, float]:
    """Return how far apart two colours are for each kind of eyes, as CIE 1976 colour differences, from 0."""
    pair = _linear(one), _linear(other)
    labs = {eye: [_lab(np.clip(matrix @ colour, 0, 1)) for colour in pair] for eye, matrix in _EYES.items()}
    return {eye: float(np.linalg.norm(first - second)) for eye, (first, second) in labs.items()}


def _linear(colour: str) -> NDArray[np.float64]:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = _TO_XYZ @ linear / _WHITE
    x, y, z = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
