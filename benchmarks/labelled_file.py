"""A labelled file as the classifier sees it, which several benchmarks start from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from annotator.label_sets import definitions as label_set_definitions
from annotator.serving import zero_label
from annotator.settings import ENCODER
from learner.classification import classifier, ngram_features
from learner.encoders import emotion_adapter, emotion_editions, text_hashes
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from annotator.serving.zero_label import FirstModel


@dataclass(frozen=True)
class Labelled:
    """Rows of a file.

    Attributes:
        features: (n, features) that the head reads: encoder vectors and n-grams, as in a project.
        labels: (n,) columns into `names`.
        left_out: rows that the encoder was tuned on, which would flatter it.
    """

    texts: tuple[str, ...]
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    left_out: int


def add_arguments(parser: argparse.ArgumentParser, *, rows: int, data: Path | None = None) -> None:
    """Add the arguments that say which rows of which file; without a file of its own `--data` must be given."""
    parser.add_argument("--data", type=Path, default=data, required=data is None)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--query", help="rows to use, as pandas writes it, such as 'dominance >= 0.6'")
    parser.add_argument("--bands", nargs="+", help="labels out of numbers, such as '1-4=negative 9-10=positive'")
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--encoder", default=ENCODER)
    parser.add_argument(
        "--unseen",
        action="store_true",
        help="leave out what any emotion-aware encoder was tuned on; what its own encoder saw is always left out",
    )
    parser.add_argument("--json", type=Path)


def load(arguments: argparse.Namespace) -> Labelled:
    """Read the rows and compute their features. Rows that the encoder was tuned on are left out."""
    frame = read_rows(arguments)
    texts = frame[arguments.text_column].astype(str).tolist()
    names = tuple(sorted(frame[arguments.label_column].astype(str).unique()))
    labels = np.array([names.index(str(x)) for x in frame[arguments.label_column]], np.int64)
    vectors = by_parts(arguments.encoder, texts)
    space = ngram_features.fit(texts[: ngram_features.MOST_TEXTS], seed=0)
    features = classifier.join_features(vectors, space.transform(texts), mean=vectors.mean(axis=0))
    return Labelled(tuple(texts), features, labels, names, int(frame.attrs["left_out"]))


def require(data: Labelled, count: int) -> None:
    """End with a sentence where a file has fewer rows than a benchmark needs."""
    if len(data.labels) < count:
        raise SystemExit(f"the file has {len(data.labels)} rows; at least {count} are needed")


def vectors_of(encoder_name: str, texts: list[str]) -> NDArray[np.float32]:
    """Return the vectors of texts, cached on disk: encoding takes most of a benchmark's time."""
    return _encode(encoders.load(encoder_name, cache=encoders.default_cache()), texts)


def by_parts(encoder_name: str, texts: list[str]) -> NDArray[np.float32]:
    """Return the vectors of texts by their parts, which heads centre and scale each by itself."""
    encoder = encoders.load(encoder_name, cache=encoders.default_cache())
    return encoder.by_parts(_encode(encoder, texts))


def _encode(encoder: encoders.Encoder, texts: list[str]) -> NDArray[np.float32]:
    digest = hashlib.blake2b("\0".join([encoder.hash, *texts]).encode(), digest_size=16).hexdigest()
    path = encoders.default_cache() / "benchmarks" / f"{digest}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, encoder.encode(texts).vectors)
    return np.asarray(np.load(path), np.float32)


def first_model(names: Sequence[str], features: NDArray[np.float32], encoder_name: str) -> FirstModel:
    """Return the model that needs no label, with the definitions of a new project's labels where names are theirs.

    Args:
        features: (n, features) of the file; the first columns are vectors, centred.
    """
    encoder = encoders.load(encoder_name, cache=encoders.default_cache())
    definition_of = {label.name: label.definition for label in label_set_definitions.DEFAULT_LABELS}
    definitions = [definition_of.get(name, "") for name in names]
    sample, nowhere = features[:, : encoder.width], encoder.by_parts(np.zeros(encoder.width, np.float32))
    return zero_label.of_labels(encoder, names, definitions, sample, mean=nowhere)


def read_rows(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return the rows that the arguments of `add_arguments` ask for; `attrs` say how many were left out.

    Raises:
        SystemExit: with a sentence, if the file has no such rows or columns.
    """
    frame = _queried(_file(arguments.data), arguments.query)
    for column in (arguments.text_column, arguments.label_column):
        if column not in frame:
            raise SystemExit(f"{arguments.data.name} has no column {column!r}. It has: {', '.join(frame)}")
    frame = frame.dropna(subset=[arguments.text_column, arguments.label_column])
    if arguments.bands:
        frame = _banded(frame, arguments.label_column, arguments.bands)
    frame = frame[frame[arguments.text_column].astype(str).str.strip() != ""]
    if (count := frame[arguments.label_column].nunique()) < 2:
        raise SystemExit(f"{arguments.data.name}: {len(frame)} rows have {count} labels; at least two are needed")
    frame = frame.sample(min(len(frame), arguments.rows), random_state=0)
    if arguments.unseen:
        editions: Sequence[str] = list(emotion_editions.FOLDERS)
    else:
        editions = [name for name in emotion_editions.FOLDERS if name == arguments.encoder]
    seen = np.isin(text_hashes.hashes_of(frame[arguments.text_column].astype(str)), emotion_adapter.tuned_on(editions))
    frame = frame[~seen]
    frame.attrs["left_out"] = int(seen.sum())
    return frame


def _file(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise SystemExit(f"there is no file {path}")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")


def _queried(frame: pd.DataFrame, query: str | None) -> pd.DataFrame:
    try:
        return frame.query(query) if query else frame
    except pd.errors.UndefinedVariableError as error:
        raise SystemExit(f"--query: {error}. Columns are: {', '.join(frame)}") from error


def _banded(frame: pd.DataFrame, column: str, bands: list[str]) -> pd.DataFrame:
    """Turn numbers into labels; rows outside every band are left out."""
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise SystemExit(f"--bands makes labels out of numbers, and the column {column!r} holds none")
    names = pd.Series(None, index=frame.index, dtype=object)
    for band in bands:
        limits, name = band.split("=")
        low, high = map(float, limits.split("-"))
        names[frame[column].between(low, high)] = name
    return frame.assign(**{column: names}).dropna(subset=[column])
