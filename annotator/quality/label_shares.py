"""How common each label is among all diaries: estimated from the test part, which was drawn at random, and predictions.

Diaries of every source count as many as the source has, whichever were labelled first. Where whole writers were set
apart, the interval is over draws of writers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator.importing import parts
from annotator.label_sets import projection
from db.answers import training_data
from db.label_sets import labels
from db.models import models
from db.stats import label_shares as stored
from learner.classification.soft_labels import share_equally
from learner.data_quality import label_shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from db import Database
    from learner.data_quality.label_shares import LabelShare

    IntArray = NDArray[np.int64]
    FloatArray = NDArray[np.float64]

By = Literal["all", "week", "month", "writer", "source"]
WAYS: tuple[By, ...] = ("all", "month", "writer", "source")
"""What shares of all diaries are broken down by."""

FEWEST = 30
"""Decided test diaries of all, or of a group, below which no share is given: see `annotator.training.evaluation`."""

FEWEST_OF_SOURCE = 10
"""Decided test diaries of a source below which its diaries are left out: so few can't stand for all of it."""

FEWEST_CASES = label_shares.FEWEST_CASES
"""Decided test diaries with a label below which decisions alone are counted."""

MOST_LEFT_OUT = 0.2
"""Share of diaries of such sources from which there is no figure: it would be about other diaries."""

Refusal = Literal["few", "sources", "one_writer"]


