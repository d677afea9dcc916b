"""What is looked for: a search, filters and an order, as it stands in an address."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, get_args

from annotator.errors import UserError
from annotator.finding.words import read_words
from db.search.facets import State

if TYPE_CHECKING:
    from collections.abc import Mapping

Sort = Literal["id", "date", "length", "label", "prediction", "probability", "writer", "source", "nearness"]
Differs = Literal["people", "model"]

SORTS: tuple[Sort, ...] = get_args(Sort)
STATES: tuple[State, ...] = get_args(State)
DIFFERENCES: tuple[Differs, ...] = get_args(Differs)
PARTS = ("pool", "test")

MOST_LIKE_TEXT = 5_000
"""Letters of a text to which diaries shall be like: an encoder reads no more of it."""

_MOST = 2**63 - 1
_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. Empty values ask for nothing.

    Attributes:
        q: words; see `annotator.finding.words.read_words`.
        like: a diary, to whose vector the hits are nearest.
        like_text: a text that stands for such a diary; not both.
        label: given to it by somebody.
        prediction: of the serving model.
        p_from, p_to: bounds of the prediction's probability; the upper one belongs to it only at 1.
        differs: whether ``people`` gave different labels, or the ``model`` another one than a person.
        person: who decided it.
        batch: number of the import.
        selection: number of diaries that somebody has selected, as on the map.
        since, until: dates, both included.
        longer, shorter: bounds of the number of letters, both included.
        memo, marks: whether it has one.
        doubted: whether the newest round takes its label for a mistake.
        sort: a column, after ``-`` in descending order.
        after: where a page goes on; see `annotator.finding.finder.Found.next`.
    """

    q: str = ""
    like: int | None = None
    like_text: str = ""
    label: str = ""
    prediction: str = ""
    p_from: float | None = None
    p_to: float | None = None
    differs: str = ""
    state: str = ""
    person: str = ""
    part: str = ""
    writer: str = ""
    source: str = ""
    batch: int | None = None
    selection: int | None = None
    since: str = ""
    until: str = ""
    longer: int | None = None
    shorter: int | None = None
    memo: bool = False
    marks: bool = False
    doubted: bool = False
    sort: str = ""
    after: str = ""

    @property
    def is_near(self) -> bool:
        """Whether the hits are those nearest to something."""
        return self.like is not None or bool(self.like_text)

    @property
    def column(self) -> str:
        """The column that the hits are sorted by."""
        return self.sort.removeprefix("-") or ("nearness" if self.is_near else "id")

    @property
    def is_descending(self) -> bool:
        """Whether the largest comes first: the newest or the nearest, where nobody chose."""
        return self.sort.startswith("-") or not self.sort

    def address(self) -> dict[str, str]:
        """Return the query as it stands in an address, without what asks for nothing."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: "1" if value is True else str(value)
            for name, value in values.items()
            if value not in ("", None, False)
        }


FILTERS = tuple(field.name for field in fields(Query) if field.name not in ("q", "sort", "after"))
"""Names of what narrows a search down besides its words."""

_CHOICES = {"differs": DIFFERENCES, "state": STATES, "part": PARTS}


def read(values: Mapping[str, Any]) -> Query:
    """Return the query that an address or a command asks for; names that are no fields are left out.

    Raises:
        UserError: ``find_value`` for a value that can't be one; ``find_two_likes``; or as `read_words` does.
    """
    kinds = {field.name: str(field.type) for field in fields(Query)}
    given = {name: values[name] for name in kinds if values.get(name) not in (None, "", False)}
    query = Query(**{name: _value(name, kinds[name], value) for name, value in given.items()})
    read_words(query.q)
    if query.like is not None and query.like_text:
        raise UserError("find_two_likes", id=query.like)
    for name, choices in _CHOICES.items():
        if (value := getattr(query, name)) and value not in choices:
            raise UserError("find_value", name=name, value=str(value)[:40])
    for name in ("since", "until"):
        _check_date(name, getattr(query, name))
    if (query.sort and query.column not in SORTS) or (query.column == "nearness" and not query.is_near):
        raise UserError("find_value", name="sort", value=query.sort[:40])
    return query


def _value(name: str, kind: str, value: Any) -> Any:
    text = str(value)
    try:
        if kind.startswith("bool"):
            return text in ("1", "True", "true")
        if kind.startswith("int"):
            number = int(text)
            if 0 <= number <= _MOST:
                return number
        elif kind.startswith("float"):
            share = float(text)
            if 0 <= share <= 1:
                return share
        elif name == "q" or len(text) <= (MOST_LIKE_TEXT if name == "like_text" else _LONGEST_NAME):
            return text
    except ValueError:
        pass
    raise UserError("find_value", name=name, value=text[:40])


def _check_date(name: str, value: str) -> None:
    try:
        if value:
            date.fromisoformat(value)
    except ValueError as error:
        raise UserError("find_value", name=name, value=value[:40]) from error
