"""Replaying a labelled file before labelling one's own: which query strategy would have needed fewest labels?

The file is read as an import would, and asked, trained and measured on as a project would. Nothing is kept.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from annotator.errors import UserError
from annotator.formats import table as tables
from annotator.formats.source import open_source
from annotator.formats.table import ColumnMap
from annotator.importing.columns import choose_columns, guess_columns
from annotator.importing.parts import writer_of
from annotator.importing.reader import opened
from annotator.serving import zero_label
from db.forgetting.letters import letters_of
from learner.active_learning import query_strategies, simulation
from learner.classification import classifier, groups, ngram_features
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from annotator.formats.source import Source
    from annotator.formats.table import Table
    from learner.active_learning.simulation import Replay, Summary

MOST_ROWS = 20_000
"""Rows that are replayed of a longer file, drawn uniformly at random."""

FEWEST_A_LABEL = 2
"""Labels that occur less often can't be both learned and measured; their rows are left out."""

_ENCODED_AT_A_TIME = 256
_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows of a file that have a text and a label.

    Attributes:
        labels: (n,) columns into `names`.
        left_out: rows without text or label, repeated texts, and rows of labels that occur once.
        writers: n names, empty where the file gives none.
    """

    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    left_out: int
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a project's head would read of a file's texts.

    Attributes:
        features: (n, features).
        groups: (n,) rows of the same number are of one writer or near-copies, and stay on one side.
        first: (k, width) weights of the model that needs no label; None where it does not know most labels.
    """

    features: NDArray[np.float32]
    groups: NDArray[np.int64]
    first: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to replay; see `maeumgyeol simulate --help`."""

    strategies: tuple[str, ...]
    batch: int = 20
    budget: int = 500
    seeds: int = 5


def read(path: Path, *, text_column: str | None, label_column: str | None) -> Labelled:
    """Read a labelled file of any kind that can be imported.

    Raises:
        UserError: if it can't be read, has no label column, or fewer than two labels.
    """
    return read_source(open_source(path, path.name), text_column=text_column, label_column=label_column)


def read_source(source: Source, *, text_column: str | None, label_column: str | None) -> Labelled:
    """Read a labelled file that is open, as `read` does."""
    with opened(source) as table:
        sample = list(islice(table.rows(), _SAMPLE_ROWS))
        guess = guess_columns(table.columns, sample)
        requested = ColumnMap(text_column, label_column or guess.label, author=guess.author)
        columns = choose_columns(table, requested, sample, name=source.name)
        if columns.label is None:
            column_names = tables.enumerate_values(table.columns)
            raise UserError("simulation_without_labels", name=source.name, columns=column_names)
        return _labelled(table, str(columns.text), columns.label, columns.author)


def _labelled(table: Table, text_column: str, label_column: str, author_column: str | None) -> Labelled:
    count, seen, examples = 0, set[str](), list[tuple[str, str, str]]()
    for row in table.rows():
        count += 1
        text, label = (row.values.get(column) or "" for column in (text_column, label_column))
        if text.strip() and label.strip() and text not in seen:
            seen.add(text)
            examples.append((text, label.strip(), writer_of(row.values.get(author_column or ""))))
    frequent = Counter(label for _, label, _ in examples)
    usable = [example for example in examples if frequent[example[1]] >= FEWEST_A_LABEL]
    drawn = np.sort(np.random.default_rng(0).permutation(len(usable))[:MOST_ROWS])
    names = tuple(sorted({usable[i][1] for i in drawn}))
    if len(names) < 2:
        raise UserError("simulation_of_one_label", count=len(names))
    labels = np.array([names.index(usable[i][1]) for i in drawn], np.int64)
    texts, writers = (tuple(usable[i][field] for i in drawn) for field in (0, 2))
    return Labelled(texts, labels, names, count - len(drawn), writers)


def features_of(
    texts: Sequence[str],
    writers: Sequence[str],
    names: Sequence[str],
    *,
    encoder_name: str,
    cache: Path,
    on_progress: Callable[[float], None],
) -> Rows:
    """Return what a project's head would read of these texts, and be drawn towards given the names of the labels."""
    encoder = encoders.load(encoder_name, cache=cache)
    vectors = np.zeros((len(texts), encoder.width), np.float32)
    # By length, so that little padding is computed; the order of the rows stays.
    order = np.argsort([len(text) for text in texts], kind="stable")
    for at in range(0, len(order), _ENCODED_AT_A_TIME):
        places = order[at : at + _ENCODED_AT_A_TIME]
        vectors[places] = encoder.encode([texts[i] for i in places]).vectors
        on_progress((at + len(places)) / len(texts))
    space = None
    if len(texts) >= ngram_features.FEWEST_TEXTS:
        space = ngram_features.fit(texts[: ngram_features.MOST_TEXTS], seed=0).transform(texts)
    together = groups.join(vectors, [letters_of(text) or text for text in texts], [name or None for name in writers])
    first = zero_label.of_labels(encoder, names, [""] * len(names), vectors)
    return Rows(
        classifier.join_features(vectors, space, mean=encoder.by_parts(vectors.mean(axis=0))),
        together,
        first.head[0] if first.knows_most else None,
    )


