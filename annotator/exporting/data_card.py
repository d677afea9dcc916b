"""The data card of an export: where its labels come from and how far they can be trusted, for people and for programs.

``<target>.card.md`` and ``<target>.card.json`` say the same. Nothing in them depends on when or where they are made.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from annotator import settings as project_settings
from annotator.dictionary import adjustment
from annotator.exporting.data_card_markdown import markdown
from annotator.quality import agreement
from db.label_sets import labels
from db.models import models
from db.texts import batches, diaries, exports
from maeumgyeol import private_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator.exporting.options import Choice
    from annotator.formats.record import Record
    from annotator.messages import Language
    from db import Database


def files(target: Path) -> tuple[Path, Path]:
    """Return where the data card of a target is, as Markdown and as JSON."""
    return target.with_name(f"{target.name}.card.md"), target.with_name(f"{target.name}.card.json")


@dataclass(slots=True)
class Counts:
    """Counts that are taken while records pass by.

    Attributes:
        labels: decisions that count, by label; those in force come first, in their order.
        kinds: all decisions in force by kind.
    """

    labels: Counter[str]
    kinds: Counter[str] = field(default_factory=Counter)
    diaries: int = 0
    decided: int = 0
    test: int = 0
    predicted: int = 0
    with_rationales: int = 0

    def of(self, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records as they are."""
        for record in records:
            self.diaries += 1
            self.decided += record.soft_label is not None
            self.test += record.part == "test"
            self.predicted += record.proba is not None
            self.with_rationales += bool(record.marks)
            for decision in record.decisions:
                self.kinds[decision.kind] += 1
                if decision.counts:
                    for name in decision.labels:
                        self.labels[name] += 1
            yield record


@dataclass(frozen=True, slots=True)
class Export:
    """What was written: `entries` are the rows, tasks or lines of the file."""

    format: str
    entries: int
    choice: Choice
    counts: Counts


def write(db: Database, target: Path, export: Export, *, language: Language | None) -> None:
    """Write both forms of the card beside a target."""
    card = facts(db, target, export)
    as_text, as_json = files(target)
    private_files.write_text(as_text, markdown(card, language))
    content = json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True)
    private_files.write_text(as_json, content + "\n")


def facts(db: Database, target: Path, export: Export) -> dict[str, Any]:
    """Return everything that the card says, as JSON knows it."""
    settings, counts, choice = project_settings.load(db), export.counts, export.choice
    return {
        "file": {
            "name": target.name,
            "format": export.format,
            "entries": export.entries,
            "sha256": digest_of(target),
        },
        "licence": "",
        "software": {"name": "maeumgyeol", "version": version("maeumgyeol")},
        "database": {"content_sha256": exports.content_hash(db), "diaries": diaries.count_diaries(db)},
        "selection": {
            "decided_only": choice.decided_only,
            "crosswalk": None if choice.crosswalk is None else choice.crosswalk.name,
        },
        "diaries": {
            "exported": counts.diaries,
            "with_label": counts.decided,
            "test": counts.test,
            "with_prediction": counts.predicted,
            "with_rationales": counts.with_rationales,
        },
        "sample": {
            "test_share": settings.test_share,
            "strategy": settings.strategy,
            "uniform_share": settings.uniform_share,
            "labels_by_strategy": exports.count_by_strategy(db),
            "overlap": settings.overlap,
            "overlap_share": settings.overlap_share,
            "decided_by_several": exports.count_shared(db),
        },
        "labels": _labels(db, export),
        "decisions": dict(counts.kinds),
        "people": _people(db, named=choice.name_people),
        # Of this project's labels: nobody was asked to choose among the labels that a crosswalk leads to.
        "agreement": _agreement(db),
        "dates": {name: {"first": first, "last": last} for name, (first, last) in exports.date_ranges(db).items()},
        "masking": {
            "masked": settings.mask and not choice.unmasked,
            "names": settings.mask and settings.mask_names and not choice.unmasked,
        },
        "model": _model(db),
        "sources": [
            {
                "file": batch.file_name,
                "hash": batch.file_hash,
                "format": batch.format,
                "imported_at": batch.imported_at,
                "diaries": batch.kept_count,
            }
            for batch in reversed(batches.list_batches(db))
        ],
    }


def digest_of(target: Path) -> str:
    """Return the SHA-256 of a file; for a folder, that of its files' names and digests, one a line."""
    if target.is_dir():
        paths = sorted(path for path in target.rglob("*") if path.is_file())
        listed = "".join(f"{digest_of(path)}  {path.relative_to(target).as_posix()}\n" for path in paths)
        return hashlib.sha256(listed.encode()).hexdigest()
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _labels(db: Database, export: Export) -> list[dict[str, Any]]:
    """Return every label of the export; only this project's own labels have definitions."""
    here = {label.name: label for label in labels.list_all_labels(db)}
    definitions = {name: label.definition for name, label in here.items()} if not export.choice.crosswalk else {}
    return [
        {"name": name, "definition": definitions.get(name, ""), "decisions": count}
        for name, count in export.counts.labels.items()
    ]


def _people(db: Database, *, named: bool) -> dict[str, Any]:
    deciders = exports.list_deciders(db)
    kinds = Counter(kind for _, kind in deciders)
    counts: dict[str, Any] = {"people": kinds["person"], "imports": kinds["importer"]}
    return {**counts, "names": [name for name, kind in deciders if kind == "person"]} if named else counts


def _agreement(db: Database) -> dict[str, Any]:
    report = agreement.compare(db, agreement.read_answers(db))
    return {
        "krippendorff_alpha": asdict(report.alpha),
        "same_share": asdict(report.same),
        "labels": {label.name: asdict(label.alpha) for label in report.labels},
        "people": len(report.people),
        "answers": report.answers,
        "shown_share": report.shown_share,
        "missing": report.missing,
    }


def _model(db: Database) -> dict[str, Any] | None:
    active = models.find_active(db)
    if active is None:
        return None
    test = active.metrics.get("test") or {}
    return {
        "version": active.version,
        "tier": active.tier,
        "encoder": active.encoder,
        "encoder_hash": active.encoder_hash,
        "weights_sha256": active.weights_hash,
        "training_labels": len(active.training_decisions),
        "with_dictionary": adjustment.find_refiner(db, active) is not None,
        "test": {key: test[key] for key in ("n", "accuracy", "accuracy_low", "accuracy_high") if key in test},
        "versions": [model.version for model in models.list_models(db)],
    }
