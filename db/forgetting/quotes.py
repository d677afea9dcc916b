"""Notes elsewhere that quote a diary which is being forgotten: the quotation goes, the note stays.

A quotation is known by its letters alone: without its full stop, with other spaces or in part it is one, too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from db.connection import rows, scalar
from db.forgetting.letters import letters_of, sentences_of, spans_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    """A column in which people write in their own words.

    Attributes:
        is_json: whether the program wraps their words in JSON there; elsewhere JSON is a text like any other.
        is_name: whether no two rows may hold the same.
        where: which rows are searched.
    """

    table: str
    column: str
    is_json: bool = False
    is_name: bool = False
    where: str = "true"


_WITHOUT_ACCOUNT = "id not in (select annotator_id from accounts)"
"""People with an account sign in by their name."""

NOTES = (
    Place("decisions", "memo"),
    Place("reviews", "comment"),
    Place("care_flags", "note"),
    Place("guidelines", "text"),
    Place("guidelines", "examples", is_json=True),
    Place("labels", "name", is_name=True),
    Place("labels", "definition"),
    Place("label_history", "note"),
    Place("label_history", "before", is_json=True),
    Place("label_history", "after", is_json=True),
    Place("searched", "query", is_json=True),
    Place("audit_log", "details", is_json=True),
    Place("annotators", "name", is_name=True, where=_WITHOUT_ACCOUNT),
    Place("api_tokens", "name", is_name=True),
    Place("invites", "name"),
    Place("login_failures", "name"),
    Place("batches", "file_name"),
    Place("batches", "columns", is_json=True),
    Place("batch_skips", "detail"),
)

_LISTS = Place("settings", "value", is_json=True, where="key = 'care_phrases'")
_WORDS = Place("word_emotions", "word")

_TEXTS_AT_A_TIME = 2_000
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_TABLE_BITS = 24

_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Note:
    place: Place
    key: _Key
    value: str


def remove_quotes(db: Database) -> list[str]:
    """Take what diaries that are being forgotten say out of every note; return what the changed notes held before.

    Of the care list the whole line goes, unless another diary says the same, and of the dictionary the word. Works
    within the transaction of `db.forgetting.forgetting`.
    """
    notes = [note for place in (*NOTES, _LISTS, _WORDS) for note in _notes(db, place)]
    texts = [(note, text) for note in notes for text in _texts_of(note)]
    quotations = Quotations([text for _, text in texts])
    for going in _going(db):
        quotations.add(going)
    quoting = {id(texts[number][0]): texts[number][0] for number in quotations.find()}
    return [note.value for note in quoting.values() if _clean(db, note, quotations)]


class Quotations:
    """Which runs of letters of some notes stand in diaries that go."""

    def __init__(self, notes: Sequence[str]) -> None:
        """Take down the letters of the notes.

        Args:
            notes: all that will be asked about.
        """
        letters = [letters_of(note) for note in notes]
        self._ends = np.cumsum([len(each) + 1 for each in letters])
        self._letters = _codes("\0".join(letters))
        self._hashes: dict[int, NDArray[np.uint64]] = {}
        self._tables: dict[int, NDArray[np.bool_]] = {}
        self._standing: dict[int, list[NDArray[np.uint64]]] = {}

    def add(self, texts: Sequence[str]) -> None:
        """Look for the runs in diaries."""
        self._add(RUN, "\0".join(map(letters_of, texts)))
        sentences = [sentence for text in texts for sentence in {*sentences_of(text), letters_of(text)}]
        for n in range(SENTENCE, RUN):
            self._add(n, "\0".join(sentence for sentence in sentences if len(sentence) == n))

    def _add(self, n: int, letters: str) -> None:
        if len(letters) < n:
            return
        if n not in self._tables:
            self._hashes[n] = _hashes(self._letters, n)
            self._tables[n] = _table(self._hashes[n])
        hashes = _hashes(_codes(letters), n)
        # Nearly all runs of the diaries are in no note: what is left can be compared exactly.
        self._standing.setdefault(n, []).append(np.unique(hashes[self._tables[n][_slots(hashes)]]))

    def find(self) -> list[int]:
        """Return the places of the notes that quote, ascending."""
        starts = [np.flatnonzero(_is_in(self._hashes[n], runs)) for n, runs in self._runs()]
        starts_of_matches = np.concatenate(starts) if starts else np.zeros(0, np.int64)
        return [int(number) for number in np.unique(np.searchsorted(self._ends, starts_of_matches, side="right"))]

    def without(self, note: str, gap: str = GAP) -> str:
        """Return one of the notes with a gap wherever it quotes."""
        letters, spans = spans_of(note)
        parts, end = [], 0
        for first, last in _stretches(self._quoted(_codes(letters))):
            parts += [note[end : spans[first][0]], gap]
            end = spans[last][1]
        return "".join([*parts, note[end:]])

    def _quoted(self, letters: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return for each letter whether it is quoted."""
        quoted = np.zeros(len(letters), bool)
        for n, runs in self._runs():
            for start in np.flatnonzero(_is_in(_hashes(letters, n), runs)):
                quoted[start : start + n] = True
        return quoted

    def _runs(self) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        for n, runs in self._standing.items():
            self._standing[n] = [np.unique(np.concatenate(runs))]
            if len(self._standing[n][0]):
                yield n, self._standing[n][0]


