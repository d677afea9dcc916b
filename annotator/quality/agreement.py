"""How much the people of a project agree: overall, by label, by pair, by week, and which labels are confused."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator import settings as project_settings
from annotator.formats.spreadsheet_cells import safe_cell
from annotator.label_sets import distances
from db.connection import write
from db.label_sets import labels
from db.people import annotators, audit_log
from db.stats import agreement as stored
from learner.classification.metrics import Interval, wilson
from learner.data_quality import agreement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from annotator.label_sets.distances import Distance
    from db import Database
    from db.label_sets.labels import Label
    from db.stats.agreement import Answers
    from learner.data_quality.agreement import Kinds

    IntArray = NDArray[np.int64]

Measure = agreement.Measure

RELIABLE, TENTATIVE = 0.8, 0.667
"""Alpha from which conclusions can rest on the labels, and from which tentative ones can.

Source: Krippendorff (2004), Reliability in Content Analysis: Some Common Misconceptions and Recommendations.
"""

FEWEST = 30
"""Diaries below which the figure is called a first impression: drawing so few anew says too little of the rest."""

_FEWER_DRAWS = 400  # of each week and each pair, of which there may be hundreds

Level = Literal["reliable", "tentative", "low", "chance"]
Missing = Literal["nobody", "one_person", "no_overlap", "one_value"]


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """One label against all others; `count`: answers that hold it."""

    name: str
    alpha: Measure
    count: int


@dataclass(frozen=True, slots=True)
class Week:
    """The diaries whose last answer came in one week, which begins on a Monday (ISO 8601)."""

    monday: str
    alpha: Measure


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people; `same` is how often they say the same, with Wilson's interval."""

    first: str
    second: str
    kappa: Measure
    same: Interval


@dataclass(frozen=True, slots=True)
class Agreement:
    """How much people agree.

    Attributes:
        people: those who share a diary with somebody.
        answers: what they said of those diaries, how often.
        shown_share: share of the answers that were given with the model's answer in view, in [0, 1].
        alpha: Krippendorff's alpha of same and different; with several labels a diary, by the likeness of the sets.
        by_distance: the same with the label distance of the project; None where it has none.
        same: how often two people say the same.
        names: of the labels, in their order.
        confusion: how often each label was said beside each other one, k x k, symmetric.
        pairs: those who share most come first.
        missing: why there are no figures; None if there are.
    """

    people: tuple[str, ...]
    answers: int
    shown_share: float
    alpha: Measure
    by_distance: Measure | None
    same: Measure
    names: tuple[str, ...]
    labels: tuple[LabelAgreement, ...]
    confusion: tuple[tuple[float, ...], ...]
    weeks: tuple[Week, ...]
    pairs: tuple[Pair, ...]
    missing: Missing | None

    @property
    def level(self) -> Level | None:
        """What the figure is good enough for; ``chance`` if it may be due to chance."""
        if self.alpha.value is None or self.alpha.low is None:
            return None
        if self.alpha.low <= 0:
            return "chance"
        if self.alpha.value >= RELIABLE:
            return "reliable"
        return "tentative" if self.alpha.value >= TENTATIVE else "low"


def read_answers(db: Database) -> Answers:
    """Return people's answers to the same diaries; see `db.stats.agreement` for what counts."""
    return stored.list_answers(db)


def compare(db: Database, answers: Answers) -> Agreement:
    """Compare people's answers to the same diaries. The same answers always give the same intervals."""
    label_set = labels.list_labels(db)
    column = {label.id: place for place, label in enumerate(label_set)}
    # Retired labels can't be given any more, so they tell nothing about future answers.
    answers = answers.where(np.isin(answers.label_ids, list(column)))
    columns = np.array([column[int(i)] for i in answers.label_ids], np.int64)
    sets, members = _sets(db, answers, columns, column)
    kinds = agreement.kinds_of(answers.diary_ids, sets, k=len(members))
    firsts = agreement.kinds_of(answers.diary_ids, columns, k=len(label_set))
    distance = agreement.masi_distance(members)
    alpha = agreement.krippendorff_alpha(kinds, distance)
    name_of = dict(annotators.list_annotators(db))
    return Agreement(
        people=tuple(name_of[int(i)] for i in np.unique(answers.annotator_ids)),
        answers=len(answers),
        shown_share=float(answers.shown.mean()) if len(answers) else 0.0,
        alpha=alpha,
        by_distance=_by_distance(db, label_set, firsts),
        same=agreement.same_share(kinds),
        names=tuple(label.name for label in label_set),
        labels=_by_label(label_set, kinds, members),
        confusion=tuple(tuple(map(float, row)) for row in agreement.coincidences(firsts)),
        weeks=tuple(_by_week(answers, sets, distance)),
        pairs=_by_pair(answers, columns, name_of, k=len(label_set)),
        missing=_missing(db, alpha),
    )


