"""Everything out again: one row a diary, with its label, who decided it, and what the model says.

What the model says is moved by the word-emotion dictionary where that is switched on; see `annotator.refinement`.

Columns: ``id text written_on author source part label decided_by decided_at memo soft_label intensity predicted
proba_… model_version decisions rationales metadata``. ``label`` is the newest decision that counts: one in force, or,
of a diary that a reviewer has settled, the settled one. ``decisions`` holds all that are in force as JSON.
``soft_label`` is the share of each emotion in those that count, as JSON: each has one vote, shared equally among the
emotions that it names. ``intensity`` is their mean. ``rationales`` are the words that people marked, as JSON: who,
which label, half-open characters, and ``right`` for evidence or ``wrong`` for none.

What could name or reach a person is covered, as on the pages; see `annotator.masking`.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from annotator import crosswalks, masking, predictions, project, refinement
from annotator import settings as project_settings
from annotator.errors import UserError
from db import annotators, audit_log, decisions, diaries, labels, models, rationales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from annotator.crosswalks import Crosswalk
    from db import Database
    from db.decisions import Decision
    from db.diaries import Diary
    from db.rationales import Rationale

Format = Literal["csv", "jsonl", "parquet", "datasets"]

_BATCH = 2000


def format_of(target: Path) -> Format:
    """Return the format that a file name asks for; a name without ending asks for a ``datasets`` folder.

    Raises:
        UserError: for an ending that is not known.
    """
    known: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet", "": "datasets"}
    if target.suffix.lower() not in known:
        raise UserError("export_format_unknown", found=target.suffix, known=".csv .jsonl .parquet")
    return known[target.suffix.lower()]


def export(
    db: Database,
    target: Path,
    *,
    file_format: Format | None = None,
    decided_only: bool = False,
    crosswalk: Crosswalk | None = None,
    unmasked: bool = False,
) -> int:
    """Write all diaries, or the decided ones, and return how many. The target appears when it is complete.

    Args:
        crosswalk: write the labels of another set, those that it leads to from the ones here.
        unmasked: cover nothing, which is put on record. Only for whoever may run commands on the database.

    Raises:
        UserError: if the target exists, can't be written or has an unknown ending, or the crosswalk lacks a label.
    """
    chosen = file_format or format_of(target)
    if target.exists():
        raise UserError("target_exists", path=str(target))
    rows, columns = list_rows(db, decided_only=decided_only, unmasked=unmasked), _columns(db)
    if crosswalk is not None:
        crosswalks.check_covers(crosswalk, _used_labels(db))
        rows, columns = crosswalks.translate_rows(rows, crosswalk), crosswalks.translate_columns(columns, crosswalk)
    try:
        with _draft(target) as draft:
            if unmasked:
                audit_log.add(db, None, "mask.reveal", "export")
            return _WRITERS[chosen](draft, rows, columns)
    except OSError as error:
        raise UserError("file_unwritable", path=str(target), reason=error.strerror or "") from error


def export_bytes(path: Path, file_format: Literal["csv", "jsonl", "parquet"], *, decided_only: bool = False) -> bytes:
    """Return an export of the database at `path` as the bytes of one file.

    Raises:
        UserError, DatabaseError: if the project can't be opened, or there is no room for the file.
    """
    with tempfile.TemporaryDirectory() as folder, project.opened(path) as db:
        target = Path(folder) / f"export.{file_format}"
        export(db, target, file_format=file_format, decided_only=decided_only)
        return target.read_bytes()


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".exporting-"))
    try:
        yield folder / target.name
        os.replace(folder / target.name, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _used_labels(db: Database) -> dict[str, int]:
    """Count the decisions of the labels in force, and of retired ones that some still name, by their names."""
    counts = decisions.count_by_label(db)
    found = [label for label in labels.list_all_labels(db) if label.retired_at is None or counts.get(label.id)]
    return {label.name: counts.get(label.id, 0) for label in found}


def _columns(db: Database) -> list[str]:
    label_names = [label.name for label in labels.list_labels(db)]
    first = ["id", "text", "written_on", "author", "source", "part", "label", "decided_by", "decided_at", "memo"]
    first += ["soft_label", "intensity"]
    return [
        *first,
        "predicted",
        *[f"proba_{name}" for name in label_names],
        "model_version",
        "decisions",
        "rationales",
        "metadata",
    ]


def list_rows(db: Database, *, decided_only: bool = False, unmasked: bool = False) -> Iterator[dict[str, Any]]:
    """Yield one row a diary, in the order of import."""
    settings = project_settings.load(db)

    def cover(text: str) -> str:
        return text if unmasked else masking.shown(text, settings)

    name_of_label = {label.id: label.name for label in labels.list_all_labels(db)}
    names = [label.name for label in labels.list_labels(db)]
    name_of_annotator = dict(annotators.list_annotators(db))
    active = models.find_active(db)
    ids = decisions.decided_ids(db) if decided_only else diaries.list_ids(db)
    proba = None if active is None else predictions.load_predictions(db, active)
    refiner = refinement.find_refiner(db, active)
    counting = decisions.counting_ids(db)
    for at in range(0, len(ids), _BATCH):
        part = ids[at : at + _BATCH].tolist()
        standing: dict[int, list[Decision]] = {}
        for decision in decisions.list_standing(db, part):
            standing.setdefault(decision.diary_id, []).append(decision)
        marked: dict[int, list[Rationale]] = {}
        for mark in rationales.list_of_diaries(db, part):
            marked.setdefault(mark.diary_id, []).append(mark)
        for diary in diaries.list_diaries(db, part):
            row = _diary_row(diary, standing.get(diary.id, []), name_of_label, name_of_annotator, counting, cover)
            row |= _shared(standing.get(diary.id, []), counting, name_of_label)
            row["rationales"] = _marks(marked.get(diary.id, []), name_of_label, name_of_annotator)
            row |= dict.fromkeys([f"proba_{name}" for name in names])
            if active is not None and proba is not None and diary.id <= len(proba):
                values = proba[diary.id - 1]
                if values[0] == values[0]:
                    values = values if refiner is None else refiner.refine([diary.text], values[None])[0]
                    row |= {f"proba_{name}": round(float(p), 6) for name, p in zip(names, values, strict=True)}
                    row |= {"predicted": names[int(values.argmax())], "model_version": active.version}
            yield row


def _diary_row(
    diary: Diary,
    standing: list[Decision],
    name_of_label: dict[int, str],
    name_of_annotator: dict[int, str],
    counting: frozenset[int],
    cover: Callable[[str], str],
) -> dict[str, Any]:
    newest = max((d for d in standing if d.id in counting), key=lambda d: d.id, default=None)
    told = [
        {
            "annotator": name_of_annotator[d.annotator_id],
            "kind": d.kind,
            "label": name_of_label.get(d.label_id or 0),
            "memo": cover(d.memo),
            "decided_at": d.decided_at,
            "other_labels": [name_of_label[i] for i in d.other_label_ids],
            "intensity": d.intensity,
        }
        for d in standing
    ]
    return {
        "id": diary.id,
        "text": cover(diary.text),
        "written_on": diary.written_on,
        "author": None if diary.author is None else cover(diary.author),
        "source": diary.source,
        "part": diary.part,
        "label": name_of_label[newest.label_id] if newest and newest.label_id else None,
        "decided_by": name_of_annotator[newest.annotator_id] if newest else None,
        "decided_at": newest.decided_at if newest else None,
        "memo": cover(newest.memo) if newest else None,
        "soft_label": None,
        "intensity": None,
        "predicted": None,
        "model_version": None,
        "decisions": json.dumps(told, ensure_ascii=False),
        "metadata": json.dumps(
            {key: cover(value) if isinstance(value, str) else value for key, value in diary.metadata.items()},
            ensure_ascii=False,
        ),
    }


def _shared(standing: list[Decision], counting: frozenset[int], name_of_label: dict[int, str]) -> dict[str, Any]:
    """Return the share of each emotion in what people said of a diary, and how strong they found it."""
    votes = [d for d in standing if d.id in counting]
    shares: dict[str, float] = {}
    for vote in votes:
        named = [name_of_label[i] for i in (vote.label_id, *vote.other_label_ids) if i is not None]
        for name in named:
            shares[name] = shares.get(name, 0.0) + 1 / len(named) / len(votes)
    strengths = [vote.intensity for vote in votes if vote.intensity is not None]
    rounded = {name: round(share, 6) for name, share in shares.items()}
    return {
        "soft_label": json.dumps(rounded, ensure_ascii=False) if votes else None,
        "intensity": round(sum(strengths) / len(strengths), 4) if strengths else None,
    }


def _marks(marked: list[Rationale], name_of_label: dict[int, str], name_of_annotator: dict[int, str]) -> str:
    told = [
        {
            "annotator": name_of_annotator[mark.annotator_id],
            "label": name_of_label[mark.label_id],
            "start": mark.start,
            "end": mark.end,
            "verdict": mark.verdict,
        }
        for mark in marked
    ]
    return json.dumps(told, ensure_ascii=False)


def safe_cell(value: Any) -> Any:
    """Return a cell that a spreadsheet shows instead of running it as a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _write_csv(target: Path, rows: Iterator[dict[str, Any]], columns: list[str]) -> int:
    # With the mark at its start Korean Excel reads the file as UTF-8.
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - the last value is the number of rows
            writer.writerow({key: safe_cell(value) for key, value in row.items()})
        return count


