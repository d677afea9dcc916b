"""How fast diaries are found, and what the index costs the import.

    python benchmarks/find.py --diaries 1000000 --json out.json

The diaries are made of sentences of ``--data``, as in `import_export.py`. Each question is asked as the page asks it:
rights, filters, comparing texts, the first fifty hits described. Beside it stand a plain ``like '%…%'`` over the same
file and DuckDB over the same rows, where it is installed (``pip install duckdb``); both count hits only.
"""

from __future__ import annotations

import argparse
import csv
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from annotator import project
from annotator.accounts import diary_access
from annotator.finding import finder, query
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from benchmarks import machine
from benchmarks.import_export import make_rows
from db.label_sets import labels
from db.models import models, predictions
from db.search import index
from learner.encoders.vector_store import VectorFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db import Database

ROOT = Path(__file__).resolve().parent.parent
_WIDTH = 768
_AT_A_TIME = 50_000
_ROUNDS = 3

WORDS = (
    *("행복", "화", "무서워", "눈물", "친구", "ㅋ", "!", "학교에", "어머니가 돌아", '"오늘은 학교"', "하고 -오늘"),
    *(
        "없는낱말이다",
        "엄마",
        "울었",
        "짜증",
        "시험",
        "사랑",
        "밥",
        "비가 온",
        "혼자",
        "123456",
        "가",
        "고마워",
        "-했다",
    ),
)
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"label": "분노"},
    {"state": "waiting"},
    {"state": "decided", "sort": "-date"},
    {"prediction": "슬픔", "p_from": "0.9"},
    {"p_from": "0.3", "p_to": "0.4", "sort": "probability"},
    {"differs": "model"},
    {"differs": "people"},
    {"part": "test", "prediction": "행복", "label": "슬픔"},
    {"writer": "u77", "sort": "-length"},
    {"since": "2026-03-01", "until": "2026-03-05", "q": "화"},
    {"longer": "60", "shorter": "65"},
    {"batch": "1", "sort": "date"},
    {"memo": "1"},
    {"marks": "1"},
    {"doubted": "1"},
    {"sort": "writer"},
    {"sort": "prediction", "q": "친구"},
)


def main() -> None:
    """Build the project, ask, write the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        folder = Path(root)
        share = _build(folder, arguments)
        result = {"machine": machine.describe(), "diaries": arguments.diaries, **share, **_measure(folder)}
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--diaries", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.add_argument("--folder", type=Path, help="where the project is built; 5 GB for a million diaries")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _build(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Make a project with predictions and vectors; return what the index took of the import."""
    rows = folder / "rows.csv"
    with rows.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("text", "label", "date", "author"))
        writer.writerows(row.values() for row in make_rows(arguments.data, arguments.diaries, labelled=0.02, seed=0))
    path = folder / "find.db"
    project.init(path, seed="00" * 16)
    with closing(project.open_project(path)) as db:
        figures = _import(db, rows)
        _predict(db, arguments.diaries)
    _encode(path, arguments.diaries)
    return figures


def _import(db: Database, rows: Path) -> dict[str, float]:
    """Import as ever, and count the processor's seconds of the import, its reader's among them, and of the index."""
    extend, spent = index.extend, [0.0]

    def timed(*given: Any, **named: Any) -> int:
        start = time.process_time()
        count = extend(*given, **named)
        spent[0] += time.process_time() - start
        return count

    index.extend = timed
    start, wall = _cpu_seconds(), time.perf_counter()
    import_file(db, rows, rows.name, after=enqueue_import)
    index.extend = extend
    total = _cpu_seconds() - start
    size = db.conn.execute("select sum(length(postings)) from search_postings").fetchone()[0] or 0
    return {
        "import_s": round(time.perf_counter() - wall, 2),
        "import_cpu_s": round(total, 2),
        "index_cpu_s": round(spent[0], 2),
        "index_share_of_import": round(spent[0] / total, 3),
        "index_mb": round(size / 2**20, 1),
    }


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _predict(db: Database, count: int) -> None:
    ids = tuple(label.id for label in labels.list_labels(db))
    proba = np.random.default_rng(0).dirichlet([0.4] * len(ids), count).astype(np.float32)
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "encoder", ids, b"", {}))
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="round")


def _encode(path: Path, count: int) -> None:
    file, rng = VectorFile(project.vectors_folder(path) / "encoder", width=_WIDTH), np.random.default_rng(0)
    for start in range(0, count, _AT_A_TIME):
        ids = range(start + 1, min(start + _AT_A_TIME, count) + 1)
        vectors = rng.standard_normal((len(ids), _WIDTH), np.float32)
        file.write(ids, vectors, np.full(len(ids), 9, np.int32))


def _measure(folder: Path) -> dict[str, Any]:
    path = folder / "find.db"
    with closing(project.open_project(path)) as db:
        likes = [{"like": str(1 + 997 * number)} for number in range(5)]
        likes += [{"like": "5", "prediction": "중립"}, {"like": "5", "q": "친구"}]
        figures = {
            "words_ms": _ask(db, path, [{"q": words} for words in WORDS]),
            "filters_ms": _ask(db, path, FILTERS),
            "like_ms": _ask(db, path, likes),
        }
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        scans = _times([lambda word=word: _scan(db, word) for word in WORDS[:4]])
    return {**figures, "rss_mb": round(rss, 1), "plain_like_ms": scans, "duckdb_ms": _duckdb(folder / "rows.csv")}


def _ask(db: Database, path: Path, asked: Sequence[dict[str, str]]) -> dict[str, float]:
    actor = diary_access.owner(0)
    return _times([lambda each=each: finder.find(db, path, actor, query.read(each)) for each in asked] * _ROUNDS)


def _times(questions: Sequence[Callable[[], object]]) -> dict[str, float]:
    """Return percentiles of the time that questions take, and of the processor's, in milliseconds."""
    taken: list[tuple[float, float]] = []
    for question in questions:
        start, cpu = time.perf_counter(), time.process_time()
        question()
        taken.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu)))
    percentiles = np.percentile(taken, [50, 95, 100], axis=0).round(1)
    names = [name + suffix for name in ("p50", "p95", "max") for suffix in ("", "_cpu")]
    return dict(zip(names, map(float, percentiles.ravel()), strict=True))


def _scan(db: Database, word: str) -> object:
    return db.conn.execute("select count(*) from diaries where text like '%' || ? || '%'", (word,)).fetchone()


def _duckdb(rows: Path) -> dict[str, float] | None:
    try:
        import duckdb  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    with duckdb.connect() as other:
        other.execute("set threads = 1")
        other.execute("create table diaries as select * from read_csv(?)", [str(rows)])
        sql = "select count(*) from diaries where contains(text, ?)"
        return _times([lambda word=word: other.execute(sql, [word]).fetchone() for word in WORDS[:4]])


if __name__ == "__main__":
    main()
