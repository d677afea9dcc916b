"""What is exported of each diary, defined here once for all formats.

Predictions are adjusted by the word-emotion dictionary if that is switched on; see
`annotator.dictionary.adjustment`. Names and contact details are masked, as on the pages; see
`annotator.privacy.masking`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator import settings as project_settings
from annotator.dictionary import adjustment
from annotator.formats.record import BATCH, Mark, Origin, Record, RecordDecision
from annotator.label_sets import projection
from annotator.privacy import masking
from db.answers import decisions, rationales
from db.label_sets import labels
from db.models import models
from db.people import annotators
from db.texts import batches, diaries, exports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from annotator.dictionary.adjustment import DictionaryAdjuster
    from db import Database
    from db.models.models import Model
    from db.texts.exports import StoredDiary


def read(db: Database, *, decided_only: bool = False, unmasked: bool = False) -> Iterator[Record]:
    """Yield every diary, or the decided ones, in the order of import."""
    reader = _Reader.of(db, unmasked=unmasked)
    ids = list_ids(db, decided_only=decided_only)
    for at in range(0, len(ids), BATCH):
        yield from reader.read(ids[at : at + BATCH].tolist())


def list_ids(db: Database, *, decided_only: bool = False) -> NDArray[np.int64]:
    """Return the ids of all diaries, or of those on which somebody's decision is in force, ascending."""
    return decisions.list_decided_ids(db) if decided_only else diaries.list_ids(db)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The context shared by all batches of diaries.

    Attributes:
        names: of all labels by id; `columns`: of those in force, as probabilities are ordered.
        proba: (rows, k), row i belongs to diary i + 1, NaN where there is none; None without a model.
    """

    db: Database
    cover: Callable[[str], str]
    names: dict[int, str]
    columns: list[str]
    people: dict[int, str]
    origins: dict[int, Origin]
    active: Model | None
    proba: NDArray[np.float32] | None
    refiner: DictionaryAdjuster | None

    @classmethod
    def of(cls, db: Database, *, unmasked: bool) -> _Reader:
        settings = project_settings.load(db)
        active = models.find_active(db)
        return cls(
            db=db,
            cover=(lambda text: text) if unmasked else (lambda text: masking.mask(text, settings)),
            names={label.id: label.name for label in labels.list_all_labels(db)},
            columns=[label.name for label in labels.list_labels(db)],
            people=dict(annotators.list_annotators(db)),
            origins={b.id: Origin(b.file_name, b.file_hash, b.imported_at) for b in batches.list_batches(db)},
            active=active,
            proba=None if active is None else projection.load_predictions(db, active),
            refiner=adjustment.find_refiner(db, active),
        )

    def read(self, ids: Sequence[int]) -> Iterator[Record]:
        stored = exports.list_stored(self.db, ids)
        decisions_of, marks_of = self._load_decisions(ids), self._marked(ids)
        sentences = exports.list_sentences(self.db, ids)
        cover, nobody = self.cover, (None, None)
        # Parsed as one list: a call for each diary would take three times as long.
        metadata = json.loads(f"[{','.join(diary.metadata for diary in stored)}]")
        for diary, extra, proba in zip(stored, metadata, self._predict(stored), strict=True):
            diary_decisions = tuple(decisions_of.get(diary.id, ()))
            soft_label, intensity = _shared(diary_decisions) if diary_decisions else nobody
            yield Record(
                id=diary.id,
                text=cover(diary.text),
                written_on=diary.written_on,
                author=None if diary.author is None else cover(diary.author),
                source=diary.source,
                part=diary.part,
                metadata=self._covered(extra) if extra else extra,
                origin=self.origins[diary.batch_id],
                row=diary.row_number,
                decisions=diary_decisions,
                marks=tuple(marks_of.get(diary.id, ())),
                soft_label=soft_label,
                intensity=intensity,
                sentences=sentences.get(diary.id),
                proba=proba,
                model_version=None if proba is None or self.active is None else self.active.version,
            )

    def _covered(self, values: dict[str, Any]) -> dict[str, Any]:
        return {key: self.cover(value) if isinstance(value, str) else value for key, value in values.items()}

    def _load_decisions(self, ids: Sequence[int]) -> dict[int, list[RecordDecision]]:
        by_diary: dict[int, list[RecordDecision]] = defaultdict(list)
        counting = exports.list_counting_ids(self.db, ids)
        standing = decisions.list_standing(self.db, ids)
        groups = exports.list_groups(self.db, [d.id for d in standing])
        for d in standing:
            label = None if d.label_id is None else self.names[d.label_id]
            others = tuple(self.names[i] for i in d.other_label_ids)
            person, counts = self.people[d.annotator_id], d.id in counting
            by_diary[d.diary_id].append(
                RecordDecision(
                    d.id,
                    person,
                    d.kind,
                    label,
                    others,
                    d.intensity,
                    self.cover(d.memo),
                    d.decided_at,
                    counts,
                    groups.get(d.id, ""),
                )
            )
        return by_diary

    def _marked(self, ids: Sequence[int]) -> dict[int, list[Mark]]:
        by_diary: dict[int, list[Mark]] = defaultdict(list)
        for m in rationales.list_of_diaries(self.db, ids):
            mark = Mark(self.people[m.annotator_id], self.names[m.label_id], m.start, m.end, m.verdict)
            by_diary[m.diary_id].append(mark)
        return by_diary

    def _predict(self, stored: Sequence[StoredDiary]) -> list[dict[str, float] | None]:
        """Return the probabilities of each diary by label, rounded to six places."""
        if self.proba is None:
            return [None] * len(stored)
        values = np.full((len(stored), len(self.columns)), np.nan, np.float32)
        ids = np.array([diary.id for diary in stored], np.int64)
        stored_ones = ids <= len(self.proba)
        values[stored_ones] = self.proba[ids[stored_ones] - 1]
        known = ~np.isnan(values[:, 0])
        if self.refiner is not None and known.any():
            texts = [diary.text for diary, is_known in zip(stored, known.tolist(), strict=True) if is_known]
            values[known] = self.refiner.refine(texts, values[known])
        rounded = np.round(values.astype(np.float64), 6).tolist()
        pairs = zip(known.tolist(), rounded, strict=True)
        return [dict(zip(self.columns, row, strict=True)) if is_known else None for is_known, row in pairs]


def _shared(diary_decisions: Sequence[RecordDecision]) -> tuple[dict[str, float] | None, float | None]:
    """Return the share of each emotion among people's decisions on a diary, and their mean intensity."""
    votes = [decision for decision in diary_decisions if decision.counts]
    if not votes:
        return None, None
    shares: dict[str, float] = defaultdict(float)
    for vote in votes:
        for name in vote.labels:
            shares[name] += 1 / len(vote.labels) / len(votes)
    strengths = [vote.intensity for vote in votes if vote.intensity is not None]
    mean = round(sum(strengths) / len(strengths), 4) if strengths else None
    return {name: round(share, 6) for name, share in shares.items()}, mean