def _sets(
    db: Database, answers: Answers, columns: IntArray, column: dict[int, int]
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return for each answer the index of its set of labels, and the labels of each set, (sets, k)."""
    members = np.eye(len(column), dtype=bool)
    further = stored.list_further_labels(db)
    further = further[np.isin(further[:, 0], answers.decision_ids) & np.isin(further[:, 1], list(column))]
    if not len(further):
        return columns, members
    order = np.argsort(answers.decision_ids)
    row = order[np.searchsorted(answers.decision_ids, further[:, 0], sorter=order)]
    named = members[columns]
    named[row, [column[int(i)] for i in further[:, 1]]] = True
    label_sets, which = np.unique(named, axis=0, return_inverse=True)
    return which.astype(np.int64), label_sets


def _by_distance(db: Database, label_set: Sequence[Label], firsts: Kinds) -> Measure | None:
    distance = distances.matrix(project_settings.load(db).label_distance, label_set)
    return None if distance is None else agreement.krippendorff_alpha(firsts, distance)


def _by_label(label_set: Sequence[Label], kinds: Kinds, members: NDArray[np.bool_]) -> tuple[LabelAgreement, ...]:
    counts = kinds.diaries @ kinds.answers @ members
    alphas = agreement.label_alphas(kinds, members)
    return tuple(
        LabelAgreement(label.name, alpha, int(count))
        for label, alpha, count in zip(label_set, alphas, counts, strict=True)
    )


def _by_week(answers: Answers, sets: IntArray, distance: NDArray[np.float64]) -> Iterator[Week]:
    diary_ids, place = np.unique(answers.diary_ids, return_inverse=True)
    last = np.zeros(len(diary_ids), np.int64)
    np.maximum.at(last, place, answers.days)
    mondays = monday_of(last)[place]
    for monday in np.unique(mondays):
        here = mondays == monday
        kinds = agreement.kinds_of(answers.diary_ids[here], sets[here], k=len(distance))
        yield Week(day_of(monday), agreement.krippendorff_alpha(kinds, distance, draws=_FEWER_DRAWS))


def monday_of(days: IntArray) -> IntArray:
    """Return the Monday of the week of each day; days since 1970-01-01, which was a Thursday."""
    return (days + 3) // 7 * 7 - 3


def day_of(day: int) -> str:
    """Return the date of a day since 1970-01-01, in ISO 8601."""
    return (date(1970, 1, 1) + timedelta(int(day))).isoformat()


def _by_pair(answers: Answers, columns: IntArray, name_of: dict[int, str], *, k: int) -> tuple[Pair, ...]:
    by_person = {int(i): np.flatnonzero(answers.annotator_ids == i) for i in np.unique(answers.annotator_ids)}
    pairs = []
    for first, second in combinations(by_person, 2):
        ours, theirs = by_person[first], by_person[second]
        _, a, b = np.intersect1d(
            answers.diary_ids[ours], answers.diary_ids[theirs], assume_unique=True, return_indices=True
        )
        if len(a):
            x, y = columns[ours[a]], columns[theirs[b]]
            kappa = agreement.cohen_kappa(x, y, k=k, draws=_FEWER_DRAWS)
            pairs.append(Pair(name_of[first], name_of[second], kappa, _share(int((x == y).sum()), len(x))))
    return tuple(sorted(pairs, key=lambda pair: -pair.kappa.n))


def _share(same: int, n: int) -> Interval:
    return Interval(same / n, *wilson(same, n))


def _missing(db: Database, alpha: Measure) -> Missing | None:
    if alpha.value is not None:
        return None
    if alpha.n:
        return "one_value"
    people = stored.count_people(db)
    return "no_overlap" if people > 1 else "one_person" if people else "nobody"


def set_distance(db: Database, kept: Distance, *, annotator_id: int | None) -> None:
    """Change how much labels differ.

    Raises:
        UserError: for what is no distance; nothing is changed then.
    """
    with write(db):
        project_settings.change(db, label_distance=kept)
        audit_log.add(db, annotator_id, "settings.change", "label_distance", way=distances.way_of(kept))


def to_csv(agreement: Agreement) -> bytes:
    """Return every figure as a table that spreadsheets open: UTF-8 with its mark, one figure a row."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("measure", "of", "value", "low", "high", "diaries", "undefined_because"))
    for measure, of, value in _rows(agreement):
        figures = ("" if v is None else f"{v:z.4f}" for v in (value.value, value.low, value.high))
        table.writerow((measure, safe_cell(of), *figures, value.n, value.reason or ""))
    return out.getvalue().encode("utf-8-sig")


def _rows(report: Agreement) -> Iterator[tuple[str, str, Measure]]:
    yield "krippendorff_alpha", "", report.alpha
    if report.by_distance is not None:
        yield "krippendorff_alpha_by_distance", "", report.by_distance
    yield "same_share", "", report.same
    for label in report.labels:
        yield "krippendorff_alpha_of_label", label.name, label.alpha
    for week in report.weeks:
        yield "krippendorff_alpha_of_week", week.monday, week.alpha
    for pair in report.pairs:
        yield "cohen_kappa", f"{pair.first} / {pair.second}", pair.kappa
