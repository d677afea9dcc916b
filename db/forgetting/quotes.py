"""Notes elsewhere that quote a diary which is being forgotten: the quotation goes, the note stays.

A quotation is recognized by its letters alone: it still counts without its full stop, with other spaces or in part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from db.connection import rows
from db.forgetting.letters import letters_of, sentences_of, spans_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from sqlite_utils import Database

RUN = 12
"""Letters in a row that stand in a diary are a quotation, wherever they begin. Fewer may be anybody's."""

SENTENCE = 8
"""Letters of the shortest sentence that is a quotation as a whole."""

GAP = "…"
"""What stands where a quotation was."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column in which people write in their own words, some of it within JSON.

    Attributes:
        is_name: whether values must be unique.
        where: SQL condition for the rows to look at.
    """

    table: str
    column: str
    is_name: bool = False
    where: str = "true"


_WITHOUT_ACCOUNT = "id not in (select annotator_id from accounts)"
"""Who has an account is known by its name when they log in."""

NOTES = (
    Place("decisions", "memo"),
    Place("reviews", "comment"),
    Place("care_flags", "note"),
    Place("guidelines", "text"),
    Place("guidelines", "examples"),
    Place("labels", "name", is_name=True),
    Place("labels", "definition"),
    Place("label_history", "note"),
    Place("label_history", "before"),
    Place("label_history", "after"),
    Place("audit_log", "details"),
    Place("annotators", "name", is_name=True, where=_WITHOUT_ACCOUNT),
    Place("api_tokens", "name", is_name=True),
    Place("invites", "name"),
    Place("login_failures", "name"),
    Place("batches", "file_name"),
    Place("batches", "columns"),
    Place("batch_skips", "detail"),
)

_LISTS = Place("settings", "value", where="key = 'care_phrases'")
_WORDS = Place("word_emotions", "word")

_TEXTS_AT_A_TIME = 2_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

_Row = tuple[Any, ...]
_Values = dict[_Row, str]


def remove_quotes(db: Database) -> int:
    """Remove quotations of diaries that are being forgotten from every note; return how many notes had any.

    In the care list the whole line goes, and in the dictionary the word. Runs within the transaction of
    `db.forgetting.forgetting`.
    """
    notes = [(place, _values(db, place)) for place in (*NOTES, _LISTS, _WORDS)]
    quotations = Quotations(text for _, values in notes for value in values.values() for text in _strings(value))
    for texts in _texts(db):
        quotations.add(texts)
    return sum(_clean(db, place, values, quotations) for place, values in notes)


class Quotations:
    """Which runs of letters of some notes occur in diaries that go."""

    def __init__(self, notes: Iterable[str]) -> None:
        """Collect the runs of the notes, which are far fewer than those of the diaries."""
        letters = _codes("\0".join(letters_of(note) for note in notes))
        self._runs = {n: np.unique(_hashes(letters, n)) for n in range(SENTENCE, RUN + 1)}
        self._stands = {n: np.zeros(len(runs), bool) for n, runs in self._runs.items()}

    def add(self, texts: Sequence[str]) -> None:
        """Mark the runs that occur in some diaries."""
        self._mark(RUN, "\0".join(map(letters_of, texts)))
        sentences = [sentence for text in texts for sentence in {*sentences_of(text), letters_of(text)}]
        for n in range(SENTENCE, RUN):
            self._mark(n, "\0".join(sentence for sentence in sentences if len(sentence) == n))

    def _mark(self, n: int, letters: str) -> None:
        runs = self._runs[n]
        if len(runs) and len(letters) >= n:
            hashes = _hashes(_codes(letters), n)
            at = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
            self._stands[n][at[runs[at] == hashes]] = True

    def without(self, note: str, gap: str = GAP) -> str:
        """Return a note with a gap in place of each quotation."""
        letters, spans = spans_of(note)
        pieces, end = [], 0
        for first, last in _stretches(self._quoted(_codes(letters))):
            pieces += [note[end : spans[first][0]], gap]
            end = spans[last][1]
        return "".join([*pieces, note[end:]])

    def _quoted(self, letters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return for each letter whether it is quoted."""
        quoted = np.zeros(len(letters), bool)
        for n, runs in self._runs.items():
            stands = runs[self._stands[n]]
            for start in np.flatnonzero(np.isin(_hashes(letters, n), stands)) if len(stands) else ():
                quoted[start : start + n] = True
        return quoted


def _codes(letters: str) -> NDArray[np.uint32]:
    return np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32)


def _hashes(letters: NDArray[np.uint32], n: int) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each run of n letters, (max(len - n + 1, 0),). Runs across a NUL match no note."""
    count = max(len(letters) - n + 1, 0)
    hashes = np.zeros(count, np.uint64)
    for at in range(n):
        hashes = hashes * _MULTIPLIER + letters[at : at + count]
    return hashes


def _stretches(quoted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the indices of the first and last letter of each quoted stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quoted, [False]))))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def _key(db: Database, place: Place) -> list[str]:
    """Return the columns that identify a row."""
    sql = "select name from pragma_table_info(:table) where pk > 0 order by pk"
    return [name for (name,) in rows(db, sql, table=place.table)] or ["rowid"]


def _values(db: Database, place: Place) -> _Values:
    sql = f"""
        select {", ".join(_key(db, place))}, {place.column} from {place.table}
        where length({place.column}) >= {SENTENCE} and {place.where}
    """  # noqa: S608 - constants
    return {tuple(key): str(value) for *key, value in rows(db, sql)}


def _texts(db: Database) -> Iterator[list[str]]:
    cursor = db.conn.execute("select text from diaries where id in (select id from temp.going_diaries)")
    while some := cursor.fetchmany(_TEXTS_AT_A_TIME):
        yield [text for (text,) in some]


def _clean(db: Database, place: Place, values: _Values, quotations: Quotations) -> int:
    """Write back the notes of a place without their quotations; return how many had any."""
    new_values = {key: _left(place, key, value, quotations) for key, value in values.items()}
    changed = {key: value for key, value in new_values.items() if value != values[key]}
    where = " and ".join(f"{column} = ?" for column in _key(db, place))
    for key, value in changed.items():
        if place is _WORDS:
            db.conn.execute(f"delete from {place.table} where {where}", key)  # noqa: S608 - constants
        else:
            db.conn.execute(f"update {place.table} set {place.column} = ? where {where}", (value, *key))  # noqa: S608
    return len(changed)


def _left(place: Place, key: _Row, value: str, quotations: Quotations) -> str:
    if place is _LISTS:
        return _mapped(value, lambda text: "\n".join(s for s in text.split("\n") if quotations.without(s) == s))
    if place.is_name:
        return quotations.without(value, f"{GAP}{key[0]}")
    return _mapped(value, quotations.without)


def _strings(value: str) -> list[str]:
    """Return the texts of a note; those within JSON as people wrote them."""
    texts: list[str] = []

    def take(text: str) -> str:
        texts.append(text)
        return text

    _mapped(value, take)
    return texts


def _mapped(value: str, change: Callable[[str], str]) -> str:
    """Return a note with its texts changed; JSON stays JSON, and stays as it was if nothing changes."""
    try:
        parsed = json.loads(value) if value[:1] in '{["' else None
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict | list | str):
        return change(value)
    changed = _walk(parsed, change)
    return value if changed == parsed else json.dumps(changed, ensure_ascii=False)


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walk(each, change) for each in value]
    if isinstance(value, dict):
        return {change(name): _walk(each, change) for name, each in value.items()}
    return value
