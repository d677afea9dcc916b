"""What a person chooses where a file can be read in two ways, and the questions that ask for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from annotator.errors import UserError
from annotator.formats import table as tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.answers.imported_decisions import Again

Several = Literal["all", "first", "none"]
Unknown = Literal["leave"]
Totals = Literal["skip", "keep"]
Wide = Literal["people", "none"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Answers to the questions that a file may raise. What is None is asked about where it matters.

    Attributes:
        several: where a decision may name one emotion: all that a cell names count, the first one, or none.
        again: a label without a name on a text that has another one without a name.
        several_opinions: a second label of a text in the same file counts as a second opinion.
        unknown: diaries with labels that are not in the set come without them, and keep them as metadata.
        totals: rows of totals are left out, or are diaries.
        wide: several columns that hold labels are one for each person, or metadata.
        separator: what stands between several labels of a cell; None finds it out.
        people: names here of people in the file, by their names there.
    """

    several: Several | None = None
    again: Again | None = None
    several_opinions: bool = False
    unknown: Unknown | None = None
    totals: Totals | None = None
    wide: Wide | None = None
    separator: str | None = None
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a file.

    Attributes:
        kind: which one, as in the catalogue of messages; also the field of `Choices`, or of `ReadOptions`, that
            answers it.
        count: rows that it is about.
        options: the answers.
        example: names or figures of the file that it is about; never a diary.
    """

    kind: str
    count: int
    options: tuple[str, ...]
    example: str = ""


class ImportQuestions(UserError):  # noqa: N818 - what is asked is no error of anybody
    """A file can be read in several ways; nothing has been imported."""

    def __init__(self, questions: Sequence[Question], *, name: str) -> None:
        first = questions[0]
        super().__init__(f"import_ask_{first.kind}", name=name, count=first.count, example=first.example)
        self.questions = tuple(questions)


ALL_OPTIONS: dict[str, tuple[str, ...]] = {
    "several": ("all", "first", "none"),
    "again": ("correct", "add", "keep"),
    "totals": ("skip", "keep"),
    "heading": ("none", "first"),
    "wide": ("people", "none"),
    "lines": ("whole", "each"),
}


@dataclass(slots=True)
class Asked:
    """What a file raises while it is read."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, kind: str, example: str = "", *, count: int = 1) -> None:
        """Note that a question concerns one more row."""
        self.counts[kind] += count
        if example:
            self.examples.setdefault(kind, Counter())[tables.shorten(example)] += count

    def questions(self) -> list[Question]:
        """Return the questions, those that concern most rows first."""
        return [self._question(kind, count) for kind, count in self.counts.most_common()]

    def _question(self, kind: str, count: int) -> Question:
        examples = self.examples.get(kind, Counter()).most_common(20)
        return Question(kind, count, ALL_OPTIONS[kind], ", ".join(f"{text} ({n})" for text, n in examples))
