"""What a person chooses where a file can be read in two ways, and the questions that ask for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from annotator.errors import UserError
from annotator.formats import table as tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.answers.imported_decisions import Again, Cleared

Several = Literal["all", "first", "none"]
Unknown = Literal["add", "leave"]
Totals = Literal["skip", "keep"]
Wide = Literal["people", "none"]
Texts = Literal["join", "each"]


@dataclass(frozen=True, slots=True)
class Choices:
    """Answers to the questions that a file may raise. What is None is asked about where it matters.

    Attributes:
        several: where a decision may name one emotion: all that a cell names count, the first one, or none.
        again: a label without a name on a text that has another one without a name.
        cleared: a label that was cleared in an edited export is taken back by the same person, or the decision stays.
        several_opinions: a second label of a text in the same file counts as a second opinion.
        unknown: labels that are not in the set are added to it, or diaries come without them and keep them as metadata.
        totals: rows of totals are left out, or are diaries.
        wide: several columns that hold labels are one for each person, or metadata.
        texts: several columns of text are joined, or each is a diary of its own.
        separator: what stands between several labels of a cell; None finds it out.
        people: names here of people in the file, by their names there.
    """

    several: Several | None = None
    again: Again | None = None
    cleared: Cleared | None = None
    several_opinions: bool = False
    unknown: Unknown | None = None
    totals: Totals | None = None
    wide: Wide | None = None
    texts: Texts | None = None
    separator: str | None = None
    people: Mapping[str, str] = field(default_factory=dict)

    def over(self, remembered: Choices) -> Choices:
        """Return these choices, and the remembered ones where nothing is chosen."""
        chosen: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(remembered, **{name: value for name, value in chosen.items() if value})

    def answers(self) -> dict[str, str]:
        """Return what is chosen of the questions that have named answers, by question."""
        return {kind: str(answer) for kind in ALL_OPTIONS if (answer := getattr(self, kind, None)) is not None}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a file.

    Attributes:
        kind: which one, as in the catalogue of messages; also the field of `Choices`, or of `ReadOptions`, that
            answers it.
        count: rows that it is about.
        counts: for each of its options, of how many there will be what that answer brings.
        example: names or figures of the file that it is about; never a diary.
    """

    kind: str
    count: int
    counts: tuple[int, ...]
    example: str = ""

    @property
    def options(self) -> tuple[str, ...]:
        """Return its answers."""
        return ALL_OPTIONS[self.kind]

    @property
    def answers(self) -> dict[str, int]:
        """Return the count for each answer."""
        return dict(zip(self.options, self.counts, strict=True))

    def plus(self, other: Question) -> Question:
        """Return the same question about the rows of another file, too."""
        counts = tuple(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        example = ", ".join(dict.fromkeys(filter(None, (self.example, other.example))))
        return Question(self.kind, self.count + other.count, counts, example)


class ImportQuestions(UserError):  # noqa: N818 - what is asked is no error of anybody
    """A file can be read in several ways; nothing has been imported."""

    def __init__(self, questions: Sequence[Question], *, name: str) -> None:
        first = questions[0]
        super().__init__(f"import_ask_{first.kind}", name=name, count=first.count, example=first.example)
        self.questions = tuple(questions)


def merge(asked: Sequence[ImportQuestions], *, name: str) -> ImportQuestions:
    """Return the questions of several files as those of one: each kind once, with the sums of its counts."""
    by_kind: dict[str, Question] = {}
    for question in (each for one in asked for each in one.questions):
        before = by_kind.get(question.kind)
        by_kind[question.kind] = question if before is None else before.plus(question)
    return ImportQuestions(list(by_kind.values()), name=name)


ALL_OPTIONS: dict[str, tuple[str, ...]] = {
    "several": ("all", "first", "none"),
    "again": ("correct", "add", "keep"),
    "cleared": ("undo", "keep"),
    "unknown": ("add", "leave"),
    "totals": ("skip", "keep"),
    "heading": ("none", "first"),
    "wide": ("people", "none"),
    "texts": ("join", "each"),
    "lines": ("whole", "each"),
}


@dataclass(slots=True)
class Asked:
    """What a file raises while it is read."""

    counts: Counter[str] = field(default_factory=Counter)
    tallies: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, kind: str, example: str = "", **brings: int) -> None:
        """Note that a question concerns one more row.

        Args:
            brings: by answer, how many more there will be of what it brings; one where it is not said.
        """
        self.counts[kind] += 1
        for option in ALL_OPTIONS[kind]:
            self.tallies[kind, option] += brings.get(option, 1)
        if example:
            self.examples.setdefault(kind, Counter())[tables.shorten(example)] += 1

    def questions(self) -> list[Question]:
        """Return the questions, those that concern most rows first."""
        return [self._question(kind, count) for kind, count in self.counts.most_common()]

    def _question(self, kind: str, count: int) -> Question:
        examples = self.examples.get(kind, Counter()).most_common(20)
        counts = tuple(self.tallies[kind, option] for option in ALL_OPTIONS[kind])
        return Question(kind, count, counts, ", ".join(f"{text} ({n})" for text, n in examples))
