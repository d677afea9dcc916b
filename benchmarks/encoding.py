"""How fast texts are encoded, in float32 and int8, and how near that is to what matrix multiplication allows.

    python benchmarks/encoding.py --data diaries.csv --json out.json

The bound: floating-point operations of the encoder's matrix products for the tokens that the texts have, without any
padding, divided by the throughput of plain float32 products of the encoder's own shapes, measured before and after.
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

from benchmarks import labelled_file, machine
from learner.encoders import encoder as encoders
from learner.encoders import onnx_int8

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from learner.encoders.encoder import Encoder

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3


def main() -> None:
    """Measure float32 and int8 in turn, so that other load on the machine affects both."""
    arguments = _arguments()
    texts = labelled_file.read_rows(arguments)[arguments.text_column].astype(str).tolist()
    encoder = encoders.load(arguments.encoder, cache=encoders.default_cache())
    with tempfile.TemporaryDirectory() as folder:
        onnx_int8.export(encoder, Path(folder) / "int8")
        int8 = onnx_int8.load(
            Path(folder) / "int8", arguments.encoder + "-int8", digest=onnx_int8.digest_of(encoder.hash)
        )
        seconds: dict[str, list[float]] = {"fp32": [], "int8": []}
        gemm = [_gemm_gflops(encoder)]
        vectors: dict[str, NDArray[np.float32]] = {}
        for _ in range(REPEATS):
            for name, one in (("fp32", encoder), ("int8", int8)):
                began = time.perf_counter()
                vectors[name] = one.encode(texts).vectors
                seconds[name].append(time.perf_counter() - began)
            gemm.append(_gemm_gflops(encoder))
    write(arguments, encoder, texts, seconds, gemm, vectors)


def write(
    arguments: argparse.Namespace,
    encoder: Encoder,
    texts: list[str],
    seconds: dict[str, list[float]],
    gemm: list[float],
    vectors: dict[str, NDArray[np.float32]],
) -> None:
    """Write what was measured, and what follows from it."""
    token_ids, _ = encoder._tokenize(texts)  # noqa: SLF001 - the benchmark looks inside
    lengths = np.array([len(ids) for ids in token_ids])
    padded = sum(len(places) * lengths[places].max() for places in encoders._batches(token_ids))  # noqa: SLF001
    flops = _flops(encoder, lengths)
    best = {name: statistics.median(taken) for name, taken in seconds.items()}
    cosines = (vectors["fp32"] * vectors["int8"]).sum(axis=1)
    bound = flops / (max(gemm) * 1e9)
    result: dict[str, Any] = {
        "machine": machine.describe(),
        "data": arguments.data.name,
        "texts": len(texts),
        "mean_tokens": float(lengths.mean()),
        "padding_share": float(1 - lengths.sum() / padded),
        "texts_per_second": {name: len(texts) / taken for name, taken in best.items()},
        "tokens_per_second": {name: float(lengths.sum()) / taken for name, taken in best.items()},
        "all_seconds": seconds,
        "gemm_gflops": gemm,
        "encoding_gflops": flops / best["fp32"] / 1e9,
        "seconds_that_matmul_allows": bound,
        "share_of_matmul_throughput": bound / best["fp32"],
        "int8_speedup": best["fp32"] / best["int8"],
        "mean_cosine": float(cosines.mean()),
        "least_cosine": float(cosines.min()),
    }
    machine.write(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    labelled_file.add_arguments(parser, rows=256, data=ROOT / "annotator" / "demo" / "diaries.csv")
    parser.set_defaults(encoder="bundled")
    return parser.parse_args()


def _flops(encoder: Encoder, lengths: NDArray[np.int64]) -> float:
    """Count the operations of all matrix products: projections, feed-forward layers and attention."""
    config = encoder.model.config
    width, inner = config.hidden_size, config.intermediate_size
    per_token = 2 * (4 * width * width + 2 * width * inner)
    attention = 4 * width * lengths.astype(np.float64)
    return float(config.num_hidden_layers * (lengths * (per_token + attention)).sum())


def _gemm_gflops(encoder: Encoder) -> float:
    """Return the throughput of plain products of 1,024 tokens with the weights of one layer, in GFLOPS."""
    config = encoder.model.config
    width, inner = config.hidden_size, config.intermediate_size
    tokens = torch.randn(1024, width)
    weights = [torch.randn(width, width) for _ in range(4)]
    up, down = torch.randn(width, inner), torch.randn(inner, width)
    seconds = []
    with torch.inference_mode():
        for _ in range(12):
            began = time.perf_counter()
            for weight in weights:
                tokens @ weight
            (tokens @ up) @ down
            seconds.append(time.perf_counter() - began)
    return 2 * 1024 * (4 * width * width + 2 * width * inner) / statistics.median(seconds) / 1e9


if __name__ == "__main__":
    main()