def run(
    file: Labelled,
    request: Request,
    *,
    encoder: str,
    cache: Path,
    on_progress: Callable[[str, float], None] = lambda step, share: None,
) -> dict[str, Any]:
    """Replay a file under each strategy and return the report as JSON values. Deterministic.

    Args:
        on_progress: is told the step (``encode``, ``replay``) and the share of it that is done.

    Raises:
        UserError: for an unknown strategy.
        LearnerError: if the file is too small for the batch.
    """
    unknown = [name for name in request.strategies if name not in query_strategies.STRATEGIES]
    if unknown:
        raise UserError("strategy_unknown", name=unknown[0], known=", ".join(query_strategies.STRATEGIES))
    rows = features_of(
        file.texts,
        file.writers,
        file.names,
        encoder_name=encoder,
        cache=cache,
        on_progress=lambda share: on_progress("encode", share),
    )
    import torch

    # With so few rows a head trains faster than threads synchronise.
    torch.set_num_threads(1)
    k, seeds = len(file.names), range(request.seeds)
    full = np.mean([_full_pool(rows, file, k, seed) for seed in seeds], axis=0)
    summaries = {}
    for place, strategy in enumerate(request.strategies):
        replays = []
        for seed in seeds:
            replays.append(_replay(rows, file, strategy, request, seed))
            on_progress("replay", (place + (seed + 1) / request.seeds) / len(request.strategies))
        summaries[strategy] = simulation.summarise(replays, full_macro_f1=float(full[0]))
    return {
        "rows": len(file.labels),
        "left_out": file.left_out,
        "labels": dict(zip(file.names, np.bincount(file.labels, minlength=k).tolist(), strict=True)),
        "encoder": encoder,
        "batch": request.batch,
        "budget": request.budget,
        "seeds": request.seeds,
        "full_pool": {"macro_f1": round(float(full[0]), 6), "accuracy": round(float(full[1]), 6)},
        "strategies": {name: describe(summary) | _behind(summary, summaries) for name, summary in summaries.items()},
    }


def _behind(summary: Summary, all_of_them: Mapping[str, Summary]) -> dict[str, Any]:
    """Return how far a strategy is behind the best one, paired by seed; nothing for the best one itself."""
    best = max(all_of_them.values(), key=lambda one: one.aulc_macro_f1)
    if summary is best:
        return {}
    lead = simulation.lead(best, summary, others=len(all_of_them) - 1)
    return {"behind": {key: _finite(value) for key, value in asdict(lead).items()}}


def _finite(value: float) -> float | None:
    """Return a rounded figure; JSON knows no infinity."""
    return round(value, 6) if math.isfinite(value) else None


def _full_pool(rows: Rows, file: Labelled, k: int, seed: int) -> tuple[float, float]:
    return simulation.full_pool(rows.features, file.labels, k=k, seed=seed, groups=rows.groups)


def _replay(rows: Rows, file: Labelled, strategy: str, request: Request, seed: int) -> Replay:
    return simulation.replay(
        rows.features,
        file.labels,
        simulation.asking(strategy, first=rows.first),
        k=len(file.names),
        batch=request.batch,
        budget=request.budget,
        seed=seed,
        groups=rows.groups,
    )


def describe(summary: Summary) -> dict[str, Any]:
    """Return a summary as JSON values: curves as means over the seeds with 95 % intervals."""
    described: dict[str, Any] = {
        "labels_to_95": summary.labels_to_95,
        "aulc_macro_f1": round(summary.aulc_macro_f1, 6),
        "aulc_accuracy": round(summary.aulc_accuracy, 6),
        "interval": _bounds(summary.macro_f1_interval),
        "accuracy_interval": _bounds(summary.accuracy_interval),
        "labels": summary.counts.tolist(),
    }
    for name, curves in (("macro_f1", summary.macro_f1), ("accuracy", summary.accuracy)):
        bounds = np.array([_bounds(simulation.mean_interval(column)) for column in curves.T])
        described[name] = curves.mean(axis=0).round(4).tolist()
        described[f"{name}_low"], described[f"{name}_high"] = bounds.T.round(4).tolist()
    return described


def _bounds(interval: tuple[float, float]) -> list[float]:
    """Return the ends of an interval of a score, which lies in [0, 1]."""
    return [round(min(1.0, max(0.0, bound)), 6) for bound in interval]
