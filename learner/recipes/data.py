"""The rows of a recipe: which of a file are taken, and which are set aside to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from learner.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from learner.recipes.recipe import Data


class Row(NamedTuple):
    """A row as it was read; empty where it has no text or no label."""

    number: int
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """Texts to train or to measure on.

    Attributes:
        numbers: (n,) rows of their file.
        labels: (n,) places of their classes.
    """

    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a recipe is run on.

    Attributes:
        left_out: rows that were drawn but lack text or label.
    """

    training: Part
    validation: Part
    classes: tuple[str, ...]
    left_out: int


def prepare(rows: Sequence[Row], validation: Sequence[Row] | None, data: Data, *, trial: bool = False) -> Prepared:
    """Draw, clean, number and split rows, in this order.

    Args:
        rows: of the file that is trained on; split where there is no `validation` file.
        trial: takes only the recipe's small part, if it has one.

    Raises:
        LearnerError: `recipe_classes_few`, `recipe_class_unknown`, `recipe_class_small` or `recipe_rows_few`.
    """
    drawn = _drawn(rows, data, trial=trial)
    measured = None if validation is None else _drawn(validation, data, trial=False)
    usable = [row for row in drawn if row.text and row.label]
    usable_measured = [row for row in measured or () if row.text and row.label]
    left_out = len(drawn) + len(measured or ()) - len(usable) - len(usable_measured)
    if not usable or (measured is not None and not usable_measured):
        raise LearnerError("recipe_rows_few", count=len(usable), measured=len(usable_measured))
    classes = _classes([*usable, *usable_measured], data)
    whole = _part(usable, classes)
    if measured is not None:
        return Prepared(whole, _part(usable_measured, classes), classes, left_out)
    training, held_out = _split(whole, data, classes)
    return Prepared(training, held_out, classes, left_out)


def _drawn(rows: Sequence[Row], data: Data, *, trial: bool) -> list[Row]:
    """Return the rows that are taken. Drawn by pandas, so that a write-up's seed draws the write-up's rows."""
    import pandas as pd

    if trial and data.trial_rows is not None:
        rows = rows[: data.trial_rows]
    shares = [data.share, data.trial_share if trial and data.trial_share is not None else 1.0]
    for share in shares:
        if share < 1:
            places = pd.Series(np.arange(len(rows))).sample(frac=share, random_state=data.seed)
            rows = [rows[int(place)] for place in places]
    return list(rows)


def _classes(rows: Sequence[Row], data: Data) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(row.label for row in rows))
    if data.classes and (strange := [label for label in labels if label not in data.classes]):
        class_names, first = ", ".join(data.classes), next(row.number for row in rows if row.label == strange[0])
        raise LearnerError("recipe_class_unknown", label=strange[0][:30], row=first, known=class_names)
    if len(labels) < 2:
        raise LearnerError("recipe_classes_few", count=len(labels))
    return data.classes or labels


def _part(rows: Sequence[Row], classes: tuple[str, ...]) -> Part:
    place = {label: i for i, label in enumerate(classes)}
    return Part(
        texts=tuple(row.text for row in rows),
        labels=np.array([place[row.label] for row in rows], np.int64),
        numbers=np.array([row.number for row in rows], np.int64),
    )


def _split(part: Part, data: Data, classes: tuple[str, ...]) -> tuple[Part, Part]:
    """Split as scikit-learn's `train_test_split` does, for the reason that `_drawn` gives."""
    from sklearn.model_selection import train_test_split

    counts = np.bincount(part.labels, minlength=len(classes))
    present = counts[counts > 0]
    stratified = data.validation == "stratified"
    if stratified and present.min() < 2:
        smallest = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
        raise LearnerError("recipe_class_small", label=classes[smallest][:30])
    try:
        training, measured = train_test_split(
            np.arange(len(part.texts)),
            test_size=data.validation_share,
            random_state=data.seed,
            # By name: the order of the classes decides which rows are drawn.
            stratify=np.array(classes)[part.labels] if stratified else None,
        )
    except ValueError as error:  # too few rows for a part of each kind
        raise LearnerError("recipe_rows_few", count=len(part.texts), measured=0) from error
    return _taken(part, training), _taken(part, measured)


def _taken(part: Part, places: NDArray[np.int64]) -> Part:
    return Part(tuple(part.texts[i] for i in places), part.labels[places], part.numbers[places])
