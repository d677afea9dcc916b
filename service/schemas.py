"""What goes in and out of the endpoints, as the OpenAPI page describes it."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the hints
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from annotator.importing import MAX_CHARACTERS
from annotator.ingest.api import ROLES, Item

MOST_TEXTS = 1000
_RESERVED = frozenset(ROLES.roles().values())


def _free(metadata: dict[str, str]) -> dict[str, str]:
    if _RESERVED & metadata.keys():
        raise PydanticCustomError("reserved", "Reserved")
    return metadata


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=100)],
        Annotated[str, StringConstraints(max_length=1000)],
    ],
    Field(max_length=20),
    AfterValidator(_free),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DiaryIn(_In):
    """A diary to keep."""

    text: Text
    written_on: date | None = None
    author: Annotated[str, StringConstraints(max_length=200)] | None = None
    metadata: Metadata = Field(default_factory=dict, description="Whatever else is to stay with it")

    def item(self) -> Item:
        """Return the diary as the use-cases take it."""
        written_on = None if self.written_on is None else self.written_on.isoformat()
        return Item(self.text, written_on, self.author, self.metadata)


class DiariesIn(_In):
    """Diaries to keep, all of them or none."""

    diaries: Annotated[list[DiaryIn], Field(min_length=1, max_length=MOST_TEXTS)]


class TextsIn(_In):
    """Texts to classify, which are not kept."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]


class LabelIn(_In):
    """What somebody says a diary is."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    memo: Annotated[str, StringConstraints(max_length=1000)] = ""


class Prediction(BaseModel):
    """What the model says.

    `candidates` are the labels, likeliest first, that hold the right one in the `promised` share of diaries; both are
    null until enough test diaries are decided. A `guess` is an answer of a model that has learned nothing here, or one
    that leads by less than 0.1.
    """

    label: str
    proba: dict[str, float]
    model_version: int
    guess: bool
    candidates: list[str] | None = None
    promised: float | None = None


class Stored(BaseModel):
    """A diary that is kept; `created` is false for a text that was there already."""

    id: int
    created: bool
    prediction: Prediction | None


class StoredMany(BaseModel):
    """Diaries that are kept, in the order in which they came."""

    diaries: list[Stored]


class Predictions(BaseModel):
    """One prediction for each text, in order; null where the model knows none of the labels in force."""

    predictions: list[Prediction | None]


class GivenLabel(BaseModel):
    """The label that counts; `is_settled` if a reviewer has settled on it."""

    name: str
    by: str
    decided_at: str
    is_settled: bool
    is_group: bool = Field(description="Whether it was given to many diaries by one press")


class Diary(BaseModel):
    """A diary, what is private covered; without a text for a token that may not read it."""

    id: int
    status: Literal["waiting", "classified", "labelled"]
    text: str | None
    written_on: str | None
    author: str | None
    label: GivenLabel | None
    prediction: Prediction | None


class Search(_In):
    """What is looked for; every part narrows the search down. See the guide to finding diaries."""

    q: str = Field("", max_length=10_000, description='Words; "in quotes" a phrase, -word must not occur')
    like: int | None = Field(None, ge=1, le=2**63 - 1, description="The 50 diaries nearest to this one, by vector")
    like_text: str = Field(
        "",
        max_length=5_000,
        description="The 50 diaries nearest to this text; the first takes seconds. Not with `like`",
    )
    label: str = ""
    prediction: str = Field("", description="The serving model's answer")
    p_from: float | None = Field(None, ge=0, le=1)
    p_to: float | None = Field(None, ge=0, le=1)
    differs: Literal["", "people", "model"] = ""
    state: Literal["", "waiting", "decided", "skipped", "flagged", "returned", "ambiguous", "reviewed", "withheld"] = ""
    person: str = Field("", description="Who decided it")
    part: Literal["", "pool", "test"] = ""
    writer: str = ""
    source: str = ""
    batch: int | None = Field(None, ge=1, le=2**63 - 1)
    since: date | None = None
    until: date | None = None
    longer: int | None = Field(None, ge=0, le=2**31)
    shorter: int | None = Field(None, ge=0, le=2**31)
    memo: bool = False
    marks: bool = False
    doubted: bool = False
    sort: str = Field("", max_length=20, description="A column; with - before it the largest comes first")
    after: str = Field("", max_length=100, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200)


class FoundAnswer(BaseModel):
    """What one person decided."""

    name: str
    kind: Literal["label", "skip", "flag"]
    label: str
    is_group: bool = Field(description="Whether it was given to many diaries by one press")


class FoundDiary(BaseModel):
    """A hit: a line of its text, what is private covered, and where the words stand in it."""

    diary_id: int
    line: str
    spans: list[tuple[int, int]]
    state: str
    answers: list[FoundAnswer]
    prediction: str | None
    probability: float | None
    part: Literal["pool", "test"] | None
    author: str | None
    source: str | None
    written_on: str | None
    length: int
    nearness: float | None


class Found(BaseModel):
    """A page of hits; `next` leads to the following one, and is null at the end.

    `is_more`: there may be more than `count`. `not_searched`: diaries whose index is still being made.
    """

    diaries: list[FoundDiary]
    count: int
    is_more: bool
    next: str | None
    not_searched: int
    vectors_made_at: str | None
    without_vector: int | None


class Learned(BaseModel):
    """A version of the model that learned from a diary; a round of the tier makes one that did not."""

    version: int
    tier: str
    serves: bool


class Forgetting(BaseModel):
    """What would go with a diary: rows by table, none of its words. What `trained` names would stay as it is."""

    id: int
    forgotten: bool
    characters: int
    rows: dict[str, int]
    trained: list[Learned]
    near_copies: int


class Forgotten(BaseModel):
    """What went: `forgotten` is false for a diary that had gone before.

    `files_follow` is false while another program reads a file beside the database; the worker clears it then.
    `out_of_reach` says what has to be looked for by hand.
    """

    id: int
    forgotten: bool
    rows: dict[str, int]
    trained: list[Learned]
    refused_from_now_on: bool
    files_follow: bool
    out_of_reach: str


class Word(BaseModel):
    """A word and what it says for (> 0) or against each label; offsets are half-open characters of the text."""

    text: str
    start: int
    end: int
    weights: dict[str, float]


class Explanation(BaseModel):
    """Why the model gives a diary its label, word by word; of a `guess` the words are no sure reason."""

    diary_id: int
    label: str
    unit: str
    fit: float
    model_version: int
    guess: bool
    words: list[Word]


class Label(BaseModel):
    """A label in force."""

    name: str
    definition: str
    colour: str


class LabelSet(BaseModel):
    """The labels in force, in their order."""

    labels: list[Label]


class Model(BaseModel):
    """The model that serves."""

    version: int
    tier: str
    encoder: str
    labels: list[str]
    trained_on: int
    created_at: str


class Health(BaseModel):
    """Whether the service can work."""

    status: Literal["ok"]


class FieldProblem(BaseModel):
    """A field that can't be used."""

    field: str
    problem: str


class Problem(BaseModel):
    """Every error: a stable code, a sentence in the language of ``Accept-Language``."""

    code: str
    message: str
    fields: list[FieldProblem] | None = None