@dataclass(frozen=True, slots=True)
class Group:
    """All diaries, or those of one month, writer or source.

    Attributes:
        name: of the group; empty for all diaries.
        diaries: that the shares are about.
        left_out: further diaries, of sources of which fewer than `FEWEST_OF_SOURCE` test diaries are decided.
        n: decided test diaries among `diaries`.
        writers: who wrote these, where whole writers were drawn; 0 where each diary was drawn by itself.
        shares: of each label in force, in their order; empty if refused.
        counted: share of the diaries to which the model answers with each label; empty without predictions.
        refused: why there are no shares; None if there are.
    """

    name: str
    diaries: int
    left_out: int
    n: int
    writers: int
    shares: tuple[LabelShare, ...]
    counted: tuple[float, ...]
    refused: Refusal | None


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of labels.

    Attributes:
        version: whose predictions helped; None if there are none yet.
        groups: in the order of their names.
        unpredicted: diaries without a prediction, which count nowhere.
    """

    by: By
    label_names: tuple[str, ...]
    version: int | None
    groups: tuple[Group, ...]
    unpredicted: int


@dataclass(frozen=True, slots=True)
class _Diaries:
    """What is known of every diary; row i is diary i + 1.

    Attributes:
        is_counted: whether it exists and, if anything is predicted, has a prediction.
        proba: (n, k), 0 where nothing is predicted.
        sources, groups: codes; -1 for none.
        decided: rows of the decided test diaries.
        writers: (decided,) codes; -1 for none, and for all where each diary was drawn by itself.
        truth: (decided, k) shares of labels in each.
    """

    is_counted: NDArray[np.bool_]
    proba: FloatArray
    is_predicted: bool
    sources: IntArray
    groups: IntArray
    decided: IntArray
    writers: IntArray
    truth: FloatArray


def estimate(db: Database, *, by: By = "all", only: NDArray[np.bool_] | None = None) -> Shares:
    """Estimate how common each label is among all diaries, or among those of each group.

    Args:
        only: which diaries are meant, by id - 1; None for all.
    """
    label_set = labels.list_labels(db)
    known, names = _read(db, by, [label.id for label in label_set], only)
    sizes = np.bincount(known.groups[known.is_counted], minlength=len(names))
    active = models.find_active(db) if known.is_predicted else None
    return Shares(
        by=by,
        label_names=tuple(label.name for label in label_set),
        version=None if active is None else active.version,
        groups=tuple(_group(known, code, name) for code, name in enumerate(names) if sizes[code]),
        unpredicted=int((~known.is_counted & (known.sources >= 0)).sum()),
    )


def _read(
    db: Database, by: By, label_ids: list[int], only: NDArray[np.bool_] | None
) -> tuple[_Diaries, tuple[str, ...]]:
    sources, source_names = stored.read_trait(db, "source")
    if only is not None:
        sources = np.where(only[: len(sources)], sources, -1)
    decided, truth = _decided(db, label_ids)
    proba = _proba(db, len(sources), k=len(label_ids))
    is_predicted = bool(np.isfinite(proba[:, 0]).any())
    is_counted = (sources >= 0) & (np.isfinite(proba[:, 0]) | (not is_predicted))
    groups, names = _read_groups(db, by, sources, source_names)
    is_usable = is_counted[decided] & (groups[decided] >= 0)
    known = _Diaries(
        is_counted=is_counted & (groups >= 0),
        proba=np.nan_to_num(proba.astype(np.float64)),
        is_predicted=is_predicted,
        sources=sources,
        groups=groups,
        writers=_drawn_writers(db, decided[is_usable]),
        decided=decided[is_usable],
        truth=truth[is_usable],
    )
    return known, names


def _read_groups(
    db: Database, by: By, sources: IntArray, source_names: tuple[str, ...]
) -> tuple[IntArray, tuple[str, ...]]:
    if by == "all":
        return np.minimum(sources, 0), ("",)
    return (sources, source_names) if by == "source" else stored.read_trait(db, by)


def _proba(db: Database, count: int, *, k: int) -> NDArray[np.float32]:
    proba = np.full((count, k), np.nan, np.float32)
    active = models.find_active(db)
    if active is not None:
        predicted = projection.load_predictions(db, active)[:count]
        proba[: len(predicted)] = predicted
    return proba


def _decided(db: Database, label_ids: list[int]) -> tuple[IntArray, FloatArray]:
    """Return the rows of the decided test diaries, and what people said of each as shares of the labels."""
    labelled = training_data.list_labelled(db, part="test")
    column_of = {label_id: column for column, label_id in enumerate(label_ids)}
    columns = np.array([column_of.get(int(i), -1) for i in labelled.label_ids], np.int64)
    row_of = {int(decision_id): row for row, decision_id in enumerate(labelled.decision_ids)}
    further = [(row_of[int(d)], column_of[int(i)]) for d, i in labelled.others if int(i) in column_of]
    said = share_equally(columns, np.array(further, np.int64).reshape(-1, 2), k=len(label_ids))[columns >= 0]
    ids, place, people = np.unique(labelled.diary_ids[columns >= 0], return_inverse=True, return_counts=True)
    truth = np.zeros((len(ids), len(label_ids)))
    np.add.at(truth, place, said)
    return ids - 1, truth / people[:, None]


def _drawn_writers(db: Database, decided: IntArray) -> IntArray:
    """Return who wrote each decided test diary if whole writers were set apart; nobody, -1, where diaries were.

    Whole writers were set apart if those of the test part, of whom some wrote several diaries, wrote none elsewhere.
    """
    writer_of = stored.list_writers(db, (decided + 1).tolist())
    names = sorted(set(writer_of.values()))
    nobody = np.full(len(decided), -1, np.int64)
    if len(names) == len(writer_of) or stored.have_pool_diaries(db, names):
        return nobody
    code_of = {name: code for code, name in enumerate(sorted({parts.writer_of(name) for name in names}))}
    return np.array([code_of.get(parts.writer_of(writer_of.get(int(row) + 1)), -1) for row in decided], np.int64)


def _group(known: _Diaries, code: int, name: str) -> Group:
    rows = np.flatnonzero(known.is_counted & (known.groups == code))
    in_group = known.groups[known.decided] == code
    count = known.sources.max() + 1
    sizes = np.bincount(known.sources[rows], minlength=count)
    decided = np.bincount(known.sources[known.decided[in_group]], minlength=count)
    stands = decided >= FEWEST_OF_SOURCE
    covered, kept = rows[stands[known.sources[rows]]], in_group & stands[known.sources[known.decided]]
    test, truth, writers = known.decided[kept], known.truth[kept], _numbered(known.writers[kept])
    left_out = len(rows) - len(covered)
    refused = _refusal(len(test), left_out / len(rows), None if writers is None else len(np.unique(writers)))
    represents = (sizes / np.maximum(decided, 1))[known.sources[test]]
    part = label_shares.RandomPart(truth, known.proba[test], represents, writers)
    return Group(
        name=name,
        diaries=len(covered),
        left_out=left_out,
        n=len(test),
        writers=0 if writers is None else len(np.unique(writers)),
        shares=() if refused else label_shares.estimate(part, known.proba[covered].mean(axis=0)),
        counted=_count_answers(known.proba[covered]) if known.is_predicted and not refused else (),
        refused=refused,
    )


def _numbered(writers: IntArray) -> IntArray | None:
    """Return a number for each writer, and one of their own for diaries without; None if nobody is known."""
    nobody = writers < 0
    return None if nobody.all() else np.where(nobody, writers.max() + 1 + np.arange(len(writers)), writers)


def _refusal(n: int, left_out: float, writers: int | None) -> Refusal | None:
    if left_out > MOST_LEFT_OUT and n >= FEWEST:
        return "sources"
    if n < FEWEST:
        return "few"
    return "one_writer" if writers == 1 else None


def _count_answers(proba: FloatArray) -> tuple[float, ...]:
    counts = np.bincount(proba.argmax(axis=1), minlength=proba.shape[1])
    return tuple(float(count) for count in counts / max(len(proba), 1))


@dataclass(frozen=True, slots=True)
class Given:
    """One share that is given.

    Attributes:
        counted: share of the group's diaries to which the model answers with the label; None without predictions.
    """

    group: Group
    label: str
    share: LabelShare
    counted: float | None


def list_given(shares: Shares) -> Iterator[Given]:
    """Yield every share that is given, by group and label."""
    for group in shares.groups:
        counted = group.counted or (None,) * len(group.shares)
        for name, share, answers in zip(shares.label_names, group.shares, counted, strict=False):
            yield Given(group, name, share, answers)