def _codes(letters: str) -> NDArray[np.uint32]:
    return np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32)


def _hashes(letters: NDArray[np.uint32], n: int) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each run of n letters, (max(len - n + 1, 0),). No note has a run with a NUL in it."""
    count = max(len(letters) - n + 1, 0)
    hashes = np.zeros(count, np.uint64)
    for at in range(n):
        hashes = (hashes + letters[at : at + count]) * _MULTIPLIER
    return hashes


def _slots(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return hashes >> np.uint64(64 - _TABLE_BITS)


def _table(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which hashes may be among some, (2 ** _TABLE_BITS,) by their first bits."""
    table = np.zeros(1 << _TABLE_BITS, bool)
    table[_slots(hashes)] = True
    return table


def _is_in(hashes: NDArray[np.uint64], runs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return for each hash whether it is one of some, which are sorted and not none."""
    at = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
    return np.asarray(runs[at] == hashes)


def _stretches(quoted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last letter of each quoted stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quoted, [False]))))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def _key(db: Database, table: str) -> list[str]:
    """Return the columns by which a row is found."""
    sql = "select name from pragma_table_info(:table) where pk > 0 order by pk"
    return [name for (name,) in rows(db, sql, table=table)] or ["rowid"]


def _notes(db: Database, place: Place) -> list[_Note]:
    columns = ", ".join(_key(db, place.table))
    # In bytes: SQLite counts characters only up to a NUL.
    sql = f"""
        select {columns}, {place.column} from {place.table}
        where length(cast({place.column} as blob)) >= {SENTENCE} and {place.where}
    """  # noqa: S608 - constants
    return [_Note(place, tuple(key), str(value)) for *key, value in rows(db, sql)]


def _going(db: Database) -> Iterator[list[str]]:
    texts = db.conn.execute("select text from diaries where id in (select id from temp.going_diaries)")
    while some := texts.fetchmany(_TEXTS_AT_A_TIME):
        yield [text for (text,) in some]


def _clean(db: Database, note: _Note, quotations: Quotations) -> bool:
    """Write back what remains of a note; return whether it quoted."""
    remaining = _remaining(db, note, quotations)
    if remaining == note.value:
        return False
    where = " and ".join(f"{column} = ?" for column in _key(db, note.place.table))
    table, column = note.place.table, note.place.column
    if note.place is _WORDS:
        db.conn.execute(f"delete from {table} where {where}", note.key)  # noqa: S608 - constants
    else:
        db.conn.execute(f"update {table} set {column} = ? where {where}", (remaining, *note.key))  # noqa: S608
    return True


def _remaining(db: Database, note: _Note, quotations: Quotations) -> str:
    if note.place is _LISTS:
        return _mapped(note.value, lambda text: _lines_without(db, text, quotations))
    if note.place.is_json:
        return _mapped(note.value, quotations.without)
    if not note.place.is_name or quotations.without(note.value) == note.value:
        return quotations.without(note.value)
    name = quotations.without(note.value, f"{GAP}{note.key[0]}")
    while _is_taken(db, note.place, name):
        name += GAP
    return name


def _is_taken(db: Database, place: Place, name: str) -> bool:
    sql = f"select 1 from {place.table} where {place.column} = :name"  # noqa: S608 - constants
    return scalar(db, sql, name=name) is not None


def _lines_without(db: Database, text: str, quotations: Quotations) -> str:
    return "\n".join(
        line for line in text.split("\n") if quotations.without(line) == line or _is_said_elsewhere(db, line)
    )


def _is_said_elsewhere(db: Database, line: str) -> bool:
    """Return whether a diary that stays says the same: then it is a phrase of many, and guards others."""
    sql = """
        select 1 from diaries where instr(text, :phrase) > 0 and id not in (select id from temp.going_diaries) limit 1
    """
    return scalar(db, sql, phrase=line.strip().lstrip("^!").strip()) is not None


def _texts_of(note: _Note) -> list[str]:
    """Return the words of people in a note."""
    if not note.place.is_json:
        return [note.value]
    texts: list[str] = []

    def take(text: str) -> str:
        texts.append(text)
        return text

    _mapped(note.value, take)
    return texts


def _mapped(value: str, change: Callable[[str], str]) -> str:
    """Return JSON with its texts changed, and as it was where nothing changes; what is no JSON is one text."""
    try:
        parsed = json.loads(value)
        changed = _walk(parsed, change)
        return value if changed == parsed else _dumped(changed)
    except (ValueError, RecursionError):
        return change(value)


def _dumped(value: Any) -> str:
    """Return JSON as the program writes it; half characters, which can't be stored, as escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text) else json.dumps(value)


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walk(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _walk(each, change) for name, each in value.items()}
    return value