def _write_jsonl(target: Path, rows: Iterator[dict[str, Any]], columns: list[str]) -> int:
    with target.open("w", encoding="utf-8") as file:
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - as above
            ordered = {column: row[column] for column in columns}
            ordered |= {key: json.loads(row[key]) for key in ("decisions", "rationales", "metadata")}
            ordered["soft_label"] = row["soft_label"] and json.loads(row["soft_label"])
            file.write(json.dumps(ordered, ensure_ascii=False) + "\n")
        return count


def _schema(columns: list[str]) -> Any:
    import pyarrow as pa

    def kind(column: str) -> Any:
        if column in ("id", "model_version"):
            return pa.int64()
        return pa.float32() if column.startswith("proba_") or column == "intensity" else pa.string()

    return pa.schema([(column, kind(column)) for column in columns])


def _write_parquet(target: Path, rows: Iterator[dict[str, Any]], columns: list[str]) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    schema, count, batch = _schema(columns), 0, []
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for row in rows:
            batch.append(row)
            count += 1
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        if batch or not count:
            writer.write_table(pa.Table.from_pylist(batch, schema))
    return count


def _write_datasets(target: Path, rows: Iterator[dict[str, Any]], columns: list[str]) -> int:
    from datasets import Dataset
    from datasets.utils import disable_progress_bars

    disable_progress_bars()
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / "diaries.parquet"
        count = _write_parquet(file, rows, columns)
        Dataset.from_parquet(str(file), cache_dir=folder).save_to_disk(target)
    return count


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl, "parquet": _write_parquet, "datasets": _write_datasets}
