"""Which diaries a query is about, as masks over all of them: entry i belongs to diary i + 1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from annotator import blinding
from annotator.accounts import diary_access
from annotator.errors import UserError
from annotator.label_sets import projection
from db.label_sets import labels
from db.models import models
from db.people import annotators
from db.search import blocks, facets, selections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from annotator.accounts.diary_access import Actor
    from annotator.finding.query import Query
    from db import Database
    from db.search.index import Index

    Mask = NDArray[np.bool_]

_REVIEWERS_ONLY = ("prediction", "p_from", "p_to", "differs", "person", "part", "batch", "selection", "doubted")
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see of diaries in a list.

    Attributes:
        is_reviewer: everything; others see what they have decided themselves, and nothing of other people.
        own_id: whose decisions alone are shown; None for everybody's.
    """

    is_reviewer: bool
    own_id: int | None


def sight_of(db: Database, actor: Actor) -> Sight:
    """Return what somebody may see; programs with `read` see what reviewers do.

    Raises:
        UserError: ``right_missing`` if that is nothing.
    """
    if actor.scopes is not None and "read" in actor.scopes:
        return Sight(True, None)
    is_reviewer = diary_access.has_right(db, actor, "review")
    if not is_reviewer:
        diary_access.require_right(db, actor, "label")
    return Sight(is_reviewer, None if is_reviewer else actor.annotator_id)


def visible(db: Database, actor: Actor, sight: Sight, size: int) -> Mask | None:
    """Return which diaries somebody may see; None for all."""
    if actor.scopes is not None:
        return ~facets.in_state(db, size, "withheld") | facets.handed_to(db, size, actor.annotator_id)
    if sight.is_reviewer:
        return None
    return facets.ever_decided_by(db, size, actor.annotator_id) & ~facets.in_state(db, size, "withheld")


class Predictions:
    """The serving model's answers to all diaries, read at the first question.

    Diaries that are still to be decided blind have none here: a filter would tell what lists hide.
    """

    def __init__(self, db: Database, size: int) -> None:
        self._db, self._size = db, size
        self._tops: tuple[NDArray[np.int32], NDArray[np.float32]] | None = None

    def tops(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the ids of the likeliest labels, 0 for none, and their probabilities, NaN for none."""
        if self._tops is None:
            self._tops = self._read()
        return self._tops

    def _read(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        label_ids, best = np.zeros(self._size, np.int32), np.full(self._size, np.nan, np.float32)
        active = models.find_active(self._db)
        if active is None:
            return label_ids, best
        proba = projection.load_predictions(self._db, active)[: self._size]
        there = len(proba)
        in_order = np.array([label.id for label in labels.list_labels(self._db)], np.int32)
        # Of a row of NaN the first one is the largest.
        places = proba.argmax(axis=1)
        best[:there] = proba[np.arange(there), places]
        label_ids[:there] = in_order[places]
        hidden = blinding.still_blind(self._db, self._size) | np.isnan(best)
        label_ids[hidden], best[hidden] = 0, np.nan
        return label_ids, best


def masks(db: Database, index: Index, query: Query, sight: Sight, predictions: Predictions) -> Iterator[Mask]:
    """Yield a mask for each filter of a query.

    Raises:
        UserError: ``find_reviewers_only`` for a filter that says what somebody may not see; ``find_unknown_label``
            or ``find_unknown_person`` for one that there is not; ``find_selection_gone`` for a selection.
    """
    if not sight.is_reviewer and (names := [name for name in _REVIEWERS_ONLY if getattr(query, name)]):
        raise UserError("find_reviewers_only", name=names[0])
    yield from _by_people(db, index.last_id, query, sight)
    yield from _by_number(db, index.last_id, query)
    yield from _by_text(index, query)
    yield from _by_model(db, index.last_id, query, predictions)


def _by_people(db: Database, size: int, query: Query, sight: Sight) -> Iterator[Mask]:
    own = sight.own_id
    if query.label:
        yield facets.with_label(db, size, _label_id(db, query.label), own)
    if query.state:
        yield facets.in_state(db, size, query.state, own)  # type: ignore[arg-type]
    if query.person:
        yield facets.decided_by(db, size, _person_id(db, query.person))
    if query.part:
        yield facets.in_test_part(db, size) == (query.part == "test")
    if query.memo:
        yield facets.with_memo(db, size, own)
    if query.marks:
        yield facets.with_marks(db, size, own)
    if query.doubted:
        yield facets.doubted(db, size)
    if query.differs == "people":
        yield facets.with_several_answers(db, size)


def _by_number(db: Database, size: int, query: Query) -> Iterator[Mask]:
    if query.batch:
        yield facets.of_batch(db, size, query.batch)
    if query.selection is not None:
        yield facets.of_selection(db, size, _selection_id(db, query.selection))


def _by_text(index: Index, query: Query) -> Iterator[Mask]:
    columns = index.columns() if query.writer or query.source or query.since or query.until else None
    lengths = index.lengths() if query.longer is not None or query.shorter is not None else None
    if columns is not None and query.writer:
        yield columns.authors == blocks.checksum(query.writer)
    if columns is not None and query.source:
        yield columns.sources == blocks.checksum(query.source)
    if columns is not None and query.since:
        yield columns.days >= _day(query.since)
    if columns is not None and query.until:
        yield (columns.days <= _day(query.until)) & (columns.days > blocks.NO_DAY)
    if lengths is not None and query.longer is not None:
        yield lengths >= query.longer
    if lengths is not None and query.shorter is not None:
        yield lengths <= query.shorter


def _by_model(db: Database, size: int, query: Query, predictions: Predictions) -> Iterator[Mask]:
    if query.prediction:
        yield predictions.tops()[0] == _label_id(db, query.prediction)
    if query.p_from is not None:
        yield predictions.tops()[1] >= query.p_from
    if query.p_to is not None:
        # A bin ends where the next begins; the last one holds its end.
        bound: Callable[..., Mask] = np.less_equal if query.p_to >= 1 else np.less
        yield bound(predictions.tops()[1], query.p_to)
    if query.differs == "model":
        given, said = facets.label_ids(db, size), predictions.tops()[0]
        yield (given > 0) & (said > 0) & (given != said)


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH


def _label_id(db: Database, name: str) -> int:
    of_name = {label.name: label.id for label in labels.list_labels(db)}
    if name not in of_name:
        raise UserError("find_unknown_label", value=name[:40])
    return of_name[name]


def _selection_id(db: Database, number: int) -> int:
    if not selections.is_numbered(db, number):
        raise UserError("find_selection_gone", id=number)
    return number


def _person_id(db: Database, name: str) -> int:
    of_name = {each: annotator_id for annotator_id, each in annotators.list_annotators(db)}
    if name not in of_name:
        raise UserError("find_unknown_person", value=name[:40])
    return of_name[name]
