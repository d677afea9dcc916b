"""Which rows of a file become diaries, and why the others don't."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotator.formats import spans, table
from annotator.formats.dates import read_date, read_time
from annotator.importing.choices import Asked, Choices
from annotator.importing.figures import read_figures
from annotator.importing.parts import draw_of_text, writer_of
from annotator.importing.text_checks import LONGEST_TOTAL, is_blank, is_json, is_total, text_hash, unstorable
from db.answers.groups import GROUP_KEY
from db.answers.imported_decisions import NewMark, NewVote
from db.texts.batches import NewDiary, Skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from annotator.formats.table import ColumnMap, Mark, Row, RowDecision
    from annotator.importing.label_names import LabelReader, Understood
    from annotator.importing.people import PeopleNames

MAX_CHARACTERS = 20_000
"""Longer texts are left out unless the importer asks otherwise: they are books, or a broken file."""

_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(slots=True)
class RowFilter:
    """Turns rows into diaries, and records what is wrong with the others.

    Attributes:
        labels: understands the labels of the file.
        people: knows who the people of the file are here.
        seed: of the draws. All diaries come out as part of the pool: the whole file decides how it is split.
        several_labels: whether a decision may name several emotions.
        excel_dates: also read Excel's day numbers.
        said: the column that stands for what each person decided.
        takes_json: a text that is the source of a list or an object is a diary.
        find_twin: returns the diary of an id if that is its text as exports from here cover it.
        notes: rows that are kept, but not with everything, or not as they are written.
        asked: questions that the rows raise.
        writers: number of rows by writer; see `annotator.importing.parts`.
        asks_texts: it is open whether several columns of text are joined, or a diary each.
        row_count: by how much the numbers of one column's texts go on from those of the column before.
        unknown_row_count: rows with a label that is not in the set.
    """

    columns: ColumnMap
    labels: LabelReader
    people: PeopleNames
    seed: bytes
    choices: Choices = field(default_factory=Choices)
    several_labels: bool = False
    max_characters: int = MAX_CHARACTERS
    excel_dates: bool = False
    said: str | None = None
    takes_json: bool = False
    find_twin: Callable[[int, str], int | None] = lambda diary_id, text: None
    notes: list[Skip] = field(default_factory=list)
    asked: Asked = field(default_factory=Asked)
    writers: Counter[str] = field(default_factory=Counter)
    asks_texts: bool = False
    row_count: int = 0
    unknown_row_count: int = 0
    _read_columns: frozenset[str] = field(init=False)
    _undated_columns: frozenset[str] = field(init=False)
    _texts: tuple[str, ...] = field(init=False)
    _reads_said: bool = field(init=False)
    _labelled: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare for the columns that are known so far."""
        self.prepare()

    def prepare(self) -> None:
        """Work out which columns are not metadata, if the date can be read and if it can't."""
        self._read_columns = frozenset(self.columns.used())
        self._undated_columns = self._read_columns - {self.columns.date or ""}
        self._texts = tuple(filter(None, (self.columns.text, *self.columns.more_text)))
        self._reads_said = self.said is not None and self.columns.label == self.said
        self._labelled = frozenset((self.columns.label or "", *self.columns.people))

    def convert_all(self, row: Row) -> list[NewDiary | Skip]:
        """Return the diaries of a row, or why there are none: one, or one for each column of text by choice."""
        if len(self._texts) == 1 or not (self.asks_texts or self.choices.texts == "each"):
            return [self.convert(row)]
        filled = [column for column in self._texts if not is_blank(row.values.get(column) or "")]
        if self.asks_texts:
            self.asked.add("texts", join=bool(filled), each=len(filled))
            return [self.convert(row)]
        return [self._of_column(row, column) for column in filled] or [Skip(row.number, "empty")]

    def _of_column(self, row: Row, column: str) -> NewDiary | Skip:
        """Return the diary of one column of text; words that are marked in a row are those of its first one."""
        place = self._texts.index(column)
        said = row.said if place == 0 else tuple(decision._replace(marks=()) for decision in row.said)
        values = {**row.values, **dict.fromkeys(self._texts), self._texts[0]: row.values[column]}
        return self.convert(row._replace(number=row.number + place * self.row_count, values=values, said=said))

    def convert(self, row: Row) -> NewDiary | Skip:
        """Return the row's diary, or why there is none.

        Reasons: ``bad_character`` (a NUL, which other programs take for the end of a text, or bytes that are no
        character; detail: the column), ``empty``, ``error_cell``, ``heading``, ``json``, ``too_long`` (detail: how
        many characters), ``totals``.
        """
        if (column := unstorable(row.values)) is not None:
            return Skip(row.number, "bad_character", table.shorten(column))
        text = self._text(row)
        if is_blank(text):
            return self._without_text(row)
        if text == self.columns.text and _repeats_heading(row):
            return Skip(row.number, "heading")
        if len(text) > self.max_characters:
            return Skip(row.number, "too_long", str(len(text)))
        if self._sums_up(row, text) and self._leaves_total_out(text):
            return Skip(row.number, "totals", text.strip())
        if text[0] in "[{" and not self.takes_json and is_json(text):
            return Skip(row.number, "json")
        if row.notes:
            self.notes += [Skip(row.number, reason, table.shorten(detail, 60)) for reason, detail in row.notes]
        return self._diary(row, text)

    def _without_text(self, row: Row) -> Skip:
        broken = next(
            (detail for reason, detail in row.notes if reason == "error_cell" and detail in self._texts), None
        )
        return Skip(row.number, "empty") if broken is None else Skip(row.number, "error_cell", broken)

    def _sums_up(self, row: Row, text: str) -> bool:
        """Return whether a row is one of totals: its short text is one, or its first cell."""
        if len(text) >= LONGEST_TOTAL:
            return False
        return is_total(text) or is_total(next(filter(None, row.values.values()), ""))

    def _leaves_total_out(self, text: str) -> bool:
        """Return whether a row that sums up others is left out; ask where nobody has said so."""
        if self.choices.totals is None:
            self.asked.add("totals", text.strip())
        return self.choices.totals != "keep"

    def _text(self, row: Row) -> str:
        if len(self._texts) == 1:
            return row.values.get(self._texts[0]) or ""
        values = [row.values.get(column) or "" for column in self._texts]
        return " ".join(value.strip() for value in values if not is_blank(value))

    def _diary(self, row: Row, text: str) -> NewDiary:
        written_on, unread = self._date(row)
        author = self._value(row, self.columns.author)
        if writer := writer_of(author):
            self.writers[writer] += 1
        unknown = self.labels.unknown_count
        decided = self._decided(row, text)
        is_unknown = self.labels.unknown_count > unknown
        self.unknown_row_count += is_unknown
        left = self._labelled if is_unknown else frozenset()
        return NewDiary(
            row_number=row.number,
            text=text,
            text_hash=text_hash(text),
            written_on=written_on,
            author=author,
            metadata=self._metadata(row, unread, left),
            part="pool",
            draw=draw_of_text(text, seed=self.seed),
            twin=None if row.diary_id is None else self.find_twin(row.diary_id, text),
            **decided,
        )

    def _decided(self, row: Row, text: str) -> dict[str, Any]:
        """Return the label or the votes of a row, as fields of its diary."""
        if self._reads_said:
            votes = [self._vote(row, decision, text) for decision in row.said]
            return {"votes": tuple(vote for vote in votes if vote.kind is not None or vote.marks or vote.is_cleared)}
        if self.columns.people:
            return {"votes": tuple(self._votes_of_columns(row))}
        if self.columns.label_columns:
            return {"votes": tuple(self._vote_of_figures(row))}
        label_ids = self._label(row)
        person = self._person(row)
        if not label_ids:
            return {}
        if person is None and len(label_ids) == 1:
            return {"label_id": label_ids[0]}
        return {"votes": (NewVote(person, "label", label_ids[0], label_ids[1:]),)}

    def _person(self, row: Row) -> str | None:
        written = row.values.get(self.columns.annotator or "")
        return self.people.find(written) if written else None

    def _votes_of_columns(self, row: Row) -> list[NewVote]:
        named = ((column, self._label_ids(row, row.values.get(column) or "")) for column in self.columns.people)
        return [NewVote(self.people.find(column), "label", ids[0], ids[1:]) for column, ids in named if ids]

    def _vote_of_figures(self, row: Row) -> list[NewVote]:
        named = read_figures(row.values, self.columns.label_columns)
        if not named:
            return []
        understood = self.labels.read_all([column for column, _ in named])
        label_ids = self._allowed(row, understood)
        if not label_ids:
            return []
        strength = round(named[0][1]) if self.columns.scale == "strength" else None
        intensity = strength if strength is not None and 1 <= strength <= 5 else None
        return [NewVote(self._person(row), "label", label_ids[0], label_ids[1:], intensity=intensity)]

    def _date(self, row: Row) -> tuple[str | None, bool]:
        """Return the date, and whether there is one that can't be read."""
        written = (row.values.get(self.columns.date or "") or "").strip()
        if not written:
            return None, False
        iso_date = read_date(written, excel=self.excel_dates)
        if iso_date is None:
            self.notes.append(Skip(row.number, "bad_date", table.shorten(written)))
        return iso_date, iso_date is None

    def _value(self, row: Row, column: str | None) -> str | None:
        return (row.values.get(column or "") or "").strip() or None

    def _label(self, row: Row) -> tuple[int, ...]:
        written = row.values.get(self.columns.label or "") or ""
        return self._label_ids(row, written) if written else ()

    def _label_ids(self, row: Row, written: str) -> tuple[int, ...]:
        return self._allowed(row, self.labels.read(written))

    def _allowed(self, row: Row, understood: Understood) -> tuple[int, ...]:
        """Return the labels that count, and note what is to be said about how they are written."""
        if understood.is_trimmed:
            self.notes.append(Skip(row.number, "label_trimmed"))
        for name in understood.former:
            self.notes.append(Skip(row.number, "label_former", f"{name} → {self.labels.names.former[name]}"))
        if understood.unknown and self.choices.unknown == "leave":
            self.notes.append(Skip(row.number, "label_unknown", table.shorten(", ".join(understood.unknown))))
        if not understood.several or self.several_labels or self.choices.several == "all":
            return understood.ids
        if self.choices.several is None:
            self.asked.add("several", all=len(understood.ids))
            return understood.ids
        self.notes.append(Skip(row.number, "several", str(len(understood.ids))))
        return understood.ids[:1] if self.choices.several == "first" else ()

    def _vote(self, row: Row, decision: RowDecision, text: str) -> NewVote:
        understood = self.labels.read_all(decision.labels)
        label_ids = understood.ids if decision.is_ours else self._allowed(row, understood)
        known_marks = [mark for mark in decision.marks if not mark.if_label or self.labels.knows(mark.label)]
        marks = [self._mark(row, mark, text) for mark in known_marks]
        return NewVote(
            annotator=self.people.find(decision.person, is_ours=decision.is_ours),
            # A crosswalk may lead nowhere: then nothing is left of the decision.
            kind=decision.kind if label_ids or decision.kind != "label" else None,
            label_id=label_ids[0] if label_ids else None,
            other_label_ids=label_ids[1:],
            memo=table.printable(decision.memo),
            intensity=decision.intensity,
            marks=tuple(mark for mark in marks if mark is not None),
            decided_at=read_time(decision.decided_at) if decision.decided_at else "",
            is_cleared=decision.is_cleared,
            group=decision.group if GROUP_KEY.fullmatch(decision.group) else "",
        )

    def _mark(self, row: Row, mark: Mark, text: str) -> NewMark | None:
        """Return a mark; None for one that is nowhere in its text, or of no label here."""
        place = spans.place(text, mark.start, mark.end, unit=mark.unit, words=mark.words)
        if place is None:
            is_outside = not 0 <= mark.start < mark.end <= len(text)
            detail = f"{mark.start}–{mark.end} / {len(text)}"
            reason = "mark_outside" if is_outside else "mark_unclear"
            self.notes.append(Skip(row.number, reason, detail))
            return None
        understood = self.labels.read_all([mark.label])
        return NewMark(understood.ids[0], *place, mark.verdict) if understood.ids else None

    def _metadata(self, row: Row, unread_date: bool, unread_labels: frozenset[str]) -> str:
        """Return all other values as JSON; dates and labels that can't be read are among them, so as not to be lost."""
        left_out = self._undated_columns if unread_date else self._read_columns
        if unread_labels:
            left_out -= unread_labels
        values = {column: value for column, value in row.values.items() if value and column not in left_out}
        return _TO_JSON(values) if values else "{}"


def _repeats_heading(row: Row) -> bool:
    """Return whether a row holds the column names once more, as where files were put behind one another."""
    return all(not value or table.plain_column(value) == name for name, value in row.values.items())
