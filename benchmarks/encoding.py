"""How fast texts are encoded in each format, and how near that is to what matrix multiplication in it allows.

    python benchmarks/encoding.py --data diaries.csv --json out.json

The bound: floating-point operations of the encoder's matrix products for the tokens that the texts have, without any
padding, divided by the throughput of plain products of the encoder's own shapes in that format, measured before and
after. In int8 it counts making the activations int8, which a product there can't do without. How near the vectors are
to those of float32 is said by cosine, and by what a head answers that was trained on the texts' labels where they have
any.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from benchmarks import labelled_file, machine, matmul_bounds
from learner.classification import classifier as classifiers
from learner.encoders import bf16, onnx_int8, precision
from learner.encoders import encoder as encoders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder

    FloatArray = NDArray[np.float32]

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3


def main() -> None:
    """Measure the formats in turn, so that other load on the machine affects all of them."""
    arguments = _arguments()
    rows = labelled_file.read_rows(arguments)
    texts = rows[arguments.text_column].astype(str).tolist()
    encoder = encoders.load(arguments.encoder, cache=encoders.default_cache())
    with tempfile.TemporaryDirectory() as folder:
        forms = _forms(encoder, Path(folder) / "int8")
        seconds: dict[str, list[float]] = {name: [] for name in forms}
        bounds: dict[str, list[float]] = {name: [matmul_bounds.gflops(encoder, name)] for name in forms}
        vectors: dict[str, FloatArray] = {}
        for _ in range(REPEATS):
            for name, form in forms.items():
                began = time.perf_counter()
                vectors[name] = form.encode(texts).vectors
                seconds[name].append(time.perf_counter() - began)
                bounds[name].append(matmul_bounds.gflops(encoder, name))
    labels = rows[arguments.label_column].astype(str).to_numpy() if arguments.label_column in rows else None
    token_ids, _ = encoder._tokenize(texts)  # noqa: SLF001 - the benchmark looks inside
    lengths = np.array([len(ids) for ids in token_ids])
    flops, exact = _flops(encoder, lengths), statistics.median(seconds["fp32"])
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "texts": len(texts),
        "threads": torch.get_num_threads(),
        "mean_tokens": float(lengths.mean()),
        "formats": {},
    }
    for name, taken in seconds.items():
        best, bound = statistics.median(taken), flops / (max(bounds[name]) * 1e9)
        result["formats"][name] = {
            "texts_per_second": len(texts) / best,
            "times_fp32": exact / best,
            "all_seconds": taken,
            "matmul_gflops": bounds[name],
            "share_of_matmul_throughput": bound / best,
            **_nearness(encoder.by_parts(vectors["fp32"]), encoder.by_parts(vectors[name]), labels),
        }
    machine.write(arguments.json, result)


def _forms(encoder: Encoder, folder: Path) -> dict[str, Encoder]:
    onnx_int8.export(encoder, folder)
    digest = precision.digest_of(encoder.hash, "int8")
    return {
        "fp32": encoder,
        "bf16": bf16.in_bf16(encoder, "bf16"),
        "int8": onnx_int8.load(folder, "int8", digest=digest),
    }


def _nearness(exact: FloatArray, vectors: FloatArray, labels: NDArray[np.str_] | None) -> dict[str, float]:
    """Return cosines, and how often a head answers the same that learned a third of the texts."""
    cosines = (exact * vectors).sum(axis=(1, 2))
    near = {"mean_cosine": float(cosines.mean()), "least_cosine": float(cosines.min())}
    if labels is None:
        return near
    names = np.unique(labels)
    columns, learned = np.searchsorted(names, labels), len(labels) // 3
    mean = exact[:learned].mean(axis=0)
    targets = np.eye(len(names), dtype=np.float32)[columns[:learned]]
    features = classifiers.join_features(exact[:learned], None, mean=mean)
    head = classifiers.train(features, targets, mean=mean, text_space="", seed=0).classifier
    before, after = (head.proba(head.features(each[learned:], None)).argmax(axis=1) for each in (exact, vectors))
    return near | {"same_answers": float((before == after).mean())}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=256, data=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.set_defaults(encoder="bundled")
    return parser.parse_args()


def _flops(encoder: Encoder, lengths: NDArray[np.int64]) -> float:
    """Count the operations of all matrix products: projections, feed-forward layers and attention."""
    config = encoder.model.config
    width, inner = encoder.width // encoder.parts, config.intermediate_size
    per_token = 2 * (4 * width * width + 2 * width * inner)
    attention = 4 * width * lengths.astype(np.float64)
    return float(config.num_hidden_layers * (lengths * (per_token + attention)).sum())


if __name__ == "__main__":
    main()
