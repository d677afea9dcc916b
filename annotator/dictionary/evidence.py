"""Words that explanations bring up, with their evidence and people's decisions about them, and their CSV export."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from annotator import blinding
from annotator import settings as project_settings
from annotator.accounts import diary_access
from annotator.formats.spreadsheet_cells import safe_cell
from annotator.label_sets import projection
from annotator.privacy import masking
from db.answers import group_checks
from db.forgetting import forgotten
from db.label_sets import labels
from db.models import models, predictions, word_emotions
from db.people import annotators
from db.texts import care_flags, diaries
from learner.explanation.explainer import SENTENCE
from learner.lexicon import lexicon
from learner.text.lemmas import find_words, form_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from annotator.accounts.permissions import Person
    from db import Database
    from db.models.models import Model
    from db.models.word_emotions import ExplainedText, WordEmotion
    from learner.lexicon.lexicon import Evidence
    from learner.text.characters import Spans

    FloatArray = NDArray[np.float32]

Filter = Literal["open", "confirmed", "rejected", "all"]
FILTERS: tuple[Filter, ...] = ("open", "confirmed", "rejected", "all")

MOST_DIARIES = 2_000
"""Explained diaries whose words are gathered, the newest first: about three seconds of analysis."""


_AROUND = 60
"""Characters of a diary that are shown on either side of a word."""


DIARIES_A_PRESS = 200
"""Pool diaries that are explained for the dictionary each time somebody asks for more."""


@dataclass(frozen=True, slots=True)
class EvidenceTable:
    """What the explanations of one model say about words.

    Attributes:
        version: of the model.
        label_ids: in the order of the evidence's columns.
    """

    model_id: int
    version: int
    label_ids: tuple[int, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Row:
    """A word, with its evidence and its decision in force.

    Attributes:
        means: mean weight per label of `EvidenceTable.label_ids`; None where no explanation has the word.
        strength: what the list is sorted by: the largest mean, or that of the label that was asked for, drawn towards
            0 the more the fewer occurrences there are (`learner.lexicon.lexicon.CAUTION`); None where `means` is.
        count, diary_count, diary_ids: how often, in how many diaries, and in which it speaks most.
        suggested_id: the label that it speaks for most; None where it speaks for none.
        standing: what a person said of it last; None for nothing.
    """

    word: str
    means: tuple[float, ...] | None
    strength: float | None
    count: int
    diary_count: int
    diary_ids: tuple[int, ...]
    suggested_id: int | None
    standing: WordEmotion | None

    @property
    def state(self) -> Literal["open", "confirmed", "rejected"]:
        """Return ``open`` where nobody has said anything of the word, or has taken it back."""
        if self.standing is None or self.standing.verdict == "none":
            return "open"
        return self.standing.verdict

    @property
    def label_id(self) -> int | None:
        """Return the confirmed label, or else the suggested one."""
        if self.standing is not None and self.standing.verdict == "confirmed":
            return self.standing.label_id
        return self.suggested_id


def get_revision(db: Database) -> tuple[int | str, ...]:
    """Return what `gather` depends on: a value that changes whenever it would find something else."""
    model_id = models.find_active_id(db) or 0
    evidence, settings = word_emotions.evidence_mark(db, model_id), project_settings.load(db)
    flagged = sum(care_flags.count_flags(db))
    hidden = (forgotten.count_forgettings(db), flagged, settings.mask, settings.mask_names)
    return (model_id, *evidence, *hidden, settings.unit)


def gather(db: Database) -> EvidenceTable | None:
    """Summarise what the serving model's explanations of pool diaries say about words; None without a model.

    Diaries that wait for a lead's care are left out, and so is what is masked: everybody sees the same words.
    """
    active = models.find_active(db)
    if active is None:
        return None
    settings = project_settings.load(db)
    unit = settings.unit
    # The weight of a sentence says nothing about its words.
    explained = [] if unit == SENTENCE else word_emotions.list_explained(db, active.id, unit=unit, limit=MOST_DIARIES)
    mapping = projection.current_projection(db, active)
    shared = (
        (diary_id, words, lexicon.share_weights(words, spans, weights))
        for diary_id, text, spans, weights in _in_force(db, active, mapping, explained)
        for words in (find_words(masking.mask(text, settings)),)
    )
    evidence = lexicon.aggregate(shared, k=len(mapping.label_ids))
    return EvidenceTable(active.id, active.version, mapping.label_ids, evidence)


def _in_force(
    db: Database, active: Model, mapping: projection.LabelProjection, explained: Iterable[ExplainedText]
) -> Iterator[tuple[int, str, Spans, FloatArray]]:
    """Yield diary id, text, spans and weights for the labels in force, (units, k), of explained diaries."""
    none = np.full(len(active.label_ids), np.nan, np.float32)
    proba = predictions.load_predictions(db, active) if mapping.sums else none[None][:0]
    for explanation in explained:
        row = proba[explanation.diary_id - 1] if explanation.diary_id <= len(proba) else none
        if explanation.weights.shape[1] == len(active.label_ids) and not (mapping.sums and np.isnan(row).any()):
            yield explanation.diary_id, explanation.text, explanation.spans, mapping.weights(explanation.weights, row)


def list_due(db: Database) -> list[int]:
    """Return the pool diaries that are to be explained for the dictionary."""
    presses = word_emotions.last_asked(db, "evidence")
    return word_emotions.list_first_pool(db, limit=min(MOST_DIARIES, DIARIES_A_PRESS * presses)) if presses else []


def can_ask_more(db: Database) -> bool:
    """Return whether any pool diaries are left that nobody has asked to explain."""
    requested = DIARIES_A_PRESS * word_emotions.last_asked(db, "evidence")
    return requested < min(MOST_DIARIES, diaries.count_diaries(db, "pool"))


def list_rows(
    db: Database, basis: EvidenceTable | None, *, shown: Filter = "all", label_id: int | None = None, search: str = ""
) -> list[Row]:
    """Return words, the one with the strongest evidence first; those that no explanation has come last.

    Args:
        label_id: only words that were confirmed for this label, or else speak for it.
        search: only words that contain this, or its dictionary form.
    """
    standing = {entry.word: entry for entry in word_emotions.list_standing(db)}
    rows = [] if basis is None else _evident(basis, standing, label_id)
    seen = {row.word for row in rows}
    rows += [Row(word, None, None, 0, 0, (), None, entry) for word, entry in standing.items() if word not in seen]
    terms = {part for part in (search.strip().casefold(), form_of(search)) if part}
    return [
        row
        for row in rows
        if shown in ("all", row.state)
        and (label_id is None or row.label_id == label_id)
        and (not terms or any(part in row.word for part in terms))
    ]


def _evident(basis: EvidenceTable, standing: dict[str, WordEmotion], label_id: int | None) -> list[Row]:
    """Return the words of explanations, the strongest for a label first, or for any if that label has no evidence."""
    evidence = basis.evidence
    rows = []
    strengths = evidence.strengths
    if label_id in basis.label_ids:
        strongest = strengths[:, basis.label_ids.index(label_id)]
    else:
        strongest = strengths.max(axis=1, initial=-np.inf)
    for i, word in enumerate(evidence.forms):
        means = evidence.means[i]
        column = int(means.argmax())
        suggested = basis.label_ids[column] if means[column] > 0 else None
        count, diary_count = int(evidence.counts[i]), int(evidence.diary_counts[i])
        values = tuple(float(mean) for mean in means)
        strength, entry = float(strongest[i]), standing.get(word)
        rows.append(Row(word, values, strength, count, diary_count, evidence.examples[i], suggested, entry))
    return sorted(rows, key=lambda row: -(row.strength or 0.0))


@dataclass(frozen=True, slots=True)
class Example:
    """A word in a diary with some of the text around it; dots show that there is more."""

    diary_id: int
    before: str
    word: str
    after: str


def list_examples(db: Database, row: Row, *, person: Person) -> list[Example]:
    """Return examples of a word from the diaries where its evidence is strongest.

    Diaries that are shown without the model's answer, or are withheld from this person, are left out.
    """
    settings = project_settings.load(db)
    open_to_them = diary_access.allowed(db, diary_access.actor_of(person), "quote", row.diary_ids)
    held_out = set(group_checks.list_held_ids(db))
    by_id = {diary.id: diary for diary in diaries.list_diaries(db, open_to_them - held_out)}
    open_ones = [by_id[i] for i in row.diary_ids if i in by_id and not blinding.is_blind(by_id[i], settings)]
    examples = [_example(diary.id, masking.mask(diary.text, settings), row.word) for diary in open_ones]
    return [example for example in examples if example is not None]


def _example(diary_id: int, text: str, word: str) -> Example | None:
    tag = next((tag for tag in lexicon.tag(find_words(text), {word: None}) if tag.is_known), None)
    if tag is None:
        return None
    start, end = max(0, tag.start - _AROUND), min(len(text), tag.end + _AROUND)
    before = ("…" if start else "") + text[start : tag.start]
    return Example(diary_id, before, text[tag.start : tag.end], text[tag.end : end] + ("…" if end < len(text) else ""))


def export_csv(db: Database, basis: EvidenceTable | None, *, person: Person) -> bytes:
    """Return every word, confirmed, rejected or open, as a CSV file that Korean Excel opens rightly.

    Columns: ``word state label source decided_by decided_at suggested count diaries diary_ids mean_…``.

    Raises:
        UserError: ``right_missing`` for whoever may not review: the file names who confirmed what.
    """
    diary_access.require_right(db, diary_access.actor_of(person), "review")
    name_of = {label.id: label.name for label in labels.list_labels(db)}
    person_of = dict(annotators.list_annotators(db))
    columns = [] if basis is None else [f"mean_{name_of.get(i, i)}" for i in basis.label_ids]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    first = ["word", "state", "label", "source", "decided_by", "decided_at", "suggested", "count", "diaries"]
    writer.writerow([safe_cell(cell) for cell in [*first, "diary_ids", *columns]])
    for row in list_rows(db, basis):
        means = [""] * len(columns) if row.means is None else [round(mean, 5) for mean in row.means]
        cells = [*_cells(row, name_of, person_of), *means]
        writer.writerow([safe_cell(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig")


def _cells(row: Row, name_of: dict[int, str], person_of: dict[int, str]) -> list[Any]:
    entry = row.standing
    return [
        row.word,
        row.state,
        "" if entry is None else name_of.get(entry.label_id or 0, ""),
        "" if entry is None else entry.source,
        "" if entry is None else person_of.get(entry.annotator_id, ""),
        "" if entry is None else entry.decided_at,
        name_of.get(row.suggested_id or 0, ""),
        row.count,
        row.diary_count,
        " ".join(map(str, row.diary_ids)),
    ]
